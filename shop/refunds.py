"""Refunds: one promise is one row is one payment back.

The reserve is taken by conditional UPDATEs on the order and its purchase, so promises never exceed what was captured.
The row's id is the idempotency key at Stripe and is stored before the first call, so a job that runs twice pays once.

A buyer gets money back once, by a refund or by the bank: the same UPDATE counts what disputes hold or took. While a
dispute is open, what does not fit beside it waits for its end; what the bank took for good, or the dashboard of Stripe
paid, is set against the promise (`refund_cover`), and only the rest is paid.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from core import clock, jobs
from core.database import db, end_read, new_id, transaction
from core.errors import Problem, declare
from shop import coupon_uses, exchanges, ledger, moves, refund_cover, refund_outcomes
from shop.models import Order, Payment, Purchase, Refund
from shop.payment_models import PaymentDispute
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable

log = structlog.get_logger()

TOO_MUCH = declare("refund_exceeds_payment", 409, "More would be refunded than was paid")

# Stripe forgets idempotency keys after a day; beyond that a blind repetition could pay twice.
REPEAT_FOR = timedelta(hours=20)
OVERDUE_AFTER = timedelta(seconds=60)
DISPUTED = "charge_disputed"  # Stripe's word: nothing of a disputed charge is refunded


def cash_of(parts: dict[str, int]) -> int:
    """What of an order's parts the buyer paid: a `discount` was the platform's."""
    return sum(parts.values()) - 2 * parts.get("discount", 0)


def promise(session: Session, order: Order, parts: dict[str, int], reason: str) -> uuid.UUID:
    """Promise the `parts` (goods, freight, tax in fen) of an order back. Raises Problem `refund_exceeds_payment`.

    A `discount` among them lowers the cash and goes back to its coupon.
    """
    amount = cash_of(parts)
    reserve = (
        update(Order)
        .where(Order.id == order.id, Order.refunded_fen + amount <= Order.total_fen)
        .values(refunded_fen=Order.refunded_fen + amount)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(reserve).first() is None:
        raise Problem(TOO_MUCH)
    return promise_beside(session, order, parts, reason)


def promise_beside(session: Session, order: Order, parts: dict[str, int], reason: str) -> uuid.UUID:
    """The same for what the order's total does not hold: charged at a nominal weight and not owed by the real one."""
    amount = cash_of(parts)
    coupon_uses.restore(session, order.purchase_id, parts.get("discount", 0))
    # Of what a bank took for good it is asked first whether this was among it.
    untouched = (Purchase.charged_back_fen == 0,) if amount else ()
    if _reserve(session, order.purchase_id, amount, *untouched):
        return _write(session, order.purchase_id, order, parts, reason)
    purchase = moves.lock_purchase(session, order.purchase_id)
    if purchase.disputed_fen:
        moves.note(session, [order.id], "refund_waits", order.status, "shop", detail="a dispute is open")
        return _insert(session, purchase.id, order.id, parts, reason, "waiting")
    return _promise_rest(session, purchase, order, parts, reason)


def promise_deposit(session: Session, purchase: Purchase, reason: str) -> uuid.UUID:
    """Promise back money that came for orders no longer alive."""
    if not _reserve(session, purchase.id, purchase.total_fen):
        raise Problem(TOO_MUCH)
    return _write(session, purchase.id, None, {"deposit": purchase.total_fen}, reason)


def take_up(session: Session, purchase: Purchase, row: Refund) -> None:
    """A refund that waited for the end of a dispute: promised now, or covered by what the bank took for good.

    The caller holds the lock on the purchase.
    """
    order = session.get_one(Order, row.order_id)
    if not purchase.charged_back_fen and _reserve(session, purchase.id, row.amount_fen):
        _go_on(session, order, row)
        return
    if purchase.disputed_fen:
        return
    _promise_rest(session, purchase, order, row.parts, row.reason, row)


def _go_on(session: Session, order: Order, row: Refund) -> uuid.UUID:
    """A refund that waited is promised; the life of its key begins now."""
    row.status, row.created_at = "promised", clock.now()
    _post(session, row.purchase_id, order, row.id, row.parts)
    return row.id


def _reserve(session: Session, purchase_id: uuid.UUID, amount: int, *more: ColumnElement[bool]) -> bool:
    taken = Purchase.refunded_fen + Purchase.disputed_fen + Purchase.charged_back_fen
    reserve = (
        update(Purchase)
        .where(Purchase.id == purchase_id, taken + amount <= Purchase.captured_fen, *more)
        .values(refunded_fen=Purchase.refunded_fen + amount)
        .returning(Purchase.id)
        .execution_options(synchronize_session=False)
    )
    return session.execute(reserve).first() is not None


def _promise_rest(
    session: Session,
    purchase: Purchase,
    order: Order,
    parts: dict[str, int],
    reason: str,
    waited: Refund | None = None,
) -> uuid.UUID:
    """Set against a promise what came back to the buyer by another way, and promise the rest.

    The row that `waited` becomes the covered part, since a return may name it.
    """
    amount = cash_of(parts)
    left = refund_cover.left_of(purchase)
    back = sum(row.amount_fen for row in refund_cover.borne(session, purchase.id)) if purchase.charged_back_fen else 0
    met = max(amount - left, min(amount, back))  # what the bank took comes first: money goes back once
    if met <= 0:
        _reserve(session, purchase.id, amount)
        if waited is None:
            return _write(session, purchase.id, order, parts, reason)
        return _go_on(session, order, waited)
    covered, rest = refund_cover.split(parts, met)
    if amount - left > purchase.elsewhere_fen + purchase.charged_back_fen:
        raise Problem(TOO_MUCH)
    if waited is None:
        first = _insert(session, purchase.id, order.id, covered, reason, "covered")
    else:
        waited.parts, waited.amount_fen, waited.status, first = covered, cash_of(covered), "covered", waited.id
        session.flush()
    refund_cover.post(session, purchase, order, first, covered, cash_of(covered))
    money = cash_of(rest)
    if money and _reserve(session, purchase.id, money):
        return _write(session, purchase.id, order, rest, reason)
    refund_outcomes.finish_order(session, order.id)
    return first


def _write(
    session: Session, purchase_id: uuid.UUID, order: Order | None, parts: dict[str, int], reason: str
) -> uuid.UUID:
    """The row, its posting and its job; the amount is reserved."""
    status = "promised" if cash_of(parts) else "covered"  # by a coupon
    refund_id = _insert(session, purchase_id, None if order is None else order.id, parts, reason, status)
    _post(session, purchase_id, order, refund_id, parts)
    if order is not None and status == "covered":
        refund_outcomes.finish_order(session, order.id)
    return refund_id


def _insert(
    session: Session,
    purchase_id: uuid.UUID,
    order_id: uuid.UUID | None,
    parts: dict[str, int],
    reason: str,
    status: str,
) -> uuid.UUID:
    row = {"id": new_id(), "purchase_id": purchase_id, "order_id": order_id, "parts": parts, "reason": reason}
    session.execute(insert(Refund).values(**row, amount_fen=cash_of(parts), status=status, created_at=clock.now()))
    return row["id"]  # type: ignore[return-value]


def _post(
    session: Session, purchase_id: uuid.UUID, order: Order | None, refund_id: uuid.UUID, parts: dict[str, int]
) -> None:
    amount = cash_of(parts)
    owed = [ledger.Entry(ledger.DEPOSIT, amount)] if order is None else refund_cover.no_longer_owed(order, parts)
    entries = [*owed, ledger.Entry(ledger.REFUND, -amount)]
    currency = session.scalars(select(Purchase.currency).where(Purchase.id == purchase_id)).one()
    ledger.post(session, "refund_promised", str(refund_id), purchase_id, currency, entries)
    if amount:
        jobs.defer(session, "shop.pay_refund", refund_id=str(refund_id))


@jobs.task("shop.pay_refund")
def pay_refund(refund_id: str) -> None:
    """Pay a promised refund; run again it finds what the first run did. Raises GatewayUnavailable, to be run again."""
    row = _promised(uuid.UUID(refund_id))
    if row is None:
        return
    if row.stripe_id is not None:
        stripe_id = row.stripe_id
        answer = exchanges.call(row.purchase_id, "retrieve_refund", lambda door: door.retrieve_refund(stripe_id))
        refund_outcomes.settle(row.id, answer)
        return
    found = _find_earlier(row) if row.key_no else None
    if found is not None:
        refund_outcomes.settle(row.id, found)
        return
    key, noted = exchanges.key_of(row.id, row.key_no), {"refund": refund_id}
    try:
        answer = exchanges.call(
            row.purchase_id, "refund", lambda door: door.refund(row.intent_id, row.amount_fen, key, noted)
        )
    except GatewayRefused as refusal:
        if refusal.code == DISPUTED:  # paid when the bank has decided for us, covered when against
            return
        refund_outcomes.failed(row.id, {"stripe": refusal.code, "amount_fen": row.amount_fen})
    except GatewayUnavailable as fault:
        _note_spoiled(row, fault)
        raise
    else:
        refund_outcomes.settle(row.id, answer)


def _promised(refund_id: uuid.UUID) -> Any | None:
    """What paying a refund needs, or None when it is paid or failed already."""
    columns = (Refund.id, Refund.purchase_id, Refund.amount_fen, Refund.key_no, Refund.stripe_id, Payment.intent_id)
    statement = select(*columns).join(Payment, Payment.purchase_id == Refund.purchase_id)
    row = db.session.execute(statement.where(Refund.id == refund_id, Refund.status == "promised")).first()
    end_read()
    return row


def _find_earlier(row: Any) -> Any | None:
    """A 5xx may hide a refund that was made: look for it before asking under another key."""
    made = exchanges.ask(lambda door: list(door.list_refunds(row.intent_id)))
    return next((refund for refund in made if refund.metadata.get("refund") == str(row.id)), None)


def _note_spoiled(row: Any, fault: GatewayUnavailable) -> None:
    if exchanges.spoiled(fault):
        same = (Refund.id == row.id, Refund.key_no == row.key_no)
        with transaction() as session:
            session.execute(update(Refund).where(*same).values(key_no=row.key_no + 1))


@jobs.task("shop.chase_refunds", schedule="* * * * * */30")
def chase_refunds() -> None:
    """Refunds whose job died or that Stripe had pending: try again while the key lives, then call a person."""
    now = clock.now()
    disputed = select(PaymentDispute.purchase_id).where(PaymentDispute.state == "open")
    overdue = db.session.scalars(
        select(Refund)
        .where(Refund.status == "promised", Refund.created_at < now - OVERDUE_AFTER)
        .where(Refund.purchase_id.not_in(disputed))
        .order_by(Refund.stripe_id.is_not(None), Refund.created_at)
        .limit(100)
    ).all()
    found = [(refund.id, refund.created_at, refund.stripe_id) for refund in overdue]
    end_read()
    for refund_id, created_at, stripe_id in found:
        if stripe_id is None and created_at < now - REPEAT_FOR:
            refund_outcomes.failed(refund_id, {"stripe": "no answer within the life of the key"})
        else:
            _try(refund_id)


def _try(refund_id: uuid.UUID) -> None:
    """One refund that cannot be paid must not keep the others waiting."""
    try:
        pay_refund(str(refund_id))
    except Exception:
        log.exception("refund_waits", refund=str(refund_id))
