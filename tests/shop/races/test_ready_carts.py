"""Carts that are ready, submitted at one instant over HTTP, each by a client of its own."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from shop import payments
from shop.models import LedgerPosting, Purchase
from tests.shop import builders, state
from tests.shop.test_http import API, items

Audit = Callable[..., list[str]]


def ready(door: Any, listing: uuid.UUID, quantity: str = "1") -> Callable[[str], Any]:
    """A buyer with a cart and a quote; called with a key it submits, and answers what came."""
    client, headers = door(), builders.token_of(builders.buyer(with_identity=False))
    wants = {"items": items((listing, quantity))}
    quote = client.post(f"{API}/shop/quotes", json=wants, headers=headers).get_json()
    assert quote["blocked"] == []
    body = {"quote": quote["quote"]}
    return lambda key: door().post(f"{API}/shop/orders", json=body, headers={**headers, "Idempotency-Key": key})


def test_sixteen_ready_carts_and_five_units(
    shelf: Any, stripe: Any, door: Any, at_once: Any, run_jobs: Any, audit: Audit
) -> None:
    """Five orders, eleven refusals, and five who can pay."""
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="5")
    carts = [ready(door, beef) for _ in range(16)]
    answers = at_once([lambda cart=cart: cart("once") for cart in carts], threads=16)
    assert Counter(answer.status_code for answer in answers) == {201: 5, 409: 11}
    assert {answer.get_json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    for answer in answers:
        if answer.status_code == 201:
            stripe.pay(answer.get_json()["payment"]["intent"])
            payments.look(uuid.UUID(answer.get_json()["purchase"]))
    assert state.counted() == {"paid": 5}
    assert len(stripe.intents) == 5
    assert state.stock(beef) == (5, 5)
    assert audit() == []


def test_each_cart_submitted_twice_at_one_instant(
    shelf: Any, stripe: Any, door: Any, at_once: Any, audit: Audit
) -> None:
    """The one that comes second is told to wait, and then gets the first one's answer, byte for byte."""
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="50")
    carts = [ready(door, beef, "2") for _ in range(8)]

    def submit(number: int) -> Any:
        for _ in range(400):
            answer = carts[number](f"key-{number}")
            if answer.status_code != 409:
                return answer
            assert answer.get_json()["code"] == "request_in_progress"
            assert answer.headers["Retry-After"]
            time.sleep(0.05)
        raise AssertionError("the first never ended")

    answers = at_once([lambda n=number // 2: submit(n) for number in range(16)], threads=16)
    for first, second in zip(answers[::2], answers[1::2], strict=True):
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.data == second.data
        assert first.headers["Location"] == second.headers["Location"]
        stripe.pay(first.get_json()["payment"]["intent"])
    purchases = [uuid.UUID(answer.get_json()["purchase"]) for answer in answers]
    at_once([lambda name=name: payments.look(name) for name in purchases])
    assert state.counted() == {"paid": 8}
    assert state.fresh().scalar(select(func.count(Purchase.id))) == len(stripe.intents) == 8
    assert state.fresh().scalar(select(func.count(LedgerPosting.id)).where(LedgerPosting.kind == "capture")) == 8
    assert audit() == []
