"""Many at once, in real threads on a real PostgreSQL: nothing is sold twice and nobody waits for ever."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from core.accounts import Actor
from core.errors import Problem
from shop import checkout, payments
from shop.models import Order, Payment
from shop.quotes import Item
from tests.shop import builders, state

BUYERS = 200


@pytest.fixture
def at_once(app: Any) -> Callable[..., Counter[str]]:
    """Run one step per buyer behind a barrier and count how they ended; a pool of connections serves them in turn."""

    def run(steps: list[Callable[[], Any]], threads: int = 8) -> Counter[str]:
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


def placing(buyer: Actor, *items: tuple[uuid.UUID, str]) -> Callable[[], Any]:
    wants = [Item(listing_id, Decimal(quantity)) for listing_id, quantity in items]
    return lambda: checkout.pay_for(checkout.place(buyer.id, uuid.uuid4(), items=wants))


def domestic_buyers(count: int) -> list[Actor]:
    """Buyers of domestic goods; argon2 is slow on purpose, so they share a few accounts."""
    few = [builders.buyer(with_identity=False) for _ in range(8)]
    return [few[number % 8] for number in range(count)]


def test_two_hundred_buyers_and_the_last_unit(shelf: Any, stripe: Any, at_once: Any) -> None:
    """One order, 199 clean refusals, no payment begun for a loser (F26)."""
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="1")
    begun = time.monotonic()
    ends = at_once([placing(buyer, (beef, "1")) for buyer in domestic_buyers(BUYERS)])
    assert ends == {"placed": 1, "out_of_stock": BUYERS - 1}
    assert time.monotonic() - begun < 20
    assert state.stock(beef) == (Decimal(1), Decimal(1))
    assert state.fresh().scalar(select(func.count(Order.id))) == 1
    assert state.fresh().scalar(select(func.count(Payment.id))) == 1
    assert len(stripe.intents) == 1


def test_fifty_units_and_two_lines_of_the_same_listing(shelf: Any, stripe: Any, at_once: Any) -> None:
    """Demand is summed before it is checked (F27)."""
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="50")
    ends = at_once([placing(buyer, (beef, "1"), (beef, "2")) for buyer in domestic_buyers(60)])
    assert ends == {"placed": 16, "out_of_stock": 44}
    assert state.stock(beef) == (Decimal(50), Decimal(48))


def test_carts_in_opposite_order_do_not_deadlock(shelf: Any, stripe: Any, at_once: Any) -> None:
    """Locks are taken in id order whatever the order of the lines (F7)."""
    shelves = [builders.put_listing(shelf, route="general_trade", hs="0202300090") for _ in range(6)]
    steps = []
    for number, buyer in enumerate(domestic_buyers(60)):
        order = random.Random(number).sample(shelves, 6)
        steps.append(placing(buyer, *((listing, "1") for listing in order)))
    assert at_once(steps) == {"placed": 60}
    assert all(state.stock(listing)[1] == 60 for listing in shelves)


def test_twenty_orders_at_the_edge_of_the_allowance(shelf: Any, stripe: Any, at_once: Any) -> None:
    """Two accounts of one person share one allowance of 26,000 (F29)."""
    crab = builders.put_listing(shelf, price_fen=400000, stock="100")
    one, two = builders.buyer(serial=7), builders.buyer(serial=7)
    ends = at_once([placing(buyer, (crab, "1")) for buyer in [one, two] * 10])
    assert ends == {"placed": 6, "annual_limit": 14}
    reserved, used = state.allowance_sums()
    assert reserved <= 2_600_000
    assert used == 0
    assert state.stock(crab)[1] == 6


def test_paying_expiring_and_cancelling_at_once_has_one_outcome(
    app: Any, shelf: Any, stripe: Any, at_once: Any, run_jobs: Any, move_clock: Any
) -> None:
    """Whoever wins, the money is either in the books or back, and stock and allowance fit the state."""
    from shop import cancellation, expiry

    for _ in range(5):
        crab, buyer = builders.put_listing(shelf, stock="5"), builders.buyer()
        purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(crab, Decimal(1))])
        checkout.pay_for(purchase_id)
        session = state.fresh()
        order_id = session.scalars(select(Order.id).where(Order.purchase_id == purchase_id)).one()
        stripe.pay(session.scalars(select(Payment.intent_id).where(Payment.purchase_id == purchase_id)).one())
        state.fresh()
        move_clock(601)
        steps = [
            lambda p=purchase_id: payments.look(p),
            lambda p=purchase_id: expiry.expire(p),
            lambda b=buyer, o=order_id: cancellation.cancel(b, o),
        ]
        at_once(steps * 2, threads=6)
        move_clock(0)
        run_jobs("shop.")
        run_jobs("shop.")
        status = state.fresh().scalars(select(Order.status).where(Order.id == order_id)).one()
        held = state.stock(crab)[1]
        assert (status, held) in [("refunded", 0), ("cancelled", 0), ("paid", 1), ("declared", 1)]
        assert state.books_balance()
    taken = sum(intent.received_fen for intent in stripe.intents.values())
    assert state.balance("stripe_cash") == taken - stripe.refunded()
