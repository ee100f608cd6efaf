"""Payment of a purchase by a PaymentIntent at Stripe.

One payment row per purchase, stored before the first call; its id is Stripe's idempotency key. Whatever tells us of a
payment (webhook, reconciler, expiry) fetches the intent anew and has it applied by `settlement`.
"""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock, config, jobs
from core.database import db, end_read, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare
from shop import exchanges, settlement
from shop.models import Payment, Purchase
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable
from shop.stripe_objects import Intent

log = structlog.get_logger()

NOT_PAYABLE = declare("purchase_not_payable", 409, "The purchase no longer waits for a payment")
STRIPE_AWAY = declare("payment_provider_unavailable", 503, "The payment provider cannot be reached just now")
STRIPE_REFUSES = declare("payment_provider_refused", 503, "The payment provider did not accept the payment")
PAYMENT_TOO_LARGE = declare("payment_too_large", 422, "This is more than one payment can take")
AMOUNT_MOST_FEN = 99_999_999  # Stripe takes amounts of up to eight digits
METHODS = ("card", "alipay", "wechat_pay")


def begin(purchase_id: uuid.UUID) -> None:
    """Create the intent of a stored purchase, after its commit.

    Raises Problem `purchase_not_payable`, `payment_provider_unavailable` or `payment_provider_refused`.
    """
    payment = _to_begin(purchase_id)
    if payment is None:
        return

    def keep(session: Session, intent: Intent) -> None:
        same = (Payment.amount_fen == intent.amount_fen, Payment.currency == intent.currency)
        fresh = update(Payment).where(Payment.id == payment.id, Payment.intent_id.is_(None), *same)
        # Open again, should the purchase have ended while Stripe was asked: somebody has to cancel the intent.
        session.execute(fresh.values(intent_id=intent.id, client_secret=intent.client_secret, closed_at=None))

    try:
        made = exchanges.call(
            purchase_id,
            "create_intent",
            lambda gateway: gateway.create_intent(
                payment.amount_fen,
                payment.currency,
                exchanges.key_of(payment.id, payment.key_no),
                {"purchase": str(purchase_id)},
                f"Landfall purchase {purchase_id}",
                METHODS,
            ),
            keep,
        )
    except GatewayUnavailable as fault:
        _note_spoiled(payment, fault)
        raise Problem(STRIPE_AWAY) from None
    except GatewayRefused as refusal:
        log.error("intent_refused", purchase=str(purchase_id), reason=refusal.code)
        raise Problem(STRIPE_REFUSES) from None
    if (made.amount_fen, made.currency) != (payment.amount_fen, payment.currency):
        log.error("intent_differs", purchase=str(purchase_id), amount=made.amount_fen, currency=made.currency)
        raise Problem(STRIPE_REFUSES, "the payment provider's intent is for another amount")


def _to_begin(purchase_id: uuid.UUID) -> Payment | None:
    """The payment that still needs its intent, as plain values; None when it has one."""
    statement = select(Payment, Purchase.status, Purchase.expires_at).join(Purchase, Purchase.id == Payment.purchase_id)
    payment, status, expires_at = db.session.execute(statement.where(Payment.purchase_id == purchase_id)).one()
    db.session.expunge(payment)
    end_read()
    if payment.intent_id is not None:
        return None
    if status != "awaiting_payment" or expires_at <= clock.now():
        raise Problem(NOT_PAYABLE)
    return payment


def _note_spoiled(payment: Payment, fault: GatewayUnavailable) -> None:
    """The intent behind a 5xx may exist, but nobody was told its secret, so nobody can pay it."""
    if exchanges.spoiled(fault):
        same = (Payment.id == payment.id, Payment.key_no == payment.key_no)
        with transaction() as session:
            session.execute(update(Payment).where(*same).values(key_no=payment.key_no + 1))


def begin_for(account_id: uuid.UUID, purchase_id: uuid.UUID) -> None:
    """The same, asked by the buyer. Raises Problem `not_found` for somebody else's purchase."""
    own = select(Purchase.id).where(Purchase.id == purchase_id, Purchase.account_id == account_id)
    if db.session.scalar(own) is None:
        raise Problem(NOT_FOUND, "no such purchase")
    begin(purchase_id)


def handle(payment: Payment) -> dict[str, Any] | None:
    """What a client needs to pay, or None while Stripe has not answered."""
    if payment.intent_id is None:
        return None
    return {
        "provider": "stripe",
        "intent": payment.intent_id,
        "client_secret": payment.client_secret,
        "publishable_key": config.current().stripe_publishable_key,
        "amount": payment.amount_fen,
        "currency": payment.currency,
    }


def look(purchase_id: uuid.UUID) -> None:
    """Fetch the intent of a purchase at Stripe and apply what it says. Raises GatewayUnavailable."""
    intent_id = db.session.scalar(select(Payment.intent_id).where(Payment.purchase_id == purchase_id))
    end_read()
    if intent_id is not None:
        settlement.apply(exchanges.call(purchase_id, "retrieve_intent", lambda door: door.retrieve_intent(intent_id)))


@jobs.task("shop.close_payment")
def close_payment(purchase_id: str) -> None:
    """The same as a job, after a cancellation."""
    close_for(uuid.UUID(purchase_id))


def close_for(purchase_id: uuid.UUID) -> None:
    """Cancel the intent of a purchase that is over; paid meanwhile, it is applied instead (and sent back)."""
    row = db.session.execute(
        select(Payment.intent_id, Payment.closed_at).where(Payment.purchase_id == purchase_id)
    ).one()
    end_read()
    if row.closed_at is None and row.intent_id is not None:
        stop(purchase_id, row.intent_id)


def stop(purchase_id: uuid.UUID, intent_id: str) -> str:
    """Cancel an intent at Stripe, apply what it then is, and return its status. Raises GatewayUnavailable."""
    try:
        intent = exchanges.call(purchase_id, "cancel_intent", lambda door: door.cancel_intent(intent_id, str(new_id())))
    except GatewayRefused:  # it has succeeded, was cancelled before, or is on its way
        intent = exchanges.call(purchase_id, "retrieve_intent", lambda door: door.retrieve_intent(intent_id))
    settlement.apply(intent)
    return intent.status
