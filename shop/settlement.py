"""Bringing a purchase to what its intent, freshly fetched, says: paid exactly once, and only when it is ours."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import transaction
from core.errors import Problem
from core.money import fen_text
from shop import cancellation, holds, incidents, ledger, moves, notify, parcels, real_weight, refunds, screening
from shop.models import Order, Payment, Purchase
from shop.stripe_objects import Intent

# A card's hold lasts seven days; what is not weighed and captured a day before is let go.
HOLD_FOR = timedelta(days=6)


def apply(intent: Intent) -> str:
    """Bring a purchase to what its intent, freshly fetched, says. Applied again it changes nothing.

    Returns `same`, `paid`, `late`, `authorised`, `canceled`, `mismatch` or `foreign`.
    """
    if intent.status not in ("succeeded", "canceled", "requires_capture"):
        return "same"
    with transaction() as session:
        payment = _payment_of(session, intent)
        if payment is None:
            if intent.status != "canceled":  # then no money has moved
                incidents.record(session, "foreign_payment", "payment_intent", intent.id, status=intent.status)
            return "foreign"
        purchase = moves.lock_purchase(session, payment.purchase_id)
        fault = _mismatch(payment, intent)
        if fault:
            incidents.record(session, "payment_mismatch", "purchase", purchase.id, intent=intent.id, fault=fault)
            return "mismatch"
        if intent.status == "requires_capture":
            return _authorised(session, purchase, payment, intent)
        done = "same" if payment.closed_at is not None else "canceled"
        if intent.status == "succeeded":
            done = _captured(session, purchase, payment, intent)
        elif purchase.authorised_at is not None and purchase.status == "awaiting_payment":
            purchase.expires_at = clock.now()  # the hold is gone: the sweep of the expired ends it
        close(session, payment.id)
        return done


def _payment_of(session: Session, intent: Intent) -> Payment | None:
    """By the intent's id, or, when the answer that named it was lost, by the purchase in its metadata."""
    known = session.scalars(select(Payment).where(Payment.intent_id == intent.id)).first()
    if known is not None:
        return known
    try:
        purchase_id = uuid.UUID(intent.metadata.get("purchase", ""))
    except ValueError:
        return None
    # One statement: the answer may name the intent at this very moment, and then it is no less ours.
    free = Payment.intent_id.is_(None) | (Payment.intent_id == intent.id)
    named = update(Payment).where(Payment.purchase_id == purchase_id, free)
    named = named.values(intent_id=intent.id, client_secret=intent.client_secret)
    return session.scalars(named.returning(Payment)).first()


def _mismatch(payment: Payment, intent: Intent) -> dict[str, Any] | None:
    """What in a paid or held intent is not ours: amount, currency or purchase."""
    if intent.status == "canceled":
        return None
    held = intent.status == "requires_capture"
    amount = payment.amount_fen if held == (payment.method == "card") else payment.capture_fen
    ours = {"amount": amount, "currency": payment.currency, "purchase": str(payment.purchase_id)}
    theirs = {
        "amount": intent.capturable_fen if held else intent.received_fen,
        "currency": intent.currency,
        "purchase": intent.metadata.get("purchase"),
    }
    return None if ours == theirs else {"ours": ours, "theirs": theirs}


def close(session: Session, payment_id: uuid.UUID) -> None:
    """Nothing more can happen to this intent."""
    session.execute(
        update(Payment).where(Payment.id == payment_id, Payment.closed_at.is_(None)).values(closed_at=clock.now())
    )


def _authorised(session: Session, purchase: Purchase, payment: Payment, intent: Intent) -> str:
    """A card holds the money: the orders wait to be weighed, as long as the hold is safe."""
    if purchase.status != "awaiting_payment":
        jobs.defer(session, "shop.close_payment", purchase_id=str(purchase.id))
        return "late"
    if payment.capture_fen is not None:
        jobs.defer(session, "shop.capture_payment", purchase_id=str(purchase.id))
    if purchase.authorised_at is not None:
        return "same"
    purchase.authorised_at = clock.now()
    purchase.expires_at = clock.now() + HOLD_FOR - _age_of(intent)
    held = fen_text(payment.amount_fen)
    for order in holds.orders_of(session, purchase.id):
        moves.note(session, [order.id], "authorised", order.status, "stripe", detail=f"{held} CNY")
        if real_weight.unweighed(holds.lines_of(session, [order.id])):
            facts = {"order": str(order.id), "number": order.number}
            until = clock.instant_text(purchase.expires_at)
            notify.merchant(session, order.merchant_id, "order_to_weigh", **facts, until=until)
    audit.record(session, "stripe", "purchase_authorised", "purchase", purchase.id, amount_fen=payment.amount_fen)
    return "authorised"


def _age_of(intent: Intent) -> timedelta:
    """How long ago the bank agreed, should the news have been slow; by Stripe's own, real time."""
    if intent.charge is None or not intent.charge.created:
        return timedelta()
    return timedelta(seconds=max(0, int(time.time()) - intent.charge.created))


def _captured(session: Session, purchase: Purchase, payment: Payment, intent: Intent) -> str:
    if purchase.captured_fen:
        return "same"
    late = purchase.status != "awaiting_payment"
    purchase.captured_fen, purchase.paid_at = intent.received_fen, clock.now()
    if not late:
        purchase.status = "paid"
    session.flush()  # the refund reserve below compares with it in the database
    orders = holds.orders_of(session, purchase.id)
    screening.gate(session, orders, intent.charge)
    if late and not holds.take_again(session, purchase, orders):
        _send_back(session, purchase, orders, payment)
        return "late"
    purchase.status = "paid"
    ledger.post_capture(session, purchase, orders, str(payment.id))
    found = screening.findings(session, orders, intent.charge)
    payer = intent.charge.payer_name if intent.charge else None  # what a payment declarer would check
    for order in orders:
        _pay_order(session, order, payer, found.get(order.id, []))
    audit.record(session, "stripe", "purchase_paid", "purchase", purchase.id, amount_fen=intent.received_fen)
    return "paid"


def _send_back(session: Session, purchase: Purchase, orders: Sequence[Order], payment: Payment) -> None:
    """The payment came when stock or allowance were gone, or after a cancellation: all of it goes back."""
    ledger.post_deposit(session, purchase, str(payment.id))
    refunds.promise_deposit(session, purchase, "paid after the order had ended")
    ids = [order.id for order in orders]
    ended = moves.move(session, ids, "cancelled", "shop", detail="paid too late; the goods were no longer held")
    holds.free_promised(session, [order for order in orders if order.id in ended], "expired")
    others = [order_id for order_id in ids if order_id not in ended]
    moves.note(session, others, "late_payment", "cancelled", "shop", detail="paid after cancellation; refunded in full")
    told = {"purchase": str(purchase.id), "amount": fen_text(purchase.captured_fen)}
    notify.person(session, purchase.account_id, "late_payment_refunded", **told)
    audit.record(session, "stripe", "late_payment", "purchase", purchase.id, amount_fen=purchase.captured_fen)


def _pay_order(session: Session, order: Order, payer: str | None, found: Sequence[screening.Finding]) -> None:
    """Paid, with its waybill number; a retail order of which screening has found something waits for a person."""
    retail, review = order.route == screening.RETAIL, bool(found)
    moves.move(
        session,
        [order.id],
        "payment_review" if review else "paid",
        "stripe",
        detail=screening.told(found),
        paid_at=clock.now(),
        payer_name=payer,
        waybill_no=parcels.next_waybill(session),
        payment_no=f"{order.number}P",
    )
    notify.paid(session, order, under_review=review)
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
