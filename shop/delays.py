"""Clearance that takes longer than usual: the buyer is told once, and goes on being free to cancel."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, select

from core import clock, jobs
from core.database import db, end_read, transaction
from shop import moves, notify
from shop.models import Order, OrderEvent

LATE_AFTER = timedelta(hours=24)
LATE, SAID = "clearance_late", "customs has not released it yet"
_BATCH = 200


@jobs.task("shop.tell_delays", schedule="*/10 * * * *", alone=True)
def tell_delays() -> None:
    """Orders that were declared a day ago and are neither released nor held; who is held has been told already."""
    before = clock.now() - LATE_AFTER
    of_order = OrderEvent.order_id == Order.id
    declared = exists().where(of_order, OrderEvent.event == "declared", OrderEvent.at < before)
    told = exists().where(of_order, OrderEvent.event == LATE)
    query = select(Order.id).where(Order.status == "declared", declared, ~told).order_by(Order.id).limit(_BATCH)
    late = db.session.scalars(query).all()
    end_read()
    for order_id in late:
        with transaction() as session:
            order = moves.lock_order(session, order_id)
            again = select(OrderEvent.id).where(OrderEvent.order_id == order.id, OrderEvent.event == LATE)
            if order.status != "declared" or session.scalar(again) is not None:
                continue
            moves.note(session, [order.id], LATE, order.status, "shop", detail=SAID)
            notify.buyer(session, order, "order_delayed", hours=str(int(LATE_AFTER.total_seconds()) // 3600))
