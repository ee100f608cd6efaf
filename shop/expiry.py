"""What becomes of purchases that nobody pays, and of payments that nobody told us about.

At expiry the intent is cancelled first: if it was paid in the last moment, the purchase is paid, since its goods are
still held. Only when Stripe does not answer are the goods freed without knowing; the orders then wait for its word,
keeping their allowance, and a late payment takes the goods again or goes back (fault F28).
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock, jobs
from core.database import db, end_read, transaction
from shop import holds, moves, payments
from shop.models import Payment, Purchase
from shop.stripe_gateway import GatewayUnavailable

log = structlog.get_logger()

LOOK_AFTER = timedelta(seconds=20)
LOOK_FOR = timedelta(days=3)
BATCH = 200


@jobs.task("shop.expire_purchase")
def expire_purchase(purchase_id: str) -> None:
    """The timer of one purchase; early or late runs do no harm."""
    expire(uuid.UUID(purchase_id))


def expire(purchase_id: uuid.UUID) -> None:
    """End an unpaid purchase whose time is over: goods and allowance back, orders cancelled."""
    row = db.session.execute(
        select(Purchase.status, Purchase.expires_at, Payment.intent_id, Payment.closed_at)
        .join(Payment, Payment.purchase_id == Purchase.id)
        .where(Purchase.id == purchase_id)
    ).one()
    end_read()
    if row.status not in ("awaiting_payment", "expired") or row.expires_at > clock.now():
        return
    settled = True
    if row.intent_id is not None and row.closed_at is None:
        try:
            settled = payments.stop(purchase_id, row.intent_id) != "processing"
        except GatewayUnavailable:
            settled = False
    with transaction() as session:
        _end(session, moves.lock_purchase(session, purchase_id), settled)


def _end(session: Session, purchase: Purchase, settled: bool) -> None:
    orders = holds.orders_of(session, purchase.id)
    ids = [order.id for order in orders]
    if purchase.status == "awaiting_payment":
        purchase.status = "expired"
        holds.free_stock(session, orders)
        moves.note(session, ids, "hold_expired", "awaiting_payment", "shop", detail="not paid in time; goods freed")
    if purchase.status == "expired" and settled:
        if moves.move(session, ids, "cancelled", "shop", detail="not paid in time"):
            holds.free_allowance(session, orders, "expired")
        nameless = update(Payment).where(Payment.purchase_id == purchase.id, Payment.intent_id.is_(None))
        session.execute(nameless.values(closed_at=clock.now()))


@jobs.task("shop.sweep_expired", schedule="* * * * * */15")
def sweep_expired() -> None:
    """Purchases whose timer was lost with its worker."""
    overdue = (
        select(Purchase.id)
        .where(Purchase.status == "awaiting_payment", Purchase.expires_at < clock.now() - timedelta(seconds=5))
        .order_by(Purchase.expires_at)
        .limit(BATCH)
    )
    found = db.session.scalars(overdue).all()
    end_read()
    for purchase_id in found:
        _guarded(purchase_id, expire)


@jobs.task("shop.reconcile_payments", schedule="* * * * * */20")
def reconcile() -> None:
    """Webhooks can be lost for days: look at every intent still open, the longest unseen first."""
    now = clock.now()
    statement = (
        select(Payment.id, Payment.purchase_id, Purchase.status)
        .join(Purchase, Purchase.id == Payment.purchase_id)
        .where(Payment.closed_at.is_(None), Payment.intent_id.is_not(None))
        .where(Payment.created_at.between(now - LOOK_FOR, now - LOOK_AFTER))
        .order_by(Payment.checked_at.asc().nulls_first())
        .limit(BATCH)
    )
    rows = db.session.execute(statement).all()
    end_read()
    steps = {"awaiting_payment": payments.look, "paid": payments.look, "expired": expire}
    for payment_id, purchase_id, status in rows:
        with transaction() as session:
            session.execute(update(Payment).where(Payment.id == payment_id).values(checked_at=clock.now()))
        if not _guarded(purchase_id, steps.get(status, payments.close_for)):
            return


def _guarded(purchase_id: uuid.UUID, step: object) -> bool:
    """One purchase that fails must not keep the others waiting; False when Stripe is away for all of them."""
    try:
        step(purchase_id)  # type: ignore[operator]
    except GatewayUnavailable:
        return False
    except Exception:
        log.exception("purchase_not_reconciled", purchase=str(purchase_id))
    return True
