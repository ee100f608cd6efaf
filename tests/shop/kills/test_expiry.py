"""A worker killed at each step of ending a purchase whose time is over, paid in the last moment or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from core import jobs
from core.database import transaction
from shop import checkout, orders
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.kills.conftest import Each, Stem
from tests.shop.test_with_stripe import Sandbox


@pytest.mark.parametrize("paid", [True, False])
def test_the_expiring_worker_dies(
    stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Callable[[], list[str]], paid: bool
) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="50")
    buyer = builders.buyer(with_identity=False)

    def begin() -> None:
        purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(beef, Decimal(1))])
        checkout.pay_for(purchase_id)
        if paid:
            box.confirm(orders.purchase_of(buyer.id, purchase_id)["payment"]["intent"])
        stem.move(stem.offset + 601)
        with transaction() as session:
            jobs.defer(session, "shop.expire_purchase", purchase_id=str(purchase_id))

    count = len(at_each_point(begin, "work"))
    assert count > 6
    stem.live()
    assert state.counted() == {"paid" if paid else "cancelled": count}
    assert state.stock(beef) == (50, count if paid else 0)
    assert audit() == []
