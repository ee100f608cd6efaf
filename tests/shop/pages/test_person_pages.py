"""The allowance on the account's page, and the operator's page of the payment review, in both languages."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from shop import payments
from shop.models import Incident
from tests.shop import builders, paying, state
from tests.shop.builders import Shelf
from tests.shop.pages.conftest import Browser


@pytest.fixture
def stolen(shelf: Shelf, place: Any, stripe: Any) -> dict[str, Any]:
    """An order of somebody who buys with another's identity, whose account is `victim`."""
    thief, victim = builders.buyer(serial=811), builders.buyer(serial=811)
    sold = paying.sell(place, stripe, thief, (builders.put_listing(shelf), "1"))
    return {**sold, "victim": victim}


def test_the_person_sees_the_entry_of_another_account_and_reports_it(stolen: Any, browser: Browser) -> None:
    browser.sign_in(stolen["victim"])
    page = browser.go("/account", "en").get_data(as_text=True)
    assert "another account" in page
    assert "This was not me" in page
    assert stolen["number"] not in page
    assert "另一账户" in browser.go("/account", "zh").get_data(as_text=True)
    answer = browser.send("/account", "/account/allowance/disputes", reason="I was asleep")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account#allowance")
    assert "reported, being looked into" in browser.go("/account", "en").get_data(as_text=True)
    [incident] = state.fresh().scalars(select(Incident)).all()
    assert incident.detail["order"] == stolen["number"]


def test_a_report_without_a_reason_is_shown_again(stolen: Any, browser: Browser) -> None:
    browser.sign_in(stolen["victim"])
    answer = browser.send("/account", "/account/allowance/disputes", reason="")
    assert answer.status_code == 422
    assert "Reported" not in answer.get_data(as_text=True)
    assert state.fresh().scalars(select(Incident)).all() == []


def test_weights_stand_beside_the_allowance(shelf: Shelf, place: Any, browser: Browser) -> None:
    buyer = builders.buyer()
    kilo = {"net_weight_kg": 1, "gross_weight_kg": 1, "statutory": {"unit1_quantity": "1"}}
    place(buyer, (builders.put_listing(shelf, hs="1701991010", origin="TH", **kilo), "1"))
    browser.sign_in(buyer)
    assert "1 of 2 kg left this year" in browser.go("/account", "en").get_data(as_text=True)
    assert "食糖" in browser.go("/account", "zh").get_data(as_text=True)


def test_the_operator_decides_on_the_page(
    shelf: Shelf, place: Any, stripe: Any, browser: Browser, run_jobs: Any
) -> None:
    bought = place(builders.buyer(), (builders.put_listing(shelf), "1"))
    stripe.pay(bought["payment"]["intent"], payer="Jenny Rosen")
    payments.look(uuid.UUID(bought["purchase"]))
    order_id, number = bought["orders"][0]["id"], bought["orders"][0]["number"]
    browser.sign_in(builders.open_account("operator"))
    page = browser.go("/operations/payment-review", "en").get_data(as_text=True)
    assert number in page
    assert "The payer is not the buyer." in page
    assert "付款人不是订购人" in browser.go("/operations/payment-review", "zh").get_data(as_text=True)
    action = f"/operations/payment-review/{order_id}"
    browser.send("/operations/payment-review", action, decision="accept", reason="his wife")
    assert state.statuses(bought) == ["paid"]
    assert number not in browser.go("/operations/payment-review", "en").get_data(as_text=True)
    assert browser.post(action, decision="accept", reason="again").status_code == 303  # told, and nothing changes
    assert state.statuses(bought) == ["paid"]


@pytest.mark.parametrize("roles", [("consumer",), ("merchant",), ("customs",)])
def test_the_review_is_for_operators(browser: Browser, roles: tuple[str, ...]) -> None:
    browser.sign_in(builders.open_account(*roles))
    assert browser.go("/operations/payment-review").status_code == 403
