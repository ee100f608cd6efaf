"""What operators and customs see of payments: disputes, the reconciler's findings, original payment data."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock, config
from core.audit import AuditEntry
from core.database import transaction
from customs import declarations
from customs.payment_data import upload
from customs.payment_models import PaymentDeclaration
from shop import disputes, filing, orders, payments, reconcile
from shop.models import PaymentExchange
from shop.pages.words import DISPUTE_STATES
from tests.shop import builders, state


@pytest.fixture
def paid(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    crab = builders.put_listing(shelf, price_fen=10000, stock="5")
    beef = builders.put_listing(shelf, price_fen=5000, route="general_trade", hs="0202300090")
    buyer = builders.buyer()
    answer = place(buyer, (crab, "2"), (beef, "1"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    return {**answer, "buyer": buyer, "intent": answer["payment"]["intent"], "crab": crab}


def get(client: Any, path: str, role: str = "operator") -> Any:
    return client.get(f"/api/v1{path}", headers=builders.token_of(builders.open_account(role)))


def test_disputes_are_listed_for_operators(client: Any, paid: Any, stripe: Any) -> None:
    names = [stripe.dispute(paid["intent"], 100 + number) for number in range(3)]
    for name in names:
        disputes.look(name)
    stripe.decide(names[0], "won")
    disputes.look(names[0])
    page = get(client, "/shop/disputes?limit=2").get_json()
    rest = get(client, f"/shop/disputes?limit=2&cursor={page['next']}").get_json()
    assert [row["id"] for row in page["items"] + rest["items"]] == sorted(
        names, key=lambda name: names.index(name), reverse=True
    )
    (won,) = get(client, "/shop/disputes?state=won").get_json()["items"]
    assert (won["amount"], won["withdrawn"], won["state"]) == ("1.00", "0.00", "won")
    assert won["orders"] == [order["number"] for order in paid["orders"]]
    for role in ("consumer", "merchant", "customs"):
        assert get(client, "/shop/disputes", role).status_code == 403
        assert get(client, "/shop/reconciler", role).status_code == 403


def test_the_order_shows_its_dispute(paid: Any, stripe: Any) -> None:
    disputes.look(stripe.dispute(paid["intent"], 100))
    (shown,) = orders.one(paid["buyer"], uuid.UUID(paid["orders"][0]["id"]))["disputes"]
    assert (shown["state"], shown["amount"]) == ("open", "1.00")


def test_the_findings_of_the_reconciler(client: Any, paid: Any, stripe: Any) -> None:
    stripe.refund_elsewhere(paid["intent"], 100)
    reconcile.run()
    (run,) = get(client, "/shop/reconciler").get_json()["items"]
    assert run["whole"] is True
    assert run["found"]["refunds_elsewhere"] == 1


def test_the_original_payment_data_of_an_order(client: Any, paid: Any, settings: Any) -> None:
    config.use(replace(settings, receiving_account="acct_of_the_platform"))
    order = paid["orders"][0]
    session = str(uuid.uuid4())
    answer = get(client, f"/customs/payment-data/{order['number']}?session={session}", "customs")
    assert answer.status_code == 200
    found = answer.get_json()
    head, (goods,) = found["payExchangeInfoHead"], found["payExchangeInfoLists"]
    first = state.fresh().scalars(select(PaymentExchange).order_by(PaymentExchange.id)).first()
    assert first is not None
    assert (head["initalRequest"], head["initalResponse"]) == (first.request, first.response)
    assert (found["sessionID"], head["totalAmount"], head["currency"]) == (session, order["total"], "142")
    assert head["payTransactionId"] == f"{order['number']}P"
    assert len(head["tradingTime"]) == 14
    assert (goods["orderNo"], goods["recpAccount"]) == (order["number"], "acct_of_the_platform")
    assert goods["goodsInfo"][0]["itemLink"].endswith(f"/listings/{paid['crab']}")
    assert found["missing"] == []
    assert [each["operation"] for each in found["exchanges"]] == ["create_intent", "retrieve_intent"]
    assert state.fresh().scalars(select(AuditEntry.action)).all().count("payment_data_given") == 1
    config.use(settings)


def test_the_desk_sees_the_number_under_which_an_enterprise_declared_it(client: Any, paid: Any) -> None:
    order = paid["orders"][0]
    filing.file_order(order["id"])
    with transaction() as session:
        declared = PaymentDeclaration(
            declaration_id=declarations.of_order(session, order["number"]),
            declarer="antom",
            state="declared",
            next_try_at=clock.now(),
            transaction_id="C1",
            ver_dept="2",
            verified_no="N1",
        )
        session.add(declared)
    head = get(client, f"/customs/payment-data/{order['number']}").get_json()["payExchangeInfoHead"]
    assert (head["payTransactionId"], head["verDept"]) == ("N1", "2")


def test_what_an_upload_lacks_is_said(client: Any, paid: Any) -> None:
    found = get(client, f"/customs/payment-data/{paid['orders'][0]['number']}").get_json()
    assert found["missing"] == ["sessionID", "recpAccount"]


def test_payment_data_is_for_customs_and_operators_and_of_paid_orders(client: Any, place: Any, shelf: Any) -> None:
    unpaid = place(builders.buyer(), (builders.put_listing(shelf), "1"))
    number = unpaid["orders"][0]["number"]
    assert get(client, f"/customs/payment-data/{number}").status_code == 404
    assert get(client, "/customs/payment-data/LF0").status_code == 404
    assert get(client, "/customs/payment-data/LF%00").status_code == 404
    for role in ("consumer", "merchant"):
        assert get(client, f"/customs/payment-data/{number}", role).status_code == 403
    assert client.get(f"/api/v1/customs/payment-data/{number}").status_code == 401
    assert get(client, f"/customs/payment-data/{number}?session=a%20b").status_code == 422


def test_what_cannot_be_paid_at_once_is_said_early(client: Any, shelf: Any, stripe: Any) -> None:
    """One payment takes 999,999.99 CNY: the quote says so, and nothing is stored."""
    crane = builders.put_listing(
        shelf, price_fen=60_000_000, route="general_trade", hs="0202300090", gross_weight_kg=Decimal("1")
    )
    body = {"items": [{"listing_id": str(crane), "quantity": "2"}]}
    head = builders.token_of(builders.buyer())
    quoted = client.post("/api/v1/shop/quotes", json=body, headers=head).get_json()
    (block,) = quoted["blocked"]
    assert (block["code"], block["help"]) == ("payment_too_large", {"at_most": "999999.99"})
    placed = client.post("/api/v1/shop/orders", json=body, headers={**head, "Idempotency-Key": "k"})
    assert (placed.status_code, placed.get_json()["code"]) == (422, "payment_too_large")
    assert stripe.intents == {}


def test_every_state_has_its_word() -> None:
    from shop.payment_models import DISPUTE_STATES as STATES

    assert set(DISPUTE_STATES) == set(STATES)


def test_customs_asks_and_the_kept_exchange_is_uploaded(client: Any, paid: Any, settings: Any) -> None:
    """From the payment to the upload: each of two orders of one payment with its own amount."""
    from shop import filing
    from tests.customs.payments.conftest import Customs

    customs = Customs()
    config.use(replace(settings, receiving_account="acct_of_the_platform", payment_data_url=customs.url))
    order = paid["orders"][0]
    filing.file_order(order["id"])
    asked = client.post(
        "/api/v1/customs/platDataOpen",
        json={"orderNo": order["number"], "sessionID": "s-1", "serviceTime": 1},
        headers={"Authorization": f"Bearer {settings.payment_data_secret}"},
    )
    assert asked.get_json()["code"] == "10000"
    upload.upload_due()
    (taken,) = customs.taken
    said = json.loads(taken, parse_float=str)
    first = state.fresh().scalars(select(PaymentExchange).order_by(PaymentExchange.id)).first()
    assert first is not None
    head, (goods,) = said["payExchangeInfoHead"], said["payExchangeInfoLists"]
    assert (head["initalRequest"], head["initalResponse"]) == (first.request, first.response)
    assert Decimal(head["totalAmount"]) == Decimal(order["total"]) < Decimal(paid["total"])
    assert (goods["orderNo"], head["payTransactionId"]) == (order["number"], f"{order['number']}P")
    assert [each["itemLink"].rsplit("/", 1)[-1] for each in goods["goodsInfo"]] == [str(paid["crab"])]
    customs.close()
    config.use(settings)
