"""Sending the goods: parcels, shipped, delivered. `at` is what the merchant says; our own time stands by it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import lots, merchants
from core import audit, clock, jobs
from core.accounts import Actor
from core.database import db, end_read, new_id, transaction
from core.errors import NOT_FOUND, Problem, invalid
from customs import declarations
from shop import holds, moves, notify, parcels, weighing
from shop.models import Order, OrderAllocation, OrderEvent, Return

# After the time in which a return can be declared (30 days), a delivered order needs nobody's attention any more.
COMPLETE_AFTER = timedelta(days=30)


def ship(
    actor: Actor,
    order_id: uuid.UUID,
    at: datetime,
    lines: Sequence[Mapping[str, Any]] | None = None,
    attempt: uuid.UUID | None = None,
) -> None:
    """A parcel left the warehouse, with `lines` ({line, quantity}) or all that is left: its units leave the stock.
    The same attempt is one parcel.

    The order is shipped when nothing of it is left to send; retail orders leave whole. Goods priced by the kilogram
    have been weighed before; what they are lighter than was charged is paid back.

    Raises Problem `not_found`, `invalid_input` for an instant in the future or more than is left, `order_state`,
    `ships_whole`, `not_weighed`, and `lot_stopped` for goods that are recalled or in quarantine.
    """
    with transaction() as session:
        order = own_order(session, actor, order_id, at)
        if attempt is not None and parcels.sent_before(session, order.id, attempt):
            return
        if order.route == "cross_border_retail" and order.status == "paid":
            raise moves.refuse(order, "shipped before customs has released it")
        if order.status not in moves.sources("shipped"):
            raise moves.refuse(order, "shipped")
        kept = holds.lines_of(session, [order.id])
        shares = parcels.shares_of(session, kept)
        left = {place: quantity for place, quantity in parcels.left_of(shares).items() if quantity > 0}
        quantities = left
        if lines is not None:
            parcels.refuse_parts(order, kept)
            quantities = parcels.wanted(kept, parcels.left_of(shares), lines)
        parcel = parcels.write(session, order, kept, quantities, str(actor.id), at, attempt or new_id())
        _take_out(session, order, parcels.take(kept, shares, quantities), parcel.number)
        _refuse_taken_back(session, order)
        if lines is not None or parcel.number > 1:
            moves.note(
                session,
                [order.id],
                "parcel_sent",
                order.status,
                str(actor.id),
                detail=parcel.waybill_no,
                happened_at=at,
            )
        if quantities == left:
            moves.move(session, [order.id], "shipped", str(actor.id), happened_at=at)
            weighing.pay_difference(session, order)
        notify.both(session, order, "order_shipped", waybill=parcel.waybill_no)
        facts = {"at": clock.instant_text(at), "parcel": parcel.number}
        audit.record(session, str(actor.id), "order_shipped", "order", order_id, **facts)


def _refuse_taken_back(session: Session, order: Order) -> None:
    """A recall has asked customs to take back what is not sent: it stays where it is until customs has answered."""
    back = select(Return.id).where(Return.order_id == order.id, Return.unsent, Return.status == "requested")
    if session.scalar(back) is not None:
        raise moves.refuse(order, "shipped while customs is asked to take it back")


def _take_out(
    session: Session, order: Order, taken: Sequence[tuple[OrderAllocation, lots.Allocation]], number: int
) -> None:
    """The goods of a parcel leave their lots. One reference moves a lot once, so later parcels add their number."""
    for share, part in taken:
        share.sent += part.quantity
    session.flush()
    reference = order.number if number == 1 else f"{order.number}/{number}"
    lots.take_out(session, [part for _, part in taken], reference)


def deliver(actor: Actor, order_id: uuid.UUID, at: datetime) -> None:
    """The parcel arrived; not before it was shipped. Raises as `ship` does."""
    with transaction() as session:
        order = own_order(session, actor, order_id, at)
        shipped_at = session.scalar(
            select(OrderEvent.happened_at).where(OrderEvent.order_id == order.id, OrderEvent.event == "shipped")
        )
        if shipped_at is not None and at < shipped_at:
            raise invalid("at", "the order was shipped later than that")
        if not moves.move(session, [order.id], "delivered", str(actor.id), happened_at=at):
            raise moves.refuse(order, "delivered")
        declarations.file_delivery(session, order.number, at)
        audit.record(session, str(actor.id), "order_delivered", "order", order_id, at=clock.instant_text(at))


def own_order(session: Session, actor: Actor, order_id: uuid.UUID, at: datetime) -> Order:
    """The order, locked, if the actor is its merchant or an operator; what is told of it happened at `at`."""
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
