"""Bringing a purchase to what its intent, freshly fetched, says: paid exactly once, and only when it is ours."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import transaction
from core.errors import Problem
from customs import persons
from shop import cancellation, fulfilment, holds, incidents, ledger, moves, refunds
from shop.models import Order, Payment, Purchase
from shop.stripe_objects import Intent


def apply(intent: Intent) -> None:
    """Bring a purchase to what its intent, freshly fetched, says. Applied again it changes nothing."""
    if intent.status not in ("succeeded", "canceled"):
        return
    with transaction() as session:
        payment = _payment_of(session, intent)
        if payment is None:
            incidents.record(session, "foreign_payment", "payment_intent", intent.id)
            return
        purchase = moves.lock_purchase(session, payment.purchase_id)
        fault = _mismatch(payment, intent)
        if fault:
            incidents.record(session, "payment_mismatch", "purchase", purchase.id, intent=intent.id, fault=fault)
            return
        if intent.status == "succeeded":
            _captured(session, purchase, payment, intent)
        close(session, payment.id)


def _payment_of(session: Session, intent: Intent) -> Payment | None:
    """By the intent's id, or, when the answer that named it was lost, by the purchase in its metadata."""
    known = session.scalars(select(Payment).where(Payment.intent_id == intent.id)).first()
    if known is not None:
        return known
    try:
        purchase_id = uuid.UUID(intent.metadata.get("purchase", ""))
    except ValueError:
        return None
    nameless = select(Payment).where(Payment.purchase_id == purchase_id, Payment.intent_id.is_(None))
    payment = session.scalars(nameless).first()
    if payment is not None:
        payment.intent_id, payment.client_secret = intent.id, intent.client_secret
    return payment


def _mismatch(payment: Payment, intent: Intent) -> dict[str, Any] | None:
    """What in a succeeded intent is not ours: amount, currency or purchase."""
    if intent.status != "succeeded":
        return None
    ours = {"amount": payment.amount_fen, "currency": payment.currency, "purchase": str(payment.purchase_id)}
    theirs = {
        "amount": intent.received_fen,
        "currency": intent.currency,
        "purchase": intent.metadata.get("purchase"),
    }
    return None if ours == theirs else {"ours": ours, "theirs": theirs}


def close(session: Session, payment_id: uuid.UUID) -> None:
    """Nothing more can happen to this intent."""
    session.execute(
        update(Payment).where(Payment.id == payment_id, Payment.closed_at.is_(None)).values(closed_at=clock.now())
    )


def _captured(session: Session, purchase: Purchase, payment: Payment, intent: Intent) -> None:
    if purchase.captured_fen:
        return
    late = purchase.status != "awaiting_payment"
    purchase.captured_fen, purchase.paid_at = payment.amount_fen, clock.now()
    session.flush()  # the refund reserve below compares with it in the database
    orders = holds.orders_of(session, purchase.id)
    if late and not holds.take_again(session, purchase, orders):
        _send_back(session, purchase, orders, payment)
        return
    purchase.status = "paid"
    ledger.post_capture(session, purchase, orders, str(payment.id))
    payer = intent.charge.payer_name if intent.charge else None  # what a payment declarer would check
    for order in orders:
        _pay_order(session, order, payer)
    audit.record(session, "stripe", "purchase_paid", "purchase", purchase.id, amount_fen=payment.amount_fen)


def _send_back(session: Session, purchase: Purchase, orders: Sequence[Order], payment: Payment) -> None:
    """The payment came when stock or allowance were gone, or after a cancellation: all of it goes back."""
    ledger.post_deposit(session, purchase, str(payment.id))
    refunds.promise_deposit(session, purchase, "paid after the order had ended")
    ids = [order.id for order in orders]
    ended = moves.move(session, ids, "cancelled", "shop", detail="paid too late; the goods were no longer held")
    holds.free_allowance(session, [order for order in orders if order.id in ended], "expired")
    others = [order_id for order_id in ids if order_id not in ended]
    moves.note(session, others, "late_payment", "cancelled", "shop", detail="paid after cancellation; refunded in full")
    audit.record(session, "stripe", "late_payment", "purchase", purchase.id, amount_fen=payment.amount_fen)


def _pay_order(session: Session, order: Order, payer: str | None) -> None:
    """Paid, with its waybill number; a retail order whose payer is not its buyer waits for a person."""
    retail = order.route == "cross_border_retail"
    review = retail and payer is not None and not _same_person(order, payer)
    moves.move(
        session,
        [order.id],
        "payment_review" if review else "paid",
        "stripe",
        detail="payer and buyer differ" if review else None,
        paid_at=clock.now(),
        payer_name=payer,
        waybill_no=fulfilment.next_waybill(session),
        payment_no=f"{order.number}P",
    )
    if not retail:
        return
    try:
        with session.begin_nested():
            holds.use_allowance(session, order)
    except Problem as refusal:  # the Beijing year turned since placement, and the new one is full
        cancellation.give_up(session, order, "shop", refusal.detail)
        return
    if not review:
        jobs.defer(session, "shop.file_order", order_id=str(order.id))


def _same_person(order: Order, payer: str) -> bool:
    buyer = persons.identity_of(order.account_id)
    return buyer is not None and _plain_name(buyer.name) == _plain_name(payer)


def _plain_name(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
