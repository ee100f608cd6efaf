"""Payment of a purchase by a PaymentIntent at Stripe.

One payment row per purchase, stored before the first call; its id is Stripe's idempotency key. Whatever tells us of a
payment (webhook, reconciler, expiry) fetches the intent anew and has it applied by `settlement`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Select, select, update

from core import clock, config, jobs
from core.database import changes, db, end_read, new_id, read, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.prepared import Statement
from shop import exchanges, incidents, settlement
from shop.models import Order, OrderLine, Payment, Purchase
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
    if payment is not None:
        create(payment, changes)


def create(payment: Any, keep: exchanges.Keep) -> Intent:
    """The intent of a payment that has none, as plain values with its `purchase_id`; `keep` as in `exchanges.call`.

    Raises Problem `payment_provider_unavailable` or `payment_provider_refused`.
    """
    purchase_id = payment.purchase_id
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
                METHODS if payment.method is None else (payment.method,),
                hold=payment.method is not None,
            ),
            lambda intent: [_named(purchase_id, intent)],
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
    return made


# Open again, should the purchase have ended while Stripe was asked: somebody has to cancel the intent. The purchase is
# locked before its payment, as everywhere; the exchange that is kept beside would lock it too, but only at the end.
_NAMED = """
    UPDATE payment SET intent_id = %(intent)s, client_secret = %(secret)s, closed_at = NULL
    FROM (SELECT id FROM purchase WHERE id = %(purchase)s FOR KEY SHARE) AS bought
    WHERE payment.purchase_id = bought.id AND payment.intent_id IS NULL AND payment.amount_fen = %(amount)s
      AND payment.currency = %(currency)s
"""


def _named(purchase_id: uuid.UUID, intent: Intent) -> Statement:
    told = {"intent": intent.id, "secret": intent.client_secret}
    return _NAMED, {**told, "purchase": purchase_id, "amount": intent.amount_fen, "currency": intent.currency}


_TO_BEGIN = """
    SELECT payment.id, payment.purchase_id, payment.amount_fen, payment.currency, payment.key_no, payment.method,
           payment.intent_id, purchase.status, purchase.expires_at
    FROM payment JOIN purchase ON purchase.id = payment.purchase_id WHERE payment.purchase_id = %(purchase)s
"""


def _to_begin(purchase_id: uuid.UUID) -> Any:
    """The payment that still needs its intent, as plain values; None when it has one."""
    end_read()
    (payment,) = read(_TO_BEGIN, {"purchase": purchase_id})
    if payment.intent_id is not None:
        return None
    if payment.status != "awaiting_payment" or payment.expires_at <= clock.now():
        raise Problem(NOT_PAYABLE)
    return payment


def _note_spoiled(payment: Any, fault: GatewayUnavailable) -> None:
    """The intent behind a 5xx may exist, but nobody was told its secret, so nobody can pay it."""
    if exchanges.spoiled(fault):
        same = (Payment.id == payment.id, Payment.key_no == payment.key_no)
        with transaction() as session:
            session.execute(update(Payment).where(*same).values(key_no=payment.key_no + 1))


def begin_for(account_id: uuid.UUID, purchase_id: uuid.UUID, method: str | None = None) -> None:
    """The same, asked by the buyer. Raises Problem `not_found` for somebody else's purchase, `invalid_input` for
    another method than the purchase was placed with: what is held of the allowance rests on it."""
    own = select(Purchase.id).where(Purchase.id == purchase_id, Purchase.account_id == account_id)
    if db.session.scalar(own) is None:
        raise Problem(NOT_FOUND, "no such purchase")
    if method is not None:
        chosen = db.session.scalar(select(Payment.method).where(Payment.purchase_id == purchase_id))
        if chosen is None and db.session.scalar(_by_weight(purchase_id)) is not None:
            raise invalid("payment_method", "is chosen when the order is placed")
    begin(purchase_id)


def _by_weight(purchase_id: uuid.UUID) -> Select[Any]:
    lines = select(OrderLine.id).join(Order, Order.id == OrderLine.order_id).where(Order.purchase_id == purchase_id)
    return lines.where(OrderLine.facts["priced_by"].astext == "kg").limit(1)


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
        "capture": "automatic" if payment.method is None else "by_weight",
    }


def adopt(payment: Payment, intent: Intent) -> bool:
    """Take an unpaid intent that names the payment's purchase for its own, when its answer was lost; False: not ours.

    Its amount and currency must be those of the payment, which must have none yet.
    """
    same = (Payment.amount_fen == intent.amount_fen, Payment.currency == intent.currency)
    free = Payment.intent_id.is_(None) | (Payment.intent_id == intent.id)  # or its answer has come just now
    nameless = update(Payment).where(Payment.id == payment.id, free, *same)
    taken = nameless.values(intent_id=intent.id, client_secret=intent.client_secret).returning(Payment.id)
    with transaction() as session:
        return session.execute(taken).first() is not None


def look(purchase_id: uuid.UUID) -> str:
    """Fetch the intent of a purchase at Stripe and apply what it says; returns what was done, as `settlement` does.

    Raises GatewayUnavailable.
    """
    intent_id = db.session.scalar(select(Payment.intent_id).where(Payment.purchase_id == purchase_id))
    end_read()
    return "same" if intent_id is None else look_at(purchase_id, intent_id)


def look_at(purchase_id: uuid.UUID, intent_id: str, also: Sequence[Statement] = ()) -> str:
    """The same where the intent is known; the statements `also` are committed with what follows."""
    kept: list[Statement] = []
    found = exchanges.call(
        purchase_id, "retrieve_intent", lambda door: door.retrieve_intent(intent_id), keep=kept.extend
    )
    try:
        return settlement.apply(found, [*kept, *also])
    except Exception:
        changes(kept)  # what was said is kept, whatever became of it
        raise


@jobs.task("shop.capture_payment")
def capture_payment(purchase_id: str) -> None:
    """Take what the weighed goods cost of a held card payment, once; run again it finds it taken.

    Raises GatewayUnavailable, to be run again.
    """
    statement = select(Payment).join(Purchase, Purchase.id == Payment.purchase_id)
    statement = statement.where(Payment.purchase_id == uuid.UUID(purchase_id), Payment.closed_at.is_(None))
    statement = statement.where(Purchase.status == "awaiting_payment")  # ended meanwhile: the hold is let go
    row = db.session.scalars(statement.where(Payment.capture_fen.is_not(None))).first()
    if row is None:
        end_read()
        return
    db.session.expunge(row)
    end_read()
    asked = (row.intent_id, row.capture_fen, f"{row.id}-capture-{row.capture_no}")
    try:
        intent = exchanges.call(row.purchase_id, "capture_intent", lambda door: door.capture(*asked))
    except GatewayRefused:  # captured before, or the hold is gone
        intent = exchanges.call(row.purchase_id, "retrieve_intent", lambda door: door.retrieve_intent(row.intent_id))
        if intent.status == "requires_capture":
            with transaction() as session:
                incidents.record(session, "capture_refused", "purchase", row.purchase_id, intent=intent.id)
            return
    except GatewayUnavailable as fault:
        if exchanges.spoiled(fault):
            same = (Payment.id == row.id, Payment.capture_no == row.capture_no)
            with transaction() as session:
                session.execute(update(Payment).where(*same).values(capture_no=row.capture_no + 1))
        raise
    settlement.apply(intent)


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
    """Cancel an intent at Stripe, apply what it then is, and return its status. Raises GatewayUnavailable.

    The one call whose key is not stored: an intent is cancelled once whatever the key, since Stripe refuses a second
    time; and under a stored key a 5xx would come again for a day while the intent stays payable. The tries inside one
    call share their key.
    """
    try:
        intent = exchanges.call(purchase_id, "cancel_intent", lambda door: door.cancel_intent(intent_id, str(new_id())))
    except GatewayRefused:  # it has succeeded, was cancelled before, or is on its way
        intent = exchanges.call(purchase_id, "retrieve_intent", lambda door: door.retrieve_intent(intent_id))
    settlement.apply(intent)
    return intent.status
