"""What becomes of purchases that nobody pays, and of payments that nobody told us about.

At expiry the intent is cancelled first: if it was paid in the last moment, the purchase is paid, since its goods are
still held. Only when Stripe does not answer are the goods freed without knowing; the orders then wait for its word,
keeping their allowance, and a late payment takes the goods again or goes back (fault F28).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core import clock, jobs
from core.database import db, end_read, transaction
from shop import holds, moves, payments
from shop.models import Payment, Purchase
from shop.stripe_gateway import GatewayUnavailable

log = structlog.get_logger()

LOOK_AFTER = timedelta(seconds=20)
LOOK_AGAIN = timedelta(minutes=15)
LOOK_FOR = timedelta(days=8)  # a card may hold the money for seven days
BATCH = 200


@jobs.task("shop.expire_purchase")
def expire_purchase(purchase_id: str) -> None:
    """One purchase whose time is over; early or late runs do no harm."""
    expire(uuid.UUID(purchase_id))


@jobs.task("shop.expire_overdue")
def expire_overdue(purchase_id: str) -> None:
    """The same for one of the queue of those that are over: what fails is put in again, so it is not repeated."""
    _guarded(uuid.UUID(purchase_id), expire)


def expire(purchase_id: uuid.UUID) -> None:
    """End an unpaid purchase whose time is over: goods and allowance back, orders cancelled."""
    row = db.session.execute(
        select(
            Purchase.status,
            Purchase.expires_at,
            Purchase.authorised_at,
            Payment.intent_id,
            Payment.closed_at,
            Payment.method,
        )
        .join(Payment, Payment.purchase_id == Purchase.id)
        .where(Purchase.id == purchase_id)
    ).one()
    end_read()
    if row.status not in ("awaiting_payment", "expired") or row.expires_at > clock.now():
        return
    settled = True
    if row.intent_id is not None and row.closed_at is None:
        try:
            if row.method is not None and row.authorised_at is None and payments.look(purchase_id) == "authorised":
                return  # in the last moment: cancelling would give the buyer's money back that is meant to stay
            settled = payments.stop(purchase_id, row.intent_id) != "processing"
        except GatewayUnavailable:
            settled = False
    with transaction() as session:
        _end(session, moves.lock_purchase(session, purchase_id), settled)


def _end(session: Session, purchase: Purchase, settled: bool) -> None:
    late = "not paid in time" if purchase.authorised_at is None else "not weighed in time"
    orders = holds.orders_of(session, purchase.id)
    ids = [order.id for order in orders]
    if purchase.status == "awaiting_payment":
        purchase.status = "expired"
        holds.free_stock(session, orders)
        moves.note(session, ids, "hold_expired", "awaiting_payment", "shop", detail=f"{late}; goods freed")
    if purchase.status == "expired" and settled:
        if moves.move(session, ids, "cancelled", "shop", detail=late):
            holds.free_promised(session, orders, "expired")
        nameless = update(Payment).where(Payment.purchase_id == purchase.id, Payment.intent_id.is_(None))
        session.execute(nameless.values(closed_at=clock.now()))


@jobs.task("shop.queue_expired", schedule="* * * * * */3")
def queue_expired() -> None:
    """A job for each purchase whose time is over, so that they end side by side.

    Put in when the time is over, not at placement: most purchases are paid, and a job for later would burden each.
    """
    with transaction() as session:
        found = session.scalars(_overdue(timedelta(0)))
        jobs.defer_once(session, "shop.expire_overdue", "purchase_id", [str(purchase_id) for purchase_id in found])


def _overdue(by: timedelta) -> Select[Any]:
    unpaid = (Purchase.status == "awaiting_payment", Purchase.expires_at < clock.now() - by)
    return select(Purchase.id).where(*unpaid).order_by(Purchase.expires_at).limit(BATCH)


@jobs.task("shop.sweep_expired", schedule="* * * * * */15")
def sweep_expired() -> None:
    """Purchases whose job was lost with its worker, or waits behind others."""
    overdue = _overdue(timedelta(seconds=5))
    found = db.session.scalars(overdue).all()
    end_read()
    for purchase_id in found:
        _guarded(purchase_id, expire)


@jobs.task("shop.reconcile_payments", schedule="* * * * * */20")
def reconcile() -> None:
    """Webhooks can be lost for days: look at every intent still open, the longest unseen first."""
    look_at_open(Counter())


def look_at_open(found: Counter[str]) -> None:
    """The same, counting what was done."""
    now = clock.now()
    # A card holds money for days, and nothing happens to it before the goods are weighed.
    resting = Purchase.authorised_at.is_not(None) & Payment.capture_fen.is_(None)
    busy = ~resting | Payment.checked_at.is_(None) | (Payment.checked_at < now - LOOK_AGAIN)
    statement = (
        select(Payment.id, Payment.purchase_id, Purchase.status)
        .join(Purchase, Purchase.id == Payment.purchase_id)
        .where(Payment.closed_at.is_(None), Payment.intent_id.is_not(None))
        .where(Payment.created_at.between(now - LOOK_FOR, now - LOOK_AFTER), busy)
        .order_by(Payment.checked_at.asc().nulls_first())
        .limit(BATCH)
    )
    rows = db.session.execute(statement).all()
    end_read()
    steps: dict[str, Callable[[uuid.UUID], str | None]] = {
        "awaiting_payment": payments.look,
        "paid": payments.look,
        "expired": expire,
    }
    for payment_id, purchase_id, status in rows:
        with transaction() as session:
            session.execute(update(Payment).where(Payment.id == payment_id).values(checked_at=clock.now()))
        outcome = _guarded(purchase_id, steps.get(status, payments.close_for))
        if outcome is None:
            return
        if outcome != "same":
            found[f"intents_{outcome}"] += 1


def _guarded(purchase_id: uuid.UUID, step: Callable[[uuid.UUID], str | None]) -> str | None:
    """One purchase that fails must not keep the others waiting; None when Stripe is away for all of them."""
    try:
        return step(purchase_id) or "same"
    except GatewayUnavailable:
        return None
    except Exception:
        log.exception("purchase_not_reconciled", purchase=str(purchase_id))
        return "failed"
