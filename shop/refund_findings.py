"""Refunds as Stripe shows them, brought into our books: our own whose news was lost, and those made elsewhere.

Somebody may pay back at Stripe's dashboard. The money is gone, so it is booked, counts against what can still be
refunded, and a person is told; which order it was for the books learn when an order's refund is promised.
"""

from __future__ import annotations

import uuid

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import db, end_read, new_id, transaction
from shop import incidents, ledger, moves, payments, refund_cover, refund_outcomes
from shop.models import Payment, Purchase, Refund
from shop.stripe_objects import Refund as Shown

GONE = ("failed", "canceled")


def bring(shown: Shown) -> str:
    """Bring our record to a refund freshly fetched; again it changes nothing. Raises GatewayUnavailable.

    Returns what was done: `same`, `settled`, `repaired` (held as failed, and paid), `bounced` (paid, and sent back by
    the bank), `elsewhere`, `foreign` or `differs`.
    """
    row = _ours(shown)
    if row is None:
        return _elsewhere(shown)
    if row.amount_fen != shown.amount_fen:
        with transaction() as session:
            incidents.record(session, "refund_differs", "refund", row.id, stripe=shown.id, amount_fen=shown.amount_fen)
        return "differs"
    if row.status == "promised":
        refund_outcomes.settle(row.id, shown)
        return "settled" if shown.status != "pending" else "same"
    if row.status == "failed" and shown.status == "succeeded":
        refund_outcomes.paid(row.id, shown.id, was="failed")
        return "repaired"
    if row.status == "paid" and shown.status in GONE:
        _bounced(row.id, shown)
        return "bounced"
    return "same"


def _ours(shown: Shown) -> Refund | None:
    try:
        named: uuid.UUID | None = uuid.UUID(shown.metadata.get("refund", ""))
    except ValueError:
        named = None
    row = db.session.scalars(select(Refund).where((Refund.stripe_id == shown.id) | (Refund.id == named))).first()
    if row is not None:
        db.session.expunge(row)
    end_read()
    return row


def _bounced(refund_id: uuid.UUID, shown: Shown) -> None:
    """The buyer's bank sent a paid refund back: the money is ours again and still owed."""
    with transaction() as session:
        purchase = moves.lock_purchase(session, session.get_one(Refund, refund_id).purchase_id)
        back = update(Refund).where(Refund.id == refund_id, Refund.status == "paid").values(status="failed")
        if session.execute(back.returning(Refund.amount_fen, Refund.order_id)).first() is None:
            return
        sides = [ledger.Entry(ledger.CASH, shown.amount_fen), ledger.Entry(ledger.REFUND, -shown.amount_fen)]
        ledger.post(session, "refund_bounced", str(refund_id), purchase.id, purchase.currency, sides)
        facts = {"stripe": shown.status, "reason": shown.failure_reason, "amount_fen": shown.amount_fen}
        incidents.record(session, "refund_failed", "refund", refund_id, **facts)


def _elsewhere(shown: Shown) -> str:
    statement = select(Payment.purchase_id, Purchase.captured_fen).join(Purchase, Purchase.id == Payment.purchase_id)
    row = db.session.execute(statement.where(Payment.intent_id == shown.intent_id)).first() if shown.intent_id else None
    end_read()
    if row is None:
        return "foreign"  # its payment is none of ours either, and told as an incident there
    if shown.status in GONE:
        return "same"
    if not row.captured_fen:
        payments.look(row.purchase_id)  # the news of the payment was slower
    with transaction() as session:
        purchase = moves.lock_purchase(session, row.purchase_id)
        if not purchase.captured_fen:  # a payment that is not ours to book, nor what went back of it
            facts = {"purchase": str(purchase.id), "amount_fen": shown.amount_fen}
            incidents.record(session, "refund_elsewhere", "refund", shown.id, **facts)
            return "elsewhere"
        _book(session, purchase, shown)
    return "elsewhere"


def _book(session: Session, purchase: Purchase, shown: Shown) -> None:
    known = select(Refund.id).where(Refund.stripe_id == shown.id)
    if session.scalar(known) is not None:
        return
    # What a person had to pay another way comes first.
    paid, told = refund_cover.meet_promised(session, purchase, shown.amount_fen, ("failed",))
    counted = min(shown.amount_fen - paid, refund_cover.left_of(purchase))
    purchase.refunded_fen += counted
    purchase.elsewhere_fen += counted
    row = {"id": new_id(), "purchase_id": purchase.id, "amount_fen": shown.amount_fen, "stripe_id": shown.id}
    row |= {"parts": {"elsewhere": shown.amount_fen}, "reason": "paid back at Stripe, not by the shop"}
    now = clock.now()
    # Before what it leaves no room for is covered: a promise is never paid from the row that took its place.
    met, orders = refund_cover.meet_promised(session, purchase, shown.amount_fen - paid - counted)
    met, orders = met + paid, orders | told
    session.execute(insert(Refund).values(**row, status="paid", created_at=now, paid_at=now))
    entries = [
        ledger.Entry(ledger.ELSEWHERE, shown.amount_fen - met),
        ledger.Entry(ledger.REFUND, met),
        ledger.Entry(ledger.CASH, -shown.amount_fen),
    ]
    ledger.post(session, "refund_elsewhere", shown.id, purchase.id, purchase.currency, entries)
    for order_id in orders:
        refund_outcomes.finish_order(session, order_id)
    facts = {"purchase": str(purchase.id), "amount_fen": shown.amount_fen}
    incidents.record(session, "refund_elsewhere", "refund", shown.id, **facts)
