"""Goods of catch weight by card and across the border: charged, taxed and declared by what they really weigh."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import transaction
from core.errors import Problem
from core.money import half_up
from customs import filing_case, filing_documents
from customs.models import AllowanceEntry, Declaration
from customs.window.documents import yuan
from shop import books, filing, fulfilment, orders, weighing
from shop.models import Incident, Order, OrderLine, Purchase
from tests.shop import builders, state
from tests.shop.by_weight import (  # noqa: F401 - fixtures
    DAY,
    HAM,
    PIECE,
    bonded_crab,
    buying,
    domestic_ham,
    order_of,
    total_events,
    weigh,
)
from tests.shop.test_payment import fen


def test_a_card_is_authorised_for_more_and_charged_by_the_weight(
    shelf: Any, ham: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    bought = buy((ham, "2"), method="card")
    freight = fen(bought["orders"][0]["freight"])
    most = half_up(2 * PIECE * 110, 100) + freight + fen(bought["orders"][0]["insurance"])
    assert bought["payment"]["amount"] == most
    assert bought["payment"]["capture"] == "by_weight"
    assert bought["total"] == order_of(bought)["total"]
    assert stripe.intents[bought["intent"]].status == "requires_capture"
    assert state.statuses(bought) == ["awaiting_payment"]
    assert total_events("authorised") == 1
    assert (state.purchase_row(bought).captured_fen, state.balance("stripe_cash")) == (0, 0)
    weigh(shelf, bought, "9.45")  # heavier than the nominal 9 kg
    run_jobs("shop.capture")
    goods = half_up(8888 * 945, 100)
    rest = freight + fen(bought["orders"][0]["insurance"])
    assert stripe.intents[bought["intent"]].received_fen == goods + rest
    assert state.statuses(bought) == ["paid"]
    found = order_of(bought)
    assert (fen(found["goods"]), fen(found["total"])) == (goods, goods + rest)
    assert found["quoted"]["goods"] == bought["orders"][0]["goods"]
    assert state.purchase_row(bought).captured_fen == goods + rest
    assert state.balance("merchant_payable") == -goods
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == 0
    assert state.books_balance()


def test_never_above_what_was_authorised(shelf: Any, buy: Any, stripe: Any, run_jobs: Any) -> None:
    """A price a piece that is rounded down: the real weight at the edge would cost a fen more."""
    odd = {**HAM, "kg_price_fen": 3333, "piece_weight_kg": Decimal("0.154")}
    listing = builders.put_listing(shelf, route="general_trade", price_fen=513, net_weight_kg=Decimal("0.154"), **odd)
    bought = buy((listing, "9"), method="card")
    weigh(shelf, bought, str(Decimal("0.154") * 9 * 110 / 100))
    run_jobs("shop.capture")
    assert stripe.intents[bought["intent"]].received_fen <= bought["payment"]["amount"]
    assert state.fresh().scalars(select(OrderLine.goods_fen)).one() == half_up(513 * 9 * 110, 100)
    assert half_up(3333 * 15246, 10000) > half_up(513 * 9 * 110, 100)
    assert state.statuses(bought) == ["paid"]


def test_retail_by_card_is_taxed_and_declared_by_the_weight(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    (quoted,) = bought["orders"]
    held = state.allowance_sums()
    assert held == (half_up(40000 * 110, 100) + fen(quoted["freight"]) + fen(quoted["insurance"]), 0)
    weigh(shelf, bought, "1.9")
    run_jobs("shop.")
    found = order_of(bought)
    assert state.statuses(bought) == ["declared"]
    assert found["goods"] == "380.00"
    assert fen(found["dutiable_value"]) == 38000 + fen(quoted["freight"]) + fen(quoted["insurance"])
    assert fen(found["vat"]) < fen(quoted["vat"])
    assert found["quoted"]["tax"] == quoted["tax"]
    assert state.allowance_sums() == (0, fen(found["dutiable_value"]))
    assert "weighed" in state.fresh().scalars(select(AllowanceEntry.kind)).all()
    assert stripe.intents[bought["intent"]].received_fen == fen(found["total"])
    assert state.balance("customs_tax_payable") == -fen(found["tax"])
    assert state.refunds() == []
    session = state.fresh()
    filed = filing.request_of(session, session.get_one(Order, bought["order"]))
    assert (filed.paid_fen, filed.tax_fen) == (fen(found["total"]), fen(found["tax"]))
    assert filed.lines[0].statutory == (Decimal("1.9"),)
    assert (filed.net_weight_kg, filed.gross_weight_kg) == (Decimal("1.9"), Decimal("2.3"))
    assert state.books_balance()


def test_retail_at_the_nominal_weight_waits_and_gives_goods_and_tax_back(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    bought = buy((crab, "4"))
    (quoted,) = bought["orders"]
    run_jobs("shop.")
    move_clock(300)
    filing.chase_filings()
    assert state.statuses(bought) == ["paid"]  # not filed before it is weighed
    weigh(shelf, bought, "1.9")
    run_jobs("shop.")
    found = order_of(bought)
    assert state.statuses(bought) == ["declared"]
    back = fen(quoted["total"]) - fen(found["total"])
    assert back == (fen(quoted["goods"]) - 38000) + (fen(quoted["tax"]) - fen(found["tax"])) > 2000
    assert stripe.refunded() == back
    assert state.allowance_sums() == (0, fen(found["dutiable_value"]))
    session = state.fresh()
    filed = filing.request_of(session, session.get_one(Order, bought["order"]))
    assert filed.paid_fen == state.purchase_row(bought).captured_fen - state.purchase_row(bought).refunded_fen
    assert state.balance("customs_tax_payable") == -fen(found["tax"])
    assert state.books_balance()
    with transaction() as session:  # customs has agreed to a cancellation
        filing.on_declaration(session, filed.order_number, "cancelled", {"detail": "cancelled"})
    run_jobs("shop.pay_refund")
    assert (stripe.refunded(), state.statuses(bought)) == (fen(quoted["total"]), ["refunded"])
    assert (state.balance("stripe_cash"), state.balance("merchant_payable"), state.allowance_sums()) == (0, 0, (0, 0))
    assert state.books_balance()


def test_heavier_at_the_nominal_weight_costs_nothing_more(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    bought = buy((crab, "4"))
    weigh(shelf, bought, "2.1")
    run_jobs("shop.")
    found = order_of(bought)
    assert (found["goods"], found["total"]) == (bought["orders"][0]["goods"], bought["orders"][0]["total"])
    assert (stripe.refunded(), state.statuses(bought)) == (0, ["declared"])
    session = state.fresh()
    filed = filing.request_of(session, session.get_one(Order, bought["order"]))
    assert filed.lines[0].statutory == (Decimal("2.1"),)


def test_a_settled_weight_is_final(shelf: Any, crab: uuid.UUID, buy: Any) -> None:
    bought = buy((crab, "4"))
    weigh(shelf, bought, "1.9")
    with pytest.raises(Problem) as refused:
        weigh(shelf, bought, "1.8")
    assert refused.value.code == "order_state"


def test_all_goods_of_a_purchase_are_weighed_before_it_is_charged(
    shelf: Any, ham: uuid.UUID, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    bought = buy((crab, "4"), (ham, "1"), method="card")
    weigh(shelf, bought, "2")
    run_jobs("shop.capture")
    assert stripe.intents[bought["intent"]].status == "requires_capture"
    assert state.statuses(bought) == ["awaiting_payment"] * 2
    weighing.weigh(
        shelf.owner,
        uuid.UUID(bought["orders"][1]["id"]),
        [{"line": 1, "weight_kg": Decimal("4.4"), "lot_id": None}],
    )
    run_jobs("shop.capture")
    assert state.statuses(bought) == ["paid", "paid"]
    totals = state.fresh().scalars(select(Order.total_fen)).all()
    assert stripe.intents[bought["intent"]].received_fen == sum(totals)
    assert state.books_balance()


@pytest.mark.parametrize("limit", ["single_limit", "annual_limit"])
def test_the_limits_are_compared_with_what_may_be_charged(shelf: Any, crab: uuid.UUID, buy: Any, limit: str) -> None:
    """46 crabs are worth 4,600 and 5,060 at 110 %: by card they are above the limit, else not (rule A5)."""
    buyer = builders.buyer()
    if limit == "annual_limit":
        lobster = builders.put_listing(shelf, price_fen=480000)
        for _ in range(5):
            buy((lobster, "1"), buyer=buyer)
        wants = (crab, "18")
    else:
        wants = (crab, "46")
    with pytest.raises(Problem) as refused:
        buy(wants, method="card", buyer=buyer)
    assert refused.value.code == limit
    if limit == "single_limit":
        buy(wants, buyer=buyer)


def test_without_goods_by_weight_the_method_changes_nothing(shelf: Any, buy: Any) -> None:
    plain = builders.put_listing(shelf)
    bought = buy((plain, "1"), method="card")
    assert bought["payment"]["capture"] == "automatic"
    assert state.statuses(bought) == ["paid"]


def test_the_method_over_http(client: Any, shelf: Any, crab: uuid.UUID, stripe: Any) -> None:
    buyer = builders.buyer()
    head = builders.token_of(buyer)
    body = {"items": [{"listing_id": str(crab), "quantity": "2"}], "payment_method": "card"}
    placed = client.post("/api/v1/shop/orders", json=body, headers={**head, "Idempotency-Key": "a"})
    assert (placed.status_code, placed.get_json()["payment"]["capture"]) == (201, "by_weight")
    wrong = {**body, "payment_method": "alipay"}
    assert client.post("/api/v1/shop/orders", json=wrong, headers={**head, "Idempotency-Key": "b"}).status_code == 422
    path = f"/api/v1/shop/purchases/{placed.get_json()['purchase']}/payment"
    again = client.post(path, json={"payment_method": "card"}, headers={**head, "Idempotency-Key": "c"})
    assert again.get_json()["intent"] == placed.get_json()["payment"]["intent"]
    plain = client.post(
        "/api/v1/shop/orders", json={"items": body["items"]}, headers={**head, "Idempotency-Key": "d"}
    ).get_json()
    late = client.post(
        f"/api/v1/shop/purchases/{plain['purchase']}/payment",
        json={"payment_method": "card"},
        headers={**head, "Idempotency-Key": "e"},
    )
    assert late.status_code == 422


def test_the_merchant_sees_what_it_is_to_weigh(shelf: Any, crab: uuid.UUID, buy: Any) -> None:
    bought = buy((crab, "4"), method="card")
    page = orders.page_of_merchant(shelf.owner.id, 10, None)
    assert [each["id"] for each in page["items"]] == [str(bought["order"])]
    with transaction() as session:
        assert session.get_one(Purchase, bought["id"]).expires_at > clock.now()


def test_what_nobody_weighs_is_an_incident(
    shelf: Any, crab: uuid.UUID, ham: uuid.UUID, buy: Any, move_clock: Any
) -> None:
    late, weighed = buy((crab, "1")), buy((ham, "1"))
    weigh(shelf, weighed, "4.5")
    move_clock(DAY)
    weighing.chase_weighing()
    assert state.fresh().scalars(select(Incident.kind)).all() == []
    move_clock(2 * DAY + 60)
    weighing.chase_weighing()
    weighing.chase_weighing()
    rows = state.fresh().scalars(select(Incident)).all()
    assert [(row.kind, row.object_id) for row in rows] == [("weighing_overdue", str(late["order"]))]


@pytest.mark.parametrize("method", [None, "card"])
def test_order_payment_and_list_say_what_was_kept(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any, method: str | None
) -> None:
    """311, 411 and 621 carry the real weight and the money captured less what was refunded; no rule is broken."""
    bought = buy((crab, "4"), method=method)
    weigh(shelf, bought, "1.87")
    run_jobs("shop.")
    found, row = order_of(bought), state.purchase_row(bought)
    kept = yuan(row.captured_fen - row.refunded_fen)
    session = state.fresh()
    case = filing_case.read_case(session, session.scalars(select(Declaration.id)).one())
    assert case is not None
    papers = filing_documents.contents(case, clock.now())
    order, payment, listed = papers["311"], papers["411"], papers["621"]
    assert order["acturalPaid"] == payment["amountPaid"] == kept == Decimal(found["total"])
    assert order["goodsValue"] + order["freight"] + order["taxTotal"] - order["discount"] == kept
    assert order["goodsValue"] == Decimal("374.00")
    assert (listed["netWeight"], listed["grossWeight"]) == (Decimal("1.87"), Decimal("2.27"))
    assert listed["lines"][0]["qty1"] == Decimal("1.87")
    assert filing_documents.faults(case, clock.now()) == []


def test_a_list_that_customs_rejects_agrees_with_the_books(
    shelf: Any, crab: uuid.UUID, buy: Any, run_jobs: Any
) -> None:
    bought = buy((crab, "4"))
    weigh(shelf, bought, "1.9")
    run_jobs("shop.")
    with transaction() as session:
        number = bought["orders"][0]["number"]
        session.scalars(select(Declaration).where(Declaration.order_number == number)).one().status = "rejected"
        filing.on_declaration(session, number, "rejected", {})
    run_jobs("shop.")
    assert list(books.check(offline=True)) == []
