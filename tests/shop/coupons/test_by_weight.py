"""A coupon on goods of catch weight: what is lighter takes its share of the coupon with it, and the books stay right."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from shop import checkout, fulfilment, orders, payments, returns, weighing
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.coupons import making
from tests.shop.test_payment import fen

HAM = {"priced_by": "kg", "kg_price_fen": 10000, "piece_weight_kg": Decimal("1"), "weight_tolerance": 10}


@pytest.fixture
def made() -> dict[str, Any]:
    return making.make(amount=3000)


def put(shelf: Any, route: str) -> uuid.UUID:
    hs = {"hs": "0203220000"} if route == "general_trade" else {}
    return builders.put_listing(shelf, route=route, price_fen=10000, net_weight_kg=Decimal("1"), **hs, **HAM)


def buy(stripe: Any, made: Any, listing: uuid.UUID, method: str | None = None) -> dict[str, Any]:
    buyer = builders.buyer()
    items = [Item(listing, Decimal(1))]
    purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=items, method=method, coupon=made["code"])
    checkout.pay_for(purchase_id)
    answer = orders.purchase_of(buyer.id, purchase_id)
    stripe.pay(answer["payment"]["intent"])
    payments.look(purchase_id)
    return {**answer, "buyer": buyer, "order": uuid.UUID(answer["orders"][0]["id"])}


def weigh(shelf: Any, bought: dict[str, Any], weight: str) -> None:
    weighing.weigh(shelf.owner, bought["order"], [{"line": 1, "weight_kg": Decimal(weight), "lot_id": None}])


def test_domestic_goods_lighter_by_a_tenth(shelf: Any, stripe: Any, run_jobs: Any, made: Any) -> None:
    bought = buy(stripe, made, put(shelf, "general_trade"))
    weigh(shelf, bought, "0.9")
    fulfilment.ship(shelf.owner, bought["order"], clock.now())
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == 1000 - 300
    assert making.taken(made) == (1, 2700)
    lines = [{"line": 1, "quantity": Decimal(1)}]
    back = returns.request_return(bought["buyer"], bought["order"], lines, "broken", uuid.uuid4())
    returns.receive(shelf.owner, uuid.UUID(back["id"]), clock.now())
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == 10000 - 3000
    assert making.taken(made) == (0, 0)
    assert state.books_balance()


def test_retail_goods_lighter_by_a_tenth(shelf: Any, stripe: Any, run_jobs: Any, made: Any) -> None:
    bought = buy(stripe, made, put(shelf, "cross_border_retail"))
    before = bought["orders"][0]
    weigh(shelf, bought, "0.9")
    run_jobs("shop.pay_refund")
    after = orders.one(bought["buyer"], bought["order"])
    assert (after["goods"], after["discount"], after["lines"][0]["discount"]) == ("90.00", "27.00", "27.00")
    assert stripe.refunded() == 1000 - 300 + fen(before["tax"]) - fen(after["tax"])
    assert (making.taken(made), state.balance("platform_promotion")) == ((1, 2700), 2700)
    assert state.books_balance()


@pytest.mark.parametrize(("weight", "discount"), [("0.9", "27.00"), ("1.1", "30.00")])
def test_a_card_is_charged_by_the_real_weight(
    shelf: Any, stripe: Any, run_jobs: Any, made: Any, weight: str, discount: str
) -> None:
    bought = buy(stripe, made, put(shelf, "cross_border_retail"), method="card")
    weigh(shelf, bought, weight)
    run_jobs("shop.capture")
    state.fresh()
    after = orders.one(bought["buyer"], bought["order"])
    assert (after["status"], after["discount"]) == ("paid", discount)
    assert making.taken(made) == (1, fen(discount))
    assert state.balance("stripe_cash") == fen(after["total"])
    assert state.books_balance()
