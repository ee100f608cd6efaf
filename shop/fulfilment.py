"""Sending the goods: waybill numbers, shipped, delivered. `at` is what the merchant says; our own time stands by it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import lots, merchants
from core import audit, clock, jobs
from core.accounts import Actor
from core.database import db, end_read, transaction
from core.errors import NOT_FOUND, Problem, invalid
from customs import declarations
from shop import holds, moves, weighing
from shop.models import Order, OrderEvent, Return, waybill_numbers

# After the time in which a return can be declared (30 days), a delivered order needs nobody's attention any more.
COMPLETE_AFTER = timedelta(days=30)


def next_waybill(session: Session) -> str:
    """A number of the logistics enterprise's pool; the sequence never gives one twice, rolled back or not."""
    return f"LFW{session.scalar(waybill_numbers.next_value()):012d}"


def ship(actor: Actor, order_id: uuid.UUID, at: datetime) -> None:
    """The parcel left the warehouse: its units leave the stock.

    Goods priced by the kilogram have been weighed before; what they are lighter than was charged is paid back.

    Raises Problem `not_found`, `invalid_input` for an instant in the future, `order_state`, `not_weighed`, and
    `lot_stopped` for goods that are recalled or in quarantine.
    """
    with transaction() as session:
        order = _own_order(session, actor, order_id, at)
        if order.route == "cross_border_retail" and order.status == "paid":
            raise moves.refuse(order, "shipped before customs has released it")
        if not moves.move(session, [order.id], "shipped", str(actor.id), happened_at=at):
            raise moves.refuse(order, "shipped")
        lots.take_out(session, holds.allocations_of(session, [order.id]), order.number)
        back = select(Return.id).where(Return.order_id == order.id, Return.unsent, Return.status == "requested")
        if session.scalar(back) is not None:
            raise moves.refuse(order, "shipped while customs is asked to take it back")
        weighing.pay_difference(session, order)
        audit.record(session, str(actor.id), "order_shipped", "order", order_id, at=clock.instant_text(at))


def deliver(actor: Actor, order_id: uuid.UUID, at: datetime) -> None:
    """The parcel arrived; not before it was shipped. Raises as `ship` does."""
    with transaction() as session:
        order = _own_order(session, actor, order_id, at)
        shipped_at = session.scalar(
            select(OrderEvent.happened_at).where(OrderEvent.order_id == order.id, OrderEvent.event == "shipped")
        )
        if shipped_at is not None and at < shipped_at:
            raise invalid("at", "the order was shipped later than that")
        if not moves.move(session, [order.id], "delivered", str(actor.id), happened_at=at):
            raise moves.refuse(order, "delivered")
        declarations.file_delivery(session, order.number, at)
        audit.record(session, str(actor.id), "order_delivered", "order", order_id, at=clock.instant_text(at))


def _own_order(session: Session, actor: Actor, order_id: uuid.UUID, at: datetime) -> Order:
    """The order, locked, if the actor is its merchant or an operator."""
    if at > clock.now():
        raise invalid("at", "lies in the future")
    order = moves.lock_order(session, order_id)
    if not actor.has("operator") and merchants.merchant_of(session, actor.id) != order.merchant_id:
        raise Problem(NOT_FOUND, "no such order")
    if at < order.created_at:
        raise invalid("at", "the order was placed later than that")
    return order


@jobs.task("shop.complete_orders", schedule="7 * * * *")
def complete_orders() -> None:
    """Delivered orders whose time for returns is over."""
    before = clock.now() - COMPLETE_AFTER
    late = select(OrderEvent.order_id).where(OrderEvent.event == "delivered", OrderEvent.at < before)
    statement = select(Order.id).where(Order.status == "delivered", Order.id.in_(late)).order_by(Order.id).limit(500)
    found = db.session.scalars(statement).all()
    end_read()
    for order_id in found:
        with transaction() as session:
            moves.move(session, [moves.lock_order(session, order_id).id], "completed", "shop")
