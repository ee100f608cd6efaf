"""Sold by the piece, priced by the kilogram: charged at the nominal weight, weighed when picked, the rest paid back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from catalog import stock_check
from catalog.models import Lot, StockMovement
from core import clock
from core.database import transaction
from core.errors import Problem
from shop import cancellation, fulfilment, orders, payments, quotes, returns, weighing
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.test_payment import fen

HAM = {"priced_by": "kg", "kg_price_fen": 8888, "piece_weight_kg": Decimal("4.5"), "weight_tolerance": 10}
PIECE = 39996


@pytest.fixture
def ham(shelf: Any) -> uuid.UUID:
    """Twenty hams in two lots, the first of three pieces."""
    listing = builders.put_listing(
        shelf, route="general_trade", hs="0203220000", stock="3", price_fen=PIECE, net_weight_kg=Decimal("4.5"), **HAM
    )
    with transaction() as session:
        builders.add_lot(session, listing, shelf.store, Decimal(17))
        session.flush()
        for lot in session.scalars(select(Lot).where(Lot.listing_id == listing)):
            lot.weight_kg = lot.on_hand * Decimal("4.5")
            receipt = {"kind": "adjustment", "quantity": 0, "weight_kg": lot.weight_kg, "reference": "scales"}
            session.add(StockMovement(lot_id=lot.id, **receipt))
    return listing


@pytest.fixture
def buy(place: Any, stripe: Any, ham: uuid.UUID) -> Callable[[str], dict[str, Any]]:
    """A paid order of so many hams, with the lots that serve it."""

    def make(pieces: str) -> dict[str, Any]:
        buyer = builders.buyer()
        answer = place(buyer, (ham, pieces))
        stripe.pay(answer["payment"]["intent"])
        payments.look(uuid.UUID(answer["purchase"]))
        return {**answer, "buyer": buyer, "order": uuid.UUID(answer["orders"][0]["id"])}

    return make


def line_of(bought: dict[str, Any]) -> dict[str, Any]:
    state.fresh()
    (line,) = orders.one(bought["buyer"], bought["order"])["lines"]
    return line


def weigh(shelf: Any, bought: dict[str, Any], *weights: tuple[str, uuid.UUID | None]) -> None:
    entries = [{"line": 1, "weight_kg": Decimal(weight), "lot_id": lot} for weight, lot in weights]
    weighing.weigh(shelf.owner, bought["order"], entries)


def test_a_quote_says_what_the_pieces_may_weigh(shelf: Any, ham: uuid.UUID) -> None:
    (order,) = quotes.quote([Item(ham, Decimal(2))], None, None)["orders"]
    (line,) = order["lines"]
    assert line["goods"] == "799.92"
    assert line["catch_weight"] == {
        "price_per_kg": "88.88",
        "nominal_weight_kg": "9",
        "tolerance_percent": 10,
        "least_weight_kg": "8.1",
        "most_weight_kg": "9.9",
    }


def test_lighter_is_paid_back_when_it_is_sent(shelf: Any, buy: Any, stripe: Any, run_jobs: Any) -> None:
    bought = buy("2")
    weigh(shelf, bought, ("8.765", None))
    assert line_of(bought)["catch_weight"]["weighed"] == "779.03"  # 88.88 x 8.765 = 779.0332
    assert stripe.refunded() == 0
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    run_jobs("shop.")
    assert stripe.refunded() == 79992 - 77903
    assert state.statuses(bought) == ["shipped"]
    moved = state.fresh().scalars(select(StockMovement).where(StockMovement.kind == "shipment")).one()
    assert (moved.quantity, moved.weight_kg) == (Decimal(-2), Decimal("-8.765"))
    assert list(stock_check.check(state.fresh())) == []
    assert state.books_balance()


def test_heavier_costs_nothing_more(shelf: Any, buy: Any, stripe: Any, run_jobs: Any) -> None:
    bought = buy("2")
    weigh(shelf, bought, ("9.9", None))
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    run_jobs("shop.")
    assert line_of(bought)["catch_weight"]["weighed"] == "799.92"
    assert state.refunds() == []


def test_nothing_is_sent_unweighed(shelf: Any, buy: Any) -> None:
    bought = buy("2")
    with pytest.raises(Problem) as refused:
        fulfilment.ship(shelf.owner, bought["order"], clock.now())
    assert (refused.value.code, refused.value.status) == ("not_weighed", 409)
    assert state.statuses(bought) == ["paid"]


def test_the_shares_of_two_lots_are_weighed_apart(shelf: Any, buy: Any, ham: uuid.UUID, run_jobs: Any) -> None:
    bought = buy("4")
    first, second = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == ham).order_by(Lot.created_at)).all()
    with pytest.raises(Problem, match="one of the lots"):
        weigh(shelf, bought, ("18", None))
    weigh(shelf, bought, ("13", first))
    assert line_of(bought)["catch_weight"]["weighed"] is None
    with pytest.raises(Problem):
        fulfilment.ship(shelf.owner, bought["order"], clock.now())
    weigh(shelf, bought, ("4.2", second))
    assert line_of(bought)["catch_weight"]["weighed"] == "1528.74"  # 88.88 x 17.2 = 1528.736
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    left = {lot.id: lot.weight_kg for lot in state.fresh().scalars(select(Lot).where(Lot.listing_id == ham))}
    assert left == {first: Decimal("0.5"), second: Decimal("72.3")}
    assert list(stock_check.check(state.fresh())) == []


def test_who_sends_the_goods_sees_the_lots_to_pick(client: Any, shelf: Any, buy: Any, ham: uuid.UUID) -> None:
    bought = buy("4")
    first, second = state.fresh().scalars(select(Lot).where(Lot.listing_id == ham).order_by(Lot.created_at)).all()
    weigh(shelf, bought, ("13", first.id))
    path = f"/api/v1/shop/orders/{bought['order']}"
    own = builders.token_of(shelf.owner)
    (listed,) = client.get("/api/v1/catalog/manage/orders", headers=own).get_json()["items"]
    operator = builders.token_of(builders.open_account("operator"))
    for told in (listed, *(client.get(path, headers=who).get_json() for who in (own, operator))):
        lots = told["lines"][0]["lots"]
        assert {row["lot_id"]: (row["batch_no"], row["quantity"], row["weight_kg"]) for row in lots} == {
            str(first.id): (first.batch_no, "3", "13"),
            str(second.id): (second.batch_no, "1", None),
        }
    assert "lots" not in client.get(path, headers=builders.token_of(bought["buyer"])).get_json()["lines"][0]


@pytest.mark.parametrize("weight", ["8.09", "9.91", "90"])
def test_a_weight_beyond_the_tolerance_is_refused(shelf: Any, buy: Any, weight: str) -> None:
    bought = buy("2")
    with pytest.raises(Problem, match=r"8\.1 to 9\.9 kg"):
        weigh(shelf, bought, (weight, None))
    assert line_of(bought)["catch_weight"]["weighed"] is None


def test_a_cancelled_order_is_paid_back_whole_though_weighed(shelf: Any, buy: Any, stripe: Any, run_jobs: Any) -> None:
    bought = buy("2")
    weigh(shelf, bought, ("8.5", None))
    cancellation.cancel(bought["buyer"], bought["order"])
    run_jobs("shop.")
    assert stripe.refunded() == fen(bought["total"])
    assert state.books_balance()


def test_what_comes_back_is_paid_by_its_real_weight(shelf: Any, buy: Any, stripe: Any, run_jobs: Any) -> None:
    bought = buy("2")
    weigh(shelf, bought, ("8.5", None))
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    wish = [{"line": 1, "quantity": Decimal(2)}]
    asked = returns.request_return(bought["buyer"], bought["order"], wish, "too much", uuid.uuid4())
    assert asked["goods"] == "755.48"
    returns.receive(shelf.owner, uuid.UUID(asked["id"]), clock.now())
    run_jobs("shop.")
    assert stripe.refunded() == 79992
    assert state.statuses(bought) == ["returned"]
    assert state.books_balance()


def test_who_may_weigh_and_what(client: Any, shelf: Any, buy: Any, place: Any) -> None:
    bought = buy("2")
    path = f"/api/v1/shop/orders/{bought['order']}/weigh"
    body = {"weights": [{"line": 1, "weight_kg": "8.8"}]}
    stranger = builders.token_of(builders.open_shelf().owner)
    assert client.post(path, json=body, headers=stranger).status_code == 404
    assert client.post(path, json=body, headers=builders.token_of(bought["buyer"])).status_code == 403
    own = builders.token_of(shelf.owner)
    for wrong in ({"line": 2, "weight_kg": "8.8"}, {"line": 1, "weight_kg": "0"}, {"line": 1}):
        assert client.post(path, json={"weights": [wrong]}, headers=own).status_code == 422
    assert client.post(path, json={"weights": []}, headers=own).status_code == 422
    answer = client.post(path, json=body, headers=own)
    assert (answer.status_code, answer.get_json()["lines"][0]["catch_weight"]["weighed"]) == (200, "782.14")
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    late = client.post(path, json=body, headers=own)
    assert (late.status_code, late.get_json()["code"]) == (409, "order_state")
