"""The pages about payments: disputes and findings for operators, original payment data for customs."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

from core.database import transaction
from customs import declarations
from customs import filing as desk_filing
from customs.payment_data import requests, upload
from shop import carts, disputes, filing, orders, payments, reconcile
from tests.customs.desk import builders as desk
from tests.shop import builders
from tests.shop.pages.conftest import Browser


@pytest.fixture
def paid(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    answer = place(builders.buyer(), (builders.put_listing(shelf), "2"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    return {**answer, "intent": answer["payment"]["intent"]}


@pytest.mark.parametrize("path", ["/operations/payments", "/desk/payment-data", "/desk/payment-data/LF1.json"])
def test_they_are_closed_to_buyers_and_merchants(browser: Browser, path: str) -> None:
    browser.sign_in(builders.open_account("consumer", "merchant"))
    assert browser.go(path).status_code == 403


def test_pages(paid: Any, stripe: Any, browser: Browser) -> None:
    disputes.look(stripe.dispute(paid["intent"], 100))
    stripe.refund_elsewhere(paid["intent"], 50)
    reconcile.run()
    number = paid["orders"][0]["number"]
    browser.sign_in(builders.open_account("operator"))
    page = browser.go("/operations/payments", "en").get_data(as_text=True)
    assert number in page
    assert "refunds_elsewhere 1" in page
    assert "争议中" in browser.go("/operations/payments?state=open", "zh").get_data(as_text=True)
    shown = browser.go(f"/desk/payment-data?order={number}", "en").get_data(as_text=True)
    assert "create_intent" in shown
    assert "No such paid order." in browser.go("/desk/payment-data?order=LF0", "en").get_data(as_text=True)
    file = browser.go(f"/desk/payment-data/{number}.json")
    assert json.loads(file.get_data())["payExchangeInfoLists"][0]["orderNo"] == number
    assert browser.go("/desk/payment-data/LF0.json").status_code == 404


def test_by_card_and_by_weight(browser: Browser, shelf: Any, stripe: Any) -> None:
    """The page offers it for goods priced by the kg; once held, the order says so and asks for no payment again."""
    weight = {
        "net_weight_kg": Decimal("0.5"),
        "gross_weight_kg": Decimal("0.6"),
        "statutory": {"unit1_quantity": "0.5"},
    }
    priced = {"priced_by": "kg", "kg_price_fen": 20000, "piece_weight_kg": Decimal("0.5"), "weight_tolerance": 10}
    crab = builders.put_listing(shelf, price_fen=10000, **weight, **priced)
    who = builders.buyer()
    browser.sign_in(who)
    carts.put(who.id, crab, Decimal(2))
    page = browser.go("/checkout").get_data(as_text=True)
    assert "By card: 110 % of these goods" in page
    hidden = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("quote", "attempt", "notice")}
    placed = browser.post("/checkout", **hidden, payment_method="card")
    assert placed.status_code == 303
    purchase_id = uuid.UUID(placed.headers["Location"].split("/")[2])
    browser.go(f"/purchases/{purchase_id}/pay")
    answer = orders.purchase_of(who.id, purchase_id)
    assert answer["payment"]["capture"] == "by_weight"
    stripe.pay(answer["payment"]["intent"])
    payments.look(purchase_id)
    shown = browser.go(f"/orders/{answer['orders'][0]['id']}").get_data(as_text=True)
    assert "Your card holds the money" in shown
    assert "Pay now" not in shown
    assert browser.go(f"/purchases/{purchase_id}/pay").headers["Location"] == f"/purchases/{purchase_id}"


def test_other_goods_are_not_offered_by_weight(browser: Browser, shelf: Any, stripe: Any) -> None:
    who = builders.buyer()
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf), Decimal(2))
    assert 'name="payment_method"' not in browser.go("/checkout").get_data(as_text=True)


def test_what_customs_asked_for_and_a_button_to_upload_it_again(app: Any, browser: Browser, paid: Any) -> None:
    order = paid["orders"][0]
    filing.file_order(order["id"])
    requests.store(requests.Question(order["number"], "s-1", 1))
    upload.upload_due()  # the receiving account is not set
    browser.sign_in(builders.open_account("operator"))
    page = browser.go("/desk/payment-data", "zh").get_data(as_text=True)
    assert "已放弃" in page
    assert "缺少：recpAccount" in page
    (row,) = requests.listing("dead", None, 5)
    sent = browser.send("/desk/payment-data", f"/desk/payment-data/{row['id']}/again")
    assert sent.status_code == 303
    assert [each["state"] for each in requests.listing(None, None, 5)] == ["waiting"]


def test_what_keeps_a_declaration_from_being_filed_is_shown_with_advice(browser: Browser, app: Any) -> None:
    with app.app_context():
        request = desk.filing(*desk.buyer(), payer_name="王五小明")
        with transaction() as session:
            found = declarations.open_retail(session, request)
        desk_filing.file(str(found))
    browser.sign_in(builders.open_account("operator"))
    page = browser.go(f"/desk/declarations/{found}", "zh").get_data(as_text=True)
    for words in ("未能申报的原因", "须与订单的 buyerName 一致", "王***", "付款人并非订购人"):
        assert words in page
    assert "王五小明" not in page
    english = browser.go(f"/desk/declarations/{found}", "en").get_data(as_text=True)
    assert "must equal buyerName of the order" in english
    assert "ask the buyer to pay it in their own name" in english
