"""What becomes of orders whose lot is recalled or goes into quarantine, and of unpaid ones of a suspended merchant.

The catalogue stops the lot in one transaction, and with it enqueues the job that looks at each order of the lot that is
not sent: unpaid ones are cancelled, paid ones are paid back, declared ones when customs has let go, released ones are
given back to customs as never sent. Each order is settled behind the lock of its purchase, so paying, shipping and the
recall of one order follow each other; what was shipped before is only listed.
"""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog import merchants, recalls
from catalog.models import STOPPED, Lot, Merchant
from core import audit, clock, jobs
from core.database import db, end_read, transaction
from core.errors import Problem
from shop import cancellation, holds, incidents, moves, parcels, returns, shortages
from shop.models import Order, OrderAllocation, OrderLine, RecalledOrder

log = structlog.get_logger()

BATCH = 500
_HELD = func.sum(OrderAllocation.quantity - OrderAllocation.sent)
_ACTOR = "shop"


def _on_stop(session: Session, lot_id: uuid.UUID) -> None:
    jobs.defer(session, "shop.clear_lot", lot_id=str(lot_id))


def _on_suspension(session: Session, merchant_id: uuid.UUID) -> None:
    jobs.defer(session, "shop.drop_unpaid", merchant_id=str(merchant_id))
    # Once more for orders whose placing had seen the merchant admitted and was not committed yet.
    jobs.defer(session, "shop.drop_unpaid", in_seconds=30, merchant_id=str(merchant_id))


recalls.on_stop(_on_stop)
merchants.on_suspension(_on_suspension)


def _unsent() -> Any:
    """Orders that wait for goods of a stopped lot and were not taken care of since it was stopped."""
    since = (RecalledOrder.order_id == Order.id, RecalledOrder.lot_id == Lot.id, RecalledOrder.at >= Lot.blocked_at)
    known = select(RecalledOrder.order_id).where(*since).exists()
    return (
        select(Order.id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(OrderAllocation, OrderAllocation.line_id == OrderLine.id)
        .join(Lot, Lot.id == OrderAllocation.lot_id)
        .where(Lot.block_kind.in_(STOPPED), Order.status.in_(holds.UNSENT), ~known)
        .where(OrderAllocation.quantity > OrderAllocation.sent)
        .distinct()
        .order_by(Order.id)
    )


@jobs.task("shop.clear_lot")
def clear_lot(lot_id: str) -> None:
    """Settle the orders of a stopped lot; run again it finds those settled and does nothing."""
    found = db.session.scalars(_unsent().where(Lot.id == uuid.UUID(lot_id))).all()
    end_read()
    _settle_all(found)


@jobs.task("shop.chase_recalls", schedule="*/2 * * * *")
def chase_recalls() -> None:
    """Orders whose job died, or that were placed in the same moment: none waits for goods that will never leave."""
    found = db.session.scalars(_unsent().limit(BATCH)).all()
    end_read()
    _settle_all(found)


def _settle_all(order_ids: Any) -> None:
    """One order that cannot be settled must not keep the others waiting; the job is then tried again."""
    fault: Exception | None = None
    for order_id in order_ids:
        try:
            settle(order_id)
        except Exception as problem:
            log.exception("recall_waits", order=str(order_id))
            fault = problem
    if fault is not None:
        raise fault


def settle(order_id: uuid.UUID) -> None:
    """Do with one order what its state asks for, once."""
    with transaction() as session:
        order = moves.lock_order(session, order_id)
        if session.scalar(_unsent().where(Order.id == order_id)) is None:
            return
        stopped = _stopped_lots(session, order_id)
        was, reason = order.status, f"batch {stopped[0].batch_no}: {stopped[0].block_kind}"
        outcome = _take_care(session, order, [row.id for row in stopped], reason)
        now = clock.now()
        rows = [
            {
                "lot_id": row.id,
                "order_id": order.id,
                "at": now,
                "quantity": row.quantity,
                "was": was,
                "outcome": outcome,
            }
            for row in stopped
        ]
        kept = insert(RecalledOrder)
        anew = {name: kept.excluded[name] for name in ("at", "quantity", "was", "outcome")}
        session.execute(kept.on_conflict_do_update(index_elements=["lot_id", "order_id"], set_=anew), rows)
        lots = [str(row.id) for row in stopped]
        audit.record(session, _ACTOR, "order_recalled", "order", order.id, was=was, outcome=outcome, lots=lots)


def _stopped_lots(session: Session, order_id: uuid.UUID) -> list[Any]:
    """Which stopped lots the order waits for, and for how much of each."""
    statement = (
        select(Lot.id, Lot.batch_no, Lot.block_kind, _HELD.label("quantity"))
        .join(OrderAllocation, OrderAllocation.lot_id == Lot.id)
        .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
        .where(OrderLine.order_id == order_id, Lot.block_kind.in_(STOPPED))
        .group_by(Lot.id)
        .having(_HELD > 0)
        .order_by(Lot.id)
    )
    return list(session.execute(statement))


def _take_care(session: Session, order: Order, lot_ids: list[uuid.UUID], reason: str) -> str:
    """The outcome, as `recalled_order` tells it. Of an order that is partly sent only the rest is paid back."""
    if order.status == "paid" and parcels.any_sent(session, order.id):
        shortages.of_stopped_lots(session, order, lot_ids, reason)
        return "refunded"
    if order.status == "released":
        _take_back(session, order, reason)
        return "taken_back"
    unpaid = order.status == "awaiting_payment"
    cancellation.call_off(session, order, _ACTOR, reason)
    if unpaid:
        return "cancelled"
    session.refresh(order)
    return "customs_asked" if order.status in ("declared", "held") else "refunded"


def _take_back(session: Session, order: Order, reason: str) -> bool:
    try:
        with session.begin_nested():
            return returns.take_back(session, order, reason)
    except Problem as refusal:  # the time to ask is over: a person must find a way
        detail = {"number": order.number, "why": refusal.code}
        incidents.record(session, "recalled_not_taken_back", "order", order.id, **detail)
        return True


def released(session: Session, order: Order) -> None:
    """Customs released an order that a recall wanted back before: it is given back by the way of released goods."""
    asked = select(RecalledOrder.lot_id).where(RecalledOrder.order_id == order.id).limit(1)
    if session.scalar(asked) is not None:
        jobs.defer(session, "shop.take_back_released", order_id=str(order.id))


@jobs.task("shop.take_back_released")
def take_back_released(order_id: str) -> None:
    """Give a recalled order back that customs had not let go of; run again it finds that done."""
    with transaction() as session:
        order = moves.lock_order(session, uuid.UUID(order_id))
        if order.status != "released" or not _stopped_lots(session, order.id):
            return
        if _take_back(session, order, "recalled"):
            rows = session.scalars(select(RecalledOrder).where(RecalledOrder.order_id == order.id))
            for row in rows:
                row.outcome = "taken_back"
            audit.record(session, _ACTOR, "order_recalled", "order", order.id, was="released", outcome="taken_back")


@jobs.task("shop.drop_unpaid")
def drop_unpaid(merchant_id: str) -> None:
    """A suspended merchant sells nothing: what is not paid is cancelled, what is paid is finished."""
    own = (Order.merchant_id == uuid.UUID(merchant_id), Order.status == "awaiting_payment")
    still = (Merchant.id == Order.merchant_id, Merchant.status == "suspended")
    statement = select(Order.id).join(Merchant, and_(*still)).where(*own).order_by(Order.id)
    found = db.session.scalars(statement).all()
    end_read()
    for order_id in found:
        with transaction() as session:
            order = moves.lock_order(session, order_id)
            if order.status == "awaiting_payment":
                cancellation.call_off(session, order, _ACTOR, "the merchant was suspended")
