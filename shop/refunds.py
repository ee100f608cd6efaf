"""Refunds: one promise is one row is one payment back.

The reserve is taken by conditional UPDATEs on the order and its purchase, so promises never exceed what was captured.
The row's id is the idempotency key at Stripe and is stored before the first call, so a job that runs twice pays once.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from core import clock, jobs
from core.database import db, end_read, new_id, transaction
from core.errors import Problem, declare
from shop import exchanges, incidents, ledger, moves
from shop.models import Order, Payment, Purchase, Refund
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable

log = structlog.get_logger()

TOO_MUCH = declare("refund_exceeds_payment", 409, "More would be refunded than was paid")

# Stripe forgets idempotency keys after a day; beyond that a blind repetition could pay twice.
REPEAT_FOR = timedelta(hours=20)
OVERDUE_AFTER = timedelta(seconds=60)


def promise(session: Session, order: Order, parts: dict[str, int], reason: str) -> uuid.UUID:
    """Promise the `parts` (goods, freight, tax in fen) of an order back. Raises Problem `refund_exceeds_payment`."""
    amount = sum(parts.values())
    reserve = (
        update(Order)
        .where(Order.id == order.id, Order.refunded_fen + amount <= Order.total_fen)
        .values(refunded_fen=Order.refunded_fen + amount)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(reserve).first() is None:
        raise Problem(TOO_MUCH)
    owed = [
        ledger.Entry(side.account, -side.amount_fen, side.party, side.order_id) for side in ledger.owed(order, parts)
    ]
    return _promise(session, order.purchase_id, order.id, amount, parts, owed, reason)


def promise_deposit(session: Session, purchase: Purchase, reason: str) -> uuid.UUID:
    """Promise back money that came for orders no longer alive."""
    amount = purchase.total_fen
    owed = [ledger.Entry(ledger.DEPOSIT, amount)]
    return _promise(session, purchase.id, None, amount, {"deposit": amount}, owed, reason)


def _promise(
    session: Session,
    purchase_id: uuid.UUID,
    order_id: uuid.UUID | None,
    amount: int,
    parts: dict[str, int],
    owed: list[ledger.Entry],
    reason: str,
) -> uuid.UUID:
    reserve = (
        update(Purchase)
        .where(Purchase.id == purchase_id, Purchase.refunded_fen + amount <= Purchase.captured_fen)
        .values(refunded_fen=Purchase.refunded_fen + amount)
        .returning(Purchase.currency)
        .execution_options(synchronize_session=False)
    )
    currency = session.scalar(reserve)
    if currency is None:
        raise Problem(TOO_MUCH)
    refund_id = new_id()
    row = {"id": refund_id, "purchase_id": purchase_id, "order_id": order_id, "amount_fen": amount, "parts": parts}
    session.execute(insert(Refund).values(**row, reason=reason, status="promised", created_at=clock.now()))
    entries = [*owed, ledger.Entry(ledger.REFUND, -amount)]
    ledger.post(session, "refund_promised", str(refund_id), purchase_id, currency, entries)
    jobs.defer(session, "shop.pay_refund", refund_id=str(refund_id))
    return refund_id


@jobs.task("shop.pay_refund")
def pay_refund(refund_id: str) -> None:
    """Pay a promised refund; run again it finds what the first run did. Raises GatewayUnavailable, to be run again."""
    row = _promised(uuid.UUID(refund_id))
    if row is None:
        return
    if row.stripe_id is not None:
        stripe_id = row.stripe_id
        answer = exchanges.call(row.purchase_id, "retrieve_refund", lambda door: door.retrieve_refund(stripe_id))
        settle(row.id, answer)
        return
    found = _find_earlier(row) if row.key_no else None
    if found is not None:
        settle(row.id, found)
        return
    key, noted = exchanges.key_of(row.id, row.key_no), {"refund": refund_id}
    try:
        answer = exchanges.call(
            row.purchase_id, "refund", lambda door: door.refund(row.intent_id, row.amount_fen, key, noted)
        )
    except GatewayRefused as refusal:
        _failed(row.id, {"stripe": refusal.code, "amount_fen": row.amount_fen})
    except GatewayUnavailable as fault:
        _note_spoiled(row, fault)
        raise
    else:
        settle(row.id, answer)


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


def settle(refund_id: uuid.UUID, answer: Any) -> None:
    """Write what Stripe says of a refund: paid once, or failed; of a pending one keep the id for the next look."""
    if answer.status == "succeeded":
        _paid(refund_id, answer.id)
    elif answer.status in ("failed", "canceled"):
        _failed(refund_id, {"stripe": answer.status, "reason": answer.failure_reason})
    else:
        with transaction() as session:
            session.execute(update(Refund).where(Refund.id == refund_id).values(stripe_id=answer.id))


def _paid(refund_id: uuid.UUID, stripe_id: str) -> None:
    with transaction() as session:
        refund = session.get_one(Refund, refund_id)
        purchase = moves.lock_purchase(session, refund.purchase_id)
        done = (
            update(Refund)
            .where(Refund.id == refund_id, Refund.status == "promised")
            .values(status="paid", stripe_id=stripe_id, paid_at=clock.now())
            .returning(Refund.id)
        )
        if session.execute(done).first() is None:
            return
        sides = [ledger.Entry(ledger.REFUND, refund.amount_fen), ledger.Entry(ledger.CASH, -refund.amount_fen)]
        ledger.post(session, "refund_paid", str(refund_id), purchase.id, purchase.currency, sides)
        if refund.order_id is not None:
            _finish_order(session, refund.order_id)


def _finish_order(session: Session, order_id: uuid.UUID) -> None:
    """An order being refunded is refunded when nothing promised is left to pay and its whole total went back."""
    open_ones = select(func.count()).where(Refund.order_id == order_id, Refund.status != "paid")
    order = session.get_one(Order, order_id, populate_existing=True)
    if order.refunded_fen == order.total_fen and session.scalar(open_ones) == 0:
        moves.move(session, [order_id], "refunded", "shop")


def _failed(refund_id: uuid.UUID, detail: dict[str, Any]) -> None:
    """The money stays owed in `refund_payable`; a person must find another way to pay it."""
    with transaction() as session:
        statement = update(Refund).where(Refund.id == refund_id, Refund.status == "promised").values(status="failed")
        session.execute(statement)
        incidents.record(session, "refund_failed", "refund", refund_id, **detail)


@jobs.task("shop.chase_refunds", schedule="* * * * * */30")
def chase_refunds() -> None:
    """Refunds whose job died or that Stripe had pending: try again while the key lives, then call a person."""
    now = clock.now()
    overdue = db.session.scalars(
        select(Refund).where(Refund.status == "promised", Refund.created_at < now - OVERDUE_AFTER).limit(100)
    ).all()
    found = [(refund.id, refund.created_at, refund.stripe_id) for refund in overdue]
    end_read()
    for refund_id, created_at, stripe_id in found:
        if stripe_id is None and created_at < now - REPEAT_FOR:
            _failed(refund_id, {"stripe": "no answer within the life of the key"})
        else:
            _try(refund_id)


def _try(refund_id: uuid.UUID) -> None:
    """One refund that cannot be paid must not keep the others waiting."""
    try:
        pay_refund(str(refund_id))
    except Exception:
        log.exception("refund_waits", refund=str(refund_id))
