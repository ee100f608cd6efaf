"""Many buyers and little stock: nothing is sold twice, nobody waits for ever (F7, F26, F27)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text

from core.accounts import Actor
from core.database import db
from shop import checkout
from shop.models import Order, Payment
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.races.conftest import few

BEEF = {"route": "general_trade", "hs": "0202300090"}
Tally = Callable[..., Counter[str]]
Audit = Callable[..., list[str]]


def placing(buyer: Actor, *items: tuple[uuid.UUID, str]) -> Callable[[], Any]:
    wants = [Item(listing_id, Decimal(quantity)) for listing_id, quantity in items]
    return lambda: checkout.pay_for(checkout.place(buyer.id, uuid.uuid4(), items=wants))


def test_two_hundred_buyers_and_the_last_unit(shelf: Any, stripe: Any, tally: Tally, audit: Audit) -> None:
    """One order, 199 clean refusals, no payment begun for a loser."""
    beef = builders.put_listing(shelf, stock="1", **BEEF)
    ends = tally([placing(buyer, (beef, "1")) for buyer in few(200)])
    assert ends == {"done": 1, "out_of_stock": 199}
    assert state.stock(beef) == (1, 1)
    assert state.fresh().scalar(select(func.count(Order.id))) == 1
    assert state.fresh().scalar(select(func.count(Payment.id))) == 1
    assert len(stripe.intents) == 1
    assert audit() == []


def test_two_hundred_buyers_and_the_same_listing_twice_in_each_cart(
    shelf: Any, stripe: Any, tally: Tally, audit: Audit
) -> None:
    """Demand is summed before it is checked: of 50 units three at a time, sixteen times."""
    beef = builders.put_listing(shelf, stock="50", **BEEF)
    ends = tally([placing(buyer, (beef, "1"), (beef, "2")) for buyer in few(200)])
    assert ends == {"done": 16, "out_of_stock": 184}
    assert state.stock(beef) == (50, 48)
    assert audit() == []


def deadlocks() -> int:
    """As PostgreSQL counts them; a connection tells its count when it ends."""
    db.session.rollback()
    db.engine.dispose()
    count = db.session.scalar(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
    db.session.rollback()
    return int(count)


def test_forty_carts_in_opposite_order_do_not_deadlock(shelf: Any, stripe: Any, tally: Tally, audit: Audit) -> None:
    """Locks are taken in id order whatever the order of the lines."""
    goods = [builders.put_listing(shelf, **BEEF) for _ in range(6)]
    steps = []
    for number, buyer in enumerate(few(40)):
        order = goods if number % 2 else goods[::-1]
        steps.append(placing(buyer, *((listing, "1") for listing in order)))
    before = deadlocks()
    assert tally(steps) == {"done": 40}
    assert deadlocks() == before
    assert all(state.stock(listing)[1] == 40 for listing in goods)
    assert audit() == []
