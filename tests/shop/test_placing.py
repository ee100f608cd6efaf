"""Placing: everything or nothing, held until paid, the same request twice is one purchase."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from core.errors import Problem
from shop import checkout, orders
from shop.models import Order, OrderAllocation, OrderLine, Purchase
from shop.quotes import Item
from tests.catalog.statements import counted
from tests.shop import builders, state


def test_a_purchase_holds_stock_and_allowance_and_has_an_intent(place: Any, shelf: Any, stripe: Any) -> None:
    crab = builders.put_listing(shelf, price_fen=10000, stock="5")
    answer = place(builders.buyer(), (crab, "2"))
    order = answer["orders"][0]
    assert state.statuses(answer) == ["awaiting_payment"]
    assert state.stock(crab) == (Decimal(5), Decimal(2))
    assert state.allowance_sums() == (int(Decimal(order["dutiable_value"]) * 100), 0)
    assert answer["payment"]["amount"] == int(Decimal(answer["total"]) * 100)
    assert stripe.intents[answer["payment"]["intent"]].metadata == {"purchase": answer["purchase"]}
    assert Decimal(order["goods"]) + Decimal(order["freight"]) + Decimal(order["tax"]) == Decimal(order["total"])
    assert len(order["number"]) <= 20
    assert order["number"].isalnum()


def test_one_order_for_each_route_and_warehouse(place: Any, shelf: Any) -> None:
    crab = builders.put_listing(shelf)
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090")
    answer = place(builders.buyer(), (crab, "1"), (beef, "1"))
    assert [(order["route"], order["mode"]) for order in answer["orders"]] == [
        ("cross_border_retail", "1210"),
        ("general_trade", "0110"),
    ]
    assert answer["orders"][1]["tax"] == "0.00"
    total = sum(Decimal(order["total"]) for order in answer["orders"])
    assert Decimal(answer["total"]) == total


def test_a_shortage_of_one_line_places_nothing(place: Any, shelf: Any, stripe: Any) -> None:
    crab, prawn = builders.put_listing(shelf), builders.put_listing(shelf, stock="1")
    with pytest.raises(Problem) as refusal:
        place(builders.buyer(), (crab, "1"), (prawn, "2"))
    assert refusal.value.code == "out_of_stock"
    assert state.stock(crab) == (Decimal(100), Decimal(0))
    assert state.fresh().scalar(select(func.count(Order.id))) == 0
    assert stripe.calls == []


def test_the_same_listing_twice_is_checked_against_one_stock(place: Any, shelf: Any) -> None:
    crab = builders.put_listing(shelf, stock="3")
    with pytest.raises(Problem) as refusal:
        place(builders.buyer(), (crab, "2"), (crab, "2"))
    assert refusal.value.code == "out_of_stock"


def test_the_same_attempt_is_one_purchase(place: Any, shelf: Any) -> None:
    crab, buyer, attempt = builders.put_listing(shelf), builders.buyer(), uuid.uuid4()
    first, second = place(buyer, (crab, "1"), attempt=attempt), place(buyer, (crab, "1"), attempt=attempt)
    assert first == second
    assert state.stock(crab)[1] == 1


def test_an_attempt_that_was_placed_is_found_though_it_would_be_refused_now(place: Any, shelf: Any) -> None:
    crab, buyer, attempt = builders.put_listing(shelf, stock="1"), builders.buyer(), uuid.uuid4()
    first = place(buyer, (crab, "1"), attempt=attempt)
    assert place(buyer, (crab, "1"), attempt=attempt)["purchase"] == first["purchase"]
    with pytest.raises(Problem):
        place(buyer, (crab, "1"))


def test_eight_twins_at_once_are_one_purchase(shelf: Any, stripe: Any, together: Any) -> None:
    crab, buyer, attempt = builders.put_listing(shelf), builders.buyer(), uuid.uuid4()
    placed: set[uuid.UUID] = set()
    twin = lambda: placed.add(checkout.place(buyer.id, attempt, items=[Item(crab, Decimal(1))]))  # noqa: E731
    assert together([twin] * 8) == {"done": 8}
    assert len(placed) == 1
    assert state.stock(crab)[1] == 1


def test_a_quantity_is_split_over_warehouses_into_two_orders(place: Any, shelf: Any) -> None:
    crab = builders.put_listing(shelf, stock="3", price_fen=1000)
    other = builders.open_shelf().bonded
    with checkout.transaction() as session:
        builders.add_lot(session, crab, other, Decimal(2))
    answer = place(builders.buyer(), (crab, "5"))
    assert sorted(order["lines"][0]["quantity"] for order in answer["orders"]) == ["2", "3"]
    warehouses = select(OrderAllocation.warehouse_id, OrderAllocation.quantity)
    assert {tuple(row) for row in state.fresh().execute(warehouses)} == {
        (shelf.bonded, Decimal(3)),
        (other, Decimal(2)),
    }


def test_an_order_keeps_what_it_was_placed_on(place: Any, shelf: Any) -> None:
    from catalog.models import Listing

    crab, buyer = builders.put_listing(shelf, price_fen=10000), builders.buyer()
    before = place(buyer, (crab, "1"))
    with checkout.transaction() as session:
        listing = session.get_one(Listing, crab)
        listing.price_fen, listing.title_zh, listing.hs = 99900, "别的", "0306171990"
    after = orders.purchase_of(buyer.id, uuid.UUID(before["purchase"]))
    assert after == before


def test_without_stripe_the_purchase_stands_and_is_paid_later(place: Any, shelf: Any, stripe: Any) -> None:
    from shop import payments

    crab, buyer = builders.put_listing(shelf), builders.buyer()
    stripe.down = True
    answer = place(buyer, (crab, "1"))
    assert answer["payment"] is None
    assert state.stock(crab)[1] == 1
    with pytest.raises(Problem) as refusal:
        payments.begin_for(buyer.id, uuid.UUID(answer["purchase"]))
    assert refusal.value.status == 503
    stripe.down = False
    payments.begin_for(buyer.id, uuid.UUID(answer["purchase"]))
    payments.begin_for(buyer.id, uuid.UUID(answer["purchase"]))
    assert len(stripe.intents) == 1
    assert orders.purchase_of(buyer.id, uuid.UUID(answer["purchase"]))["payment"]["intent"] in stripe.intents


def test_a_lost_answer_gives_the_same_intent_again(place: Any, shelf: Any, stripe: Any) -> None:
    """Stripe made the intent, the answer never came; the stored key finds it (F15)."""
    from shop import payments
    from shop.stripe_gateway import GatewayUnavailable
    from shop.stripe_http import Exchange

    real, buyer = stripe.create_intent, builders.buyer()

    def lost(*args: Any, **facts: Any) -> Any:
        real(*args, **facts)
        raise GatewayUnavailable("lost", Exchange("POST", "", None))

    stripe.create_intent = lost
    answer = place(buyer, (builders.put_listing(shelf), "1"))
    assert answer["payment"] is None
    stripe.create_intent = real
    payments.begin_for(buyer.id, uuid.UUID(answer["purchase"]))
    assert len(stripe.intents) == 1


@pytest.mark.parametrize("identity", [True, False])
def test_a_retail_order_needs_an_identity_and_a_domestic_one_does_not(place: Any, shelf: Any, identity: bool) -> None:
    buyer = builders.buyer(with_identity=identity)
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090")
    assert place(buyer, (beef, "1"))["orders"]
    crab = builders.put_listing(shelf)
    if identity:
        assert place(buyer, (crab, "1"))["orders"]
    else:
        with pytest.raises(Problem) as refusal:
            place(buyer, (crab, "1"))
        assert refusal.value.code == "identity_required"


def test_somebody_elses_address_is_not_found(shelf: Any) -> None:
    from shop import addresses

    theirs = addresses.page_of(builders.buyer().id, 1, None)["items"][0]["id"]
    crab, buyer = builders.put_listing(shelf), builders.buyer()
    with pytest.raises(Problem) as refusal:
        checkout.place(buyer.id, uuid.uuid4(), items=[Item(crab, Decimal(1))], address_id=uuid.UUID(theirs))
    assert refusal.value.status == 404


def test_no_call_leaves_while_a_transaction_is_open(shelf: Any, stripe: Any) -> None:
    from shop import exchanges

    with checkout.transaction(), pytest.raises(RuntimeError, match="outbound"):
        exchanges.ask(lambda door: door.retrieve_intent("pi_1"))


def test_placing_needs_a_constant_number_of_statements(place: Any, shelf: Any) -> None:
    listings, buyer = [builders.put_listing(shelf, price_fen=100) for _ in range(9)], builders.buyer()
    with counted() as one:
        place(buyer, (listings[0], "1"))
    with counted() as nine:
        place(buyer, *((listing, "1") for listing in listings))
    assert len(one) == len(nine) > 0


def test_lines_sum_to_the_order_and_orders_to_the_purchase(place: Any, shelf: Any) -> None:
    listings = [builders.put_listing(shelf, price_fen=price) for price in (3333, 1, 77777)]
    place(builders.buyer(), *((listing, "3") for listing in listings))
    session = state.fresh()
    order = session.scalars(select(Order)).one()
    lines = session.scalars(select(OrderLine)).all()
    for name in ("goods_fen", "freight_fen", "tax_fen", "vat_fen", "dutiable_value_fen"):
        assert sum(getattr(line, name) for line in lines) == getattr(order, name)
    assert session.scalars(select(Purchase.total_fen)).one() == order.total_fen
