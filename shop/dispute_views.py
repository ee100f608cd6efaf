"""Disputes as people see them: a buyer and a merchant those of an order, an operator all of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core import clock, paging
from core.database import db
from core.money import fen_text
from shop.models import Order
from shop.payment_models import PaymentDispute


def of_purchase(purchase_id: uuid.UUID) -> list[dict[str, Any]]:
    """The disputes over a purchase as its buyer and its merchants see them, oldest first."""
    rows = select(PaymentDispute).where(PaymentDispute.purchase_id == purchase_id).order_by(PaymentDispute.opened_at)
    return [dump(row) for row in db.session.scalars(rows)]


def dump(row: PaymentDispute) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "amount": fen_text(row.amount_fen),
        "opened_at": clock.instant_text(row.opened_at),
        "evidence_due_at": clock.instant_text(row.evidence_due_at),
        "closed_at": clock.instant_text(row.closed_at),
    }


def page_of(state: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of disputes, newest first, with the numbers of their orders."""
    statement = select(PaymentDispute).order_by(PaymentDispute.opened_at.desc(), PaymentDispute.id.desc())
    if state is not None:
        statement = statement.where(PaymentDispute.state == state)
    key = paging.decode(cursor, str)
    last = db.session.get(PaymentDispute, key[0]) if key is not None else None
    if last is not None:
        older = (PaymentDispute.opened_at < last.opened_at) | (
            (PaymentDispute.opened_at == last.opened_at) & (PaymentDispute.id < last.id)
        )
        statement = statement.where(older)
    rows = db.session.scalars(statement.limit(limit + 1)).all()
    shown, following = paging.page(rows, limit, lambda row: paging.encode(row.id))
    numbers = _numbers([row.purchase_id for row in shown])
    return {"items": [_whole(row, numbers.get(row.purchase_id, [])) for row in shown], "next": following}


def _numbers(purchase_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    rows = select(Order.purchase_id, Order.number).where(Order.purchase_id.in_(purchase_ids)).order_by(Order.id)
    found: dict[uuid.UUID, list[str]] = {}
    for purchase_id, number in db.session.execute(rows):
        found.setdefault(purchase_id, []).append(number)
    return found


def _whole(row: PaymentDispute, numbers: list[str]) -> dict[str, Any]:
    more = {"purchase": str(row.purchase_id), "orders": numbers, "status": row.status}
    return {**dump(row), **more, "withdrawn": fen_text(row.booked_fen)}
