"""A web process killed at each step of a checkout: the client asks again with its key, or never comes back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from shop.models import Order, Payment, Purchase
from tests.shop import builders, state
from tests.shop.kills.conftest import Each, Stem
from tests.shop.test_http import items
from tests.shop.test_with_stripe import Sandbox

ORDERS = "/api/v1/shop/orders"


def ordering(buyer: Any, listing: uuid.UUID) -> dict[str, Any]:
    """A request to place an order, with a key of its own."""
    headers = {**builders.token_of(buyer), "Idempotency-Key": uuid.uuid4().hex}
    body = {"items": items((listing, "1"))}
    return {"method": "POST", "path": ORDERS, "headers": headers, "json": body}


def test_asked_again_with_its_key_every_order_stands_once(
    stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Callable[[], list[str]]
) -> None:
    crab, buyer = builders.put_listing(shelf, price_fen=1000), builders.buyer()
    asked = at_each_point(lambda: ordering(buyer, crab))
    assert len(asked) >= 8
    stem.live(75)  # a key whose process died can be taken over after a minute
    for point, request in asked:
        answers = [stem.run("request", **request).result for _ in range(2)]
        assert answers[0]["status"] == 201, (point, answers[0])
        assert answers[0] == answers[1], point
        answer = json.loads(answers[0]["body"])
        box.confirm(answer["payment"]["intent"])
    assert state.fresh().scalar(select(func.count(Purchase.id))) == len(asked)
    stem.live()
    assert set(state.fresh().scalars(select(Order.status))) == {"declared"}
    assert state.stock(crab)[1] == len(asked)
    assert audit() == []


def test_never_asked_again_everything_held_comes_back(
    stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Callable[[], list[str]]
) -> None:
    crab, buyer = builders.put_listing(shelf, price_fen=1000, stock="50"), builders.buyer()
    at_each_point(lambda: ordering(buyer, crab))
    assert state.stock(crab)[1] > 0
    stem.move(600)
    stem.live()
    assert state.stock(crab) == (50, 0)
    assert state.allowance_sums() == (0, 0)
    named = state.fresh().scalars(select(Payment.intent_id).where(Payment.intent_id.is_not(None))).all()
    assert all(box.get(f"/v1/payment_intents/{name}")["status"] == "canceled" for name in named)
    assert audit() == []
