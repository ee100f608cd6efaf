"""Questions of customs for payment data: stored once, answered at once, uploaded by a job, dead ones taken up again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core import audit, clock, jobs
from core.database import db, end_read, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare
from customs import declarations
from customs.payment_models import PaymentDataRequest

WAITING_MAX = 20  # of one order: who asks more before the first is answered does not need it
TOO_MANY = declare("payment_data_busy", 429, "This order has been asked for too often; the answers are on their way")
NOT_DEAD = declare("payment_data_state", 409, "Only an upload that was given up is taken up again")


@dataclass(frozen=True, slots=True)
class Question:
    """`platDataOpen`: the order, the session the upload must name, and customs' clock in milliseconds."""

    order_number: str
    session_id: str
    asked_ms: int


def store(question: Question) -> bool:
    """Keep a question and enqueue its upload, in one transaction; asked again nothing is done, and the answer False.

    Raises Problem `not_found` for an order that was never declared, `payment_data_busy`.
    """
    declared = declarations.of_order(db.session(), question.order_number)
    waiting = _waiting(question.order_number)
    known = _known(question)
    end_read()
    if declared is None:
        raise Problem(NOT_FOUND, "no such declared order")
    if known:
        return False
    if waiting >= WAITING_MAX:
        raise Problem(TOO_MANY, headers={"Retry-After": "60"})
    now = clock.now()
    values = {
        "id": new_id(),
        "session_id": question.session_id,
        "order_number": question.order_number,
        "asked_ms": question.asked_ms,
        "asked_at": now,
        "state": "waiting",
        "attempts": 0,
        "next_try_at": now,
    }
    with transaction() as session:
        statement = insert(PaymentDataRequest).values(values).on_conflict_do_nothing()
        made = session.scalar(statement.returning(PaymentDataRequest.id))
        if made is None:
            return False
        audit.record(
            session,
            "customs",
            "payment_data_asked",
            "payment_data_request",
            made,
            order=question.order_number,
            asked_in=question.session_id,
        )
        jobs.defer(session, "customs.upload_payment_data", request_id=str(made))
    return True


def _waiting(order_number: str) -> int:
    row = PaymentDataRequest
    counted = select(func.count()).where(row.order_number == order_number, row.state == "waiting")
    return db.session.scalar(counted) or 0


def _known(question: Question) -> bool:
    row = PaymentDataRequest
    same = row.session_id == question.session_id, row.order_number == question.order_number
    return db.session.scalar(select(row.id).where(*same)) is not None


def upload_again(request_id: uuid.UUID, actor: str) -> None:
    """Take up an upload that was given up, made anew from what is there now.

    Raises Problem `not_found`, `payment_data_state`.
    """
    with transaction() as session:
        row = session.get(PaymentDataRequest, request_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise Problem(NOT_FOUND, "no such question for payment data")
        if row.state != "dead":
            raise Problem(NOT_DEAD)
        row.state, row.attempts, row.next_try_at, row.body, row.answer = "waiting", 0, clock.now(), None, None
        audit.record(session, actor, "payment_data_again", "payment_data_request", row.id, order=row.order_number)
        jobs.defer(session, "customs.upload_payment_data", request_id=str(row.id))


def dead_ids() -> list[uuid.UUID]:
    """All that were given up, oldest first."""
    row = PaymentDataRequest
    found = list(db.session.scalars(select(row.id).where(row.state == "dead").order_by(row.id)))
    end_read()
    return found


def listing(
    state: str | None, after: uuid.UUID | None, limit: int, order_number: str | None = None
) -> list[dict[str, Any]]:
    """Questions, newest first."""
    row = PaymentDataRequest
    query = select(row).order_by(row.id.desc()).limit(limit)
    if state is not None:
        query = query.where(row.state == state)
    if order_number is not None:
        query = query.where(row.order_number == order_number)
    if after is not None:
        query = query.where(row.id < after)
    return [_dump(found) for found in db.session.scalars(query)]


def find(request_id: uuid.UUID) -> dict[str, Any]:
    """One question. Raises Problem `not_found`."""
    row = db.session.get(PaymentDataRequest, request_id, populate_existing=True)
    if row is None:
        raise Problem(NOT_FOUND, "no such question for payment data")
    return _dump(row)


def _dump(row: PaymentDataRequest) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "order": row.order_number,
        "session": row.session_id,
        "state": row.state,
        "attempts": row.attempts,
        "answer": row.answer,
        "asked_at": clock.instant_text(row.asked_at),
        "next_try_at": clock.instant_text(row.next_try_at),
        "uploaded_at": clock.instant_text(row.uploaded_at),
    }
