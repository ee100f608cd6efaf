"""Uses, budget and each person's share, in real threads on a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from core.errors import Problem
from shop import cancellation, checkout, expiry
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.coupons import making

AtOnce = Callable[[Sequence[Callable[[], Any]]], Counter[str]]


@pytest.fixture
def at_once(app: Any) -> AtOnce:
    """Run all steps, eight at a time and the first eight at one instant; count how they ended."""

    def run(steps: Sequence[Callable[[], Any]]) -> Counter[str]:
        threads = min(8, len(steps))
        gate = Barrier(threads)

        def one(numbered: tuple[int, Callable[[], Any]]) -> str:
            number, step = numbered
            with app.app_context():
                if number < threads:
                    gate.wait()
                try:
                    step()
                except Problem as refusal:
                    return refusal.code
                return "placed"

        with ThreadPoolExecutor(threads) as pool:
            return Counter(pool.map(one, enumerate(steps)))

    return run


def placing(buyer: Any, code: str, listing_id: uuid.UUID) -> Callable[[], Any]:
    wants = [Item(listing_id, Decimal(1))]
    return lambda: checkout.place(buyer.id, uuid.uuid4(), items=wants, coupon=code)


def test_two_hundred_placings_and_five_uses(shelf: Any, stripe: Any, at_once: AtOnce) -> None:
    """argon2 is slow on purpose, so eight accounts, each free to use it often."""
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="1000")
    made = making.make(total_uses=5, uses_per_person=1000)
    buyers = [builders.buyer(with_identity=False) for _ in range(8)]
    ends = at_once([placing(buyers[number % 8], made["code"], beef) for number in range(200)])
    assert ends == {"placed": 5, "coupon_exhausted": 195}
    assert making.taken(made) == (5, 5000)
    assert state.stock(beef)[1] == 5  # a refused coupon holds no goods


def test_the_budget_is_never_passed(shelf: Any, stripe: Any, at_once: AtOnce) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="1000")
    made = making.make(budget=3500, uses_per_person=1000)
    buyers = [builders.buyer(with_identity=False) for _ in range(8)]
    ends = at_once([placing(buyers[number % 8], made["code"], beef) for number in range(24)])
    assert ends == {"placed": 3, "coupon_exhausted": 21}
    assert making.taken(made) == (3, 3000)


def test_one_person_many_times_at_one_instant(shelf: Any, stripe: Any, at_once: AtOnce) -> None:
    crab, buyer = builders.put_listing(shelf), builders.buyer()
    made = making.make()
    assert at_once([placing(buyer, made["code"], crab)] * 8) == {"placed": 1, "coupon_used": 7}
    assert making.taken(made) == (1, 1000)


def test_two_accounts_of_one_identity_are_one_person(shelf: Any, stripe: Any, at_once: AtOnce) -> None:
    crab = builders.put_listing(shelf)
    twins = [builders.buyer(serial=777), builders.buyer(serial=777)]
    made = making.make()
    ends = at_once([placing(twins[number % 2], made["code"], crab) for number in range(8)])
    assert ends == {"placed": 1, "coupon_used": 7}


def test_one_attempt_takes_one_use(shelf: Any, stripe: Any, at_once: AtOnce) -> None:
    crab, buyer, attempt = builders.put_listing(shelf), builders.buyer(), uuid.uuid4()
    made = making.make(uses_per_person=5)
    wants = [Item(crab, Decimal(1))]
    step = lambda: checkout.place(buyer.id, attempt, items=wants, coupon=made["code"])  # noqa: E731
    assert at_once([step] * 8) == {"placed": 8}
    assert making.taken(made) == (1, 1000)


def test_what_lapses_comes_back_once_however_many_look(
    shelf: Any, stripe: Any, at_once: AtOnce, move_clock: Any
) -> None:
    crab, buyer = builders.put_listing(shelf), builders.buyer()
    made = making.make()
    answer = making.buy(buyer, made["code"], (crab, "1"))
    move_clock(3600)
    at_once([lambda: expiry.expire(uuid.UUID(answer["purchase"]))] * 8)
    assert making.taken(made) == (0, 0)
    assert making.buy(buyer, made["code"], (crab, "1"))["orders"][0]["discount"] == "10.00"


def test_placing_and_cancelling_at_one_instant(shelf: Any, stripe: Any, at_once: AtOnce) -> None:
    """Nobody waits in a ring, and what is held is what lives."""
    crab = builders.put_listing(shelf, price_fen=2000)
    made, buyer = making.make(amount=500, uses_per_person=100), builders.buyer()
    before = [making.buy(buyer, made["code"], (crab, "1")) for _ in range(8)]
    for answer in before[:4]:
        making.pay(stripe, answer)

    def cancelling(answer: dict[str, Any]) -> Callable[[], Any]:
        return lambda: cancellation.cancel(buyer, uuid.UUID(answer["orders"][0]["id"]))

    steps = [step for answer in before for step in (cancelling(answer), placing(buyer, made["code"], crab))]
    assert at_once([*steps, *(cancelling(answer) for answer in before)]) == {"placed": 24}
    assert making.taken(made) == (8, 4000)
    assert state.stock(crab)[1] == 8
    assert state.books_balance()
