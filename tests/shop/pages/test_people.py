"""Merchants and their people as they see themselves, and as an operator and the public see them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from catalog import members, merchants
from catalog.models import Merchant
from core.accounts import Actor
from tests.catalog.builders import application, social_credit_code
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.pages.conftest import Browser

PEOPLE = "/trade/people"


def join(shelf: Shelf, role: str) -> Actor:
    person = builders.open_account("consumer")
    invitation = members.invite(shelf.owner.id, shelf.merchant_id, person.email, role)
    members.accept(person.id, uuid.UUID(invitation["id"]))
    return person


def role_of(person: Actor) -> str | None:
    state.fresh()
    return members.role_of(person.id)


def test_a_person_is_invited_and_accepts(
    browser: Browser, another_browser: Callable[[], Browser], shelf: Shelf
) -> None:
    person = builders.open_account("consumer")
    browser.sign_in(shelf.owner)
    assert browser.send(PEOPLE, PEOPLE, email=person.email, role="stock_clerk").status_code == 303
    assert person.email in browser.go(PEOPLE).get_data(as_text=True)
    theirs = another_browser()
    theirs.sign_in(person)
    assert theirs.go(PEOPLE).status_code == 403
    assert "/account/invitations" in theirs.go("/account").get_data(as_text=True)
    assert "仓库管理员" in theirs.go("/account/invitations", "zh").get_data(as_text=True)
    (waiting,) = members.invitations(person.id)["items"]
    action = f"/account/invitations/{waiting['id']}/accept"
    assert theirs.send("/account/invitations", action).status_code == 303
    assert role_of(person) == "stock_clerk"
    page = theirs.go(PEOPLE).get_data(as_text=True)
    assert shelf.owner.email in page
    assert "Invite a person" not in page
    assert theirs.post(PEOPLE, email="x@landfall.example", role="owner").status_code == 403


def test_an_invitation_is_declined_or_taken_back(
    browser: Browser, another_browser: Callable[[], Browser], shelf: Shelf
) -> None:
    person = builders.open_account("consumer")
    first = members.invite(shelf.owner.id, shelf.merchant_id, person.email, "viewer")["id"]
    browser.sign_in(person)
    assert browser.send("/account/invitations", f"/account/invitations/{first}/decline").status_code == 303
    second = members.invite(shelf.owner.id, shelf.merchant_id, person.email, "viewer")["id"]
    theirs = another_browser()
    theirs.sign_in(shelf.owner)
    assert theirs.send(PEOPLE, f"{PEOPLE}/invitations/{second}/withdraw").status_code == 303
    state.fresh()
    assert members.invitations(person.id)["items"] == []
    assert browser.post(f"/account/invitations/{second}/accept").status_code == 404


def test_an_owner_changes_roles_and_takes_people_out(browser: Browser, shelf: Shelf) -> None:
    person = join(shelf, "viewer")
    browser.sign_in(shelf.owner)
    assert browser.send(PEOPLE, f"{PEOPLE}/{person.id}/role", role="manager").status_code == 303
    assert role_of(person) == "manager"
    assert browser.send(PEOPLE, f"{PEOPLE}/{person.id}/remove").status_code == 303
    assert role_of(person) is None
    assert browser.send(PEOPLE, f"{PEOPLE}/leave").status_code == 303
    assert "A merchant keeps at least one owner" in browser.go(PEOPLE).get_data(as_text=True)
    assert role_of(shelf.owner) == "owner"


def test_a_member_may_leave(browser: Browser, shelf: Shelf) -> None:
    person = join(shelf, "viewer")
    browser.sign_in(person)
    assert browser.send(PEOPLE, f"{PEOPLE}/leave").headers["Location"].endswith("/account")
    assert role_of(person) is None


def test_another_merchants_people_are_not_there(browser: Browser, shelf: Shelf) -> None:
    person = join(shelf, "viewer")
    browser.sign_in(builders.open_shelf().owner)
    assert browser.post(f"{PEOPLE}/{person.id}/remove").status_code == 404
    assert role_of(person) == "viewer"


def test_an_operator_suspends_and_reinstates(browser: Browser, shelf: Shelf) -> None:
    def status() -> str:
        return state.fresh().get_one(Merchant, shelf.merchant_id).status

    browser.sign_in(builders.open_account("operator"))
    action = f"/operations/merchants/{shelf.merchant_id}"
    here = "/operations/merchants"
    browser.send(here, action, decision="suspend")
    assert status() == "approved", "a suspension says why"
    assert browser.send(here, action, decision="suspend", reason="papers out of date").status_code == 303
    assert status() == "suspended"
    held = f"{here}?status=suspended"
    assert "papers out of date" in browser.go(held).get_data(as_text=True)
    assert "恢复" in browser.go(held, "zh").get_data(as_text=True)
    assert browser.send(held, action, decision="reinstate", reason="seen").status_code == 303
    assert status() == "approved"
    assert browser.go(f"{here}?status=gone").status_code == 422


@pytest.mark.parametrize(("language", "country"), [("en", "Canada"), ("zh", "加拿大")])
def test_a_foreign_merchant_is_known_by_country_number_and_agent(
    browser: Browser, context: Any, language: str, country: str
) -> None:
    agent = {"name": "上海代理有限公司", "uscc": social_credit_code()}
    foreign = {"registered_name": "Fundy Bay Seafood Ltd", "uscc": None, "country": "CA", "domestic_agent": agent}
    body = application(**foreign, foreign_registration_no="NS 334 455")
    merchant = merchants.apply(builders.open_account("consumer").id, body)["id"]
    told = (country, "NS 334 455", agent["name"], agent["uscc"])
    browser.sign_in(builders.open_account("operator"))
    page = browser.go("/operations/review", language).get_data(as_text=True)
    assert [text for text in told if text not in page] == []
    assert ">None<" not in page
    merchants.decide("tests", uuid.UUID(merchant), "approve", "")
    page = browser.go(f"/merchants/{merchant}", language).get_data(as_text=True)
    assert [text for text in told if text not in page] == []
    assert ">None<" not in page
