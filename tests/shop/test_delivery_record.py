"""Whether orders came in time, as the ranking is told of it: per listing, by our own clock."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from core import clock
from core.database import db
from shop import checkout, fulfilment, orders, payments, rfq_acceptance
from shop.delivery_record import tell_deliveries
from tests.shop import builders, trade

DAY = 86_400


def told() -> dict[uuid.UUID, tuple[int, int]]:
    rows = db.session.execute(text("SELECT listing_id, due, in_time FROM delivery_record"))
    found = {row.listing_id: (row.due, row.in_time) for row in rows}
    db.session.rollback()
    return found


@pytest.fixture
def order(shelf: Any, place: Any, stripe: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """A paid order of domestic stock: (order, listing)."""
    beef = builders.put_listing(shelf, route="general_trade", unit="kg", hs="0202300090")
    bought = place(builders.buyer(), (beef, "2"))
    stripe.pay(bought["payment"]["intent"])
    payments.look(uuid.UUID(bought["purchase"]))
    return uuid.UUID(bought["orders"][0]["id"]), beef


@pytest.mark.parametrize(("days", "expected"), [(1, (1, 1)), (4, (1, 1)), (6, (1, 0))])
def test_delivered_within_five_days_is_in_time(
    order: Any, shelf: Any, move_clock: Any, days: int, expected: tuple[int, int]
) -> None:
    move_clock(days * DAY)
    fulfilment.ship(shelf.owner, order[0], clock.now())
    fulfilment.deliver(shelf.owner, order[0], clock.now())
    tell_deliveries()
    assert told() == {order[1]: expected}


def test_what_the_merchant_says_of_the_hour_changes_nothing(order: Any, shelf: Any, move_clock: Any) -> None:
    said = clock.now()
    move_clock(8 * DAY)
    fulfilment.ship(shelf.owner, order[0], said)
    fulfilment.deliver(shelf.owner, order[0], said)
    tell_deliveries()
    assert told() == {order[1]: (1, 0)}


def test_an_order_not_yet_due_says_nothing_and_an_overdue_one_is_late(order: Any, move_clock: Any) -> None:
    move_clock(4 * DAY)
    tell_deliveries()
    assert told() == {}
    move_clock(6 * DAY)
    tell_deliveries()
    assert told() == {order[1]: (1, 0)}


def test_after_ninety_days_it_is_forgotten(order: Any, shelf: Any, move_clock: Any) -> None:
    fulfilment.ship(shelf.owner, order[0], clock.now())
    fulfilment.deliver(shelf.owner, order[0], clock.now())
    tell_deliveries()
    assert told() == {order[1]: (1, 1)}
    move_clock(96 * DAY)
    tell_deliveries()
    assert told() == {}


def test_weeks_agreed_in_a_quotation_are_the_time_to_be_kept(shelf: Any, stripe: Any, move_clock: Any) -> None:
    buyer, listing = trade.company_account(), trade.machine(shelf)
    offer = trade.offer(shelf, trade.request(buyer, listing), "1000.00", delivery_weeks=26)
    purchase = rfq_acceptance.accept(buyer, uuid.uuid4(), offer)
    checkout.pay_for(purchase)
    stripe.pay(orders.purchase_of(buyer.id, purchase)["payment"]["intent"])
    payments.look(purchase)
    move_clock(6 * DAY)
    tell_deliveries()
    assert told() == {}
    move_clock(26 * 7 * DAY + 60)
    tell_deliveries()
    assert told() == {listing: (1, 0)}
