"""Becoming a merchant by hand, and what its owner changes afterwards."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from catalog import merchants
from core.accounts import Actor
from tests.catalog.builders import social_credit_code
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.pages.conftest import Browser

PAGE = "/account/merchant"
CONTACT = {"contact.name": "张敏", "contact.phone": "13900000000"}
DOMESTIC = {"registered_name": "海口食品有限公司", "customs_code": "4601960A17", "kind": "domestic", **CONTACT}
FOREIGN = {
    **DOMESTIC,
    "registered_name": "Pampa Beef SA",
    "kind": "foreign",
    "country": "AR",
    "foreign_registration_no": "30-71234567-1",
    "domestic_agent.name": "海口代理有限公司",
}


@pytest.fixture
def person(browser: Browser) -> Actor:
    someone = builders.open_account("consumer")
    browser.sign_in(someone)
    return someone


def own(person: Actor) -> dict[str, Any]:
    state.fresh()
    return merchants.own(person.id)


def test_a_company_applies_and_reads_what_becomes_of_it(browser: Browser, person: Actor) -> None:
    assert PAGE in browser.go("/account").get_data(as_text=True)
    code = social_credit_code()
    payout = {"payout.kind": "bank", "payout.account": "6222000011112222"}
    halfway = browser.send(PAGE, PAGE, **DOMESTIC, uscc=code, **payout)
    assert halfway.status_code == 422
    assert "is required for a bank account" in halfway.get_data(as_text=True)
    assert 'value="海口食品有限公司"' in halfway.get_data(as_text=True)  # nothing typed is lost
    payout |= {"payout.bank": "中国银行", "payout.holder": "海口食品有限公司"}
    assert browser.send(PAGE, PAGE, **DOMESTIC, uscc=code, **payout).status_code == 303
    made = own(person)
    assert (made["uscc"], made["status"], made["payout"]["account"]) == (code, "submitted", "…2222")
    page = browser.go(PAGE).get_data(as_text=True)
    assert 'data-status="submitted"' in page
    assert "Hand in the application" not in page
    assert "Change contact or account" in page
    assert "提交时间" in browser.go(PAGE, "zh").get_data(as_text=True)


def test_a_foreign_company_names_its_agent(browser: Browser, person: Actor) -> None:
    refused = browser.send(PAGE, PAGE, **FOREIGN)
    assert refused.status_code == 422
    assert "a foreign company needs an agent" in refused.get_data(as_text=True)
    code = social_credit_code()
    assert browser.send(PAGE, PAGE, **FOREIGN, **{"domestic_agent.uscc": code}).status_code == 303
    made = own(person)
    assert (made["country"], made["domestic_agent"]["uscc"], made["uscc"]) == ("AR", code, None)


def test_who_was_refused_applies_again(browser: Browser, person: Actor) -> None:
    assert browser.send(PAGE, PAGE, **DOMESTIC, uscc=social_credit_code()).status_code == 303
    first = own(person)["id"]
    merchants.decide("tests", uuid.UUID(first), "reject", "the name is not the registered one")
    page = browser.go(PAGE).get_data(as_text=True)
    assert "the name is not the registered one" in page
    assert browser.send(PAGE, PAGE, **DOMESTIC, uscc=social_credit_code()).status_code == 303
    assert own(person)["id"] != first


def test_the_owner_changes_contact_and_account(browser: Browser, shelf: Shelf) -> None:
    browser.sign_in(shelf.owner)
    changed = {"contact.name": "李雷", "contact.email": "li@example.com", "payout.kind": "stripe"}
    here = f"{PAGE}/contact"
    assert browser.send(PAGE, here, **changed).status_code == 303
    assert own(shelf.owner)["contact"] == {"name": "李雷", "email": "li@example.com"}
    assert browser.send(PAGE, here, **changed, **{"payout.account": "IBAN"}).status_code == 303
    assert "must be an account number without spaces" in browser.go(PAGE).get_data(as_text=True)
    assert browser.send(PAGE, here, **changed, **{"payout.account": "acct_1Nv0FGQ9"}).status_code == 303
    assert own(shelf.owner)["payout"] == {"kind": "stripe", "account": "…FGQ9"}


def test_a_member_without_the_right_changes_nothing(browser: Browser, shelf: Shelf) -> None:
    from tests.shop.pages.test_people import join

    clerk = join(shelf, "stock_clerk")
    browser.sign_in(clerk)
    assert "Change contact or account" not in browser.go(PAGE).get_data(as_text=True)
    assert browser.post(f"{PAGE}/contact", **{"contact.name": "Mallory"}).status_code == 403
