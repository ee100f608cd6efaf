"""Goods of catch weight, domestic and from a bonded warehouse, bought and weighed: what their tests stand on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from shop import checkout, orders, payments, weighing
from shop.models import OrderEvent
from shop.quotes import Item
from tests.shop import builders, state

HAM = {"priced_by": "kg", "kg_price_fen": 8888, "piece_weight_kg": Decimal("4.5"), "weight_tolerance": 10}
PIECE = 39996
DAY = 86400


@pytest.fixture(name="ham")
def domestic_ham(shelf: Any) -> uuid.UUID:
    """Domestic stock."""
    return builders.put_listing(
        shelf, route="general_trade", hs="0203220000", price_fen=PIECE, net_weight_kg=Decimal("4.5"), **HAM
    )


@pytest.fixture(name="crab")
def bonded_crab(shelf: Any) -> uuid.UUID:
    """Whole crabs from a bonded warehouse; one weighs half a kilogram, more or less."""
    weight = {
        "net_weight_kg": Decimal("0.5"),
        "gross_weight_kg": Decimal("0.6"),
        "statutory": {"unit1_quantity": "0.5"},
    }
    priced = {"priced_by": "kg", "kg_price_fen": 20000, "piece_weight_kg": Decimal("0.5"), "weight_tolerance": 10}
    return builders.put_listing(shelf, price_fen=10000, **weight, **priced)


@pytest.fixture(name="buy")
def buying(stripe: Any, shelf: Any) -> Callable[..., dict[str, Any]]:
    """Place so many pieces, pay by the method, and say what is known then."""

    def make(*wants: tuple[uuid.UUID, str], method: str | None = None, buyer: Any = None) -> dict[str, Any]:
        buyer = buyer or builders.buyer()
        items = [Item(listing, Decimal(pieces)) for listing, pieces in wants]
        purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=items, method=method)
        checkout.pay_for(purchase_id)
        answer = orders.purchase_of(buyer.id, purchase_id)
        stripe.pay(answer["payment"]["intent"])
        payments.look(purchase_id)
        ids = {"intent": answer["payment"]["intent"], "order": uuid.UUID(answer["orders"][0]["id"])}
        return {**answer, **ids, "id": purchase_id, "buyer": buyer}

    return make


def weigh(shelf: Any, bought: dict[str, Any], *weights: str) -> None:
    for number, weight in enumerate(weights):
        entries = [{"line": 1, "weight_kg": Decimal(weight), "lot_id": None}]
        weighing.weigh(shelf.owner, uuid.UUID(bought["orders"][number]["id"]), entries)


def order_of(bought: dict[str, Any]) -> dict[str, Any]:
    state.fresh()
    return orders.one(bought["buyer"], bought["order"])


def total_events(kind: str) -> int:
    return len(state.fresh().scalars(select(OrderEvent.id).where(OrderEvent.event == kind)).all())
