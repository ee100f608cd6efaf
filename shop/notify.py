"""Telling people and merchants what became of their orders: one row in the transaction of the deed.

The row is the inbox's entry at once; mails and calls go out for it after the commit (`shop.notifications.outbox`), so
what was rolled back is never told, and the path of an order pays for one INSERT.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from core import clock
from core.database import new_id, write
from core.money import fen_text
from shop.models import Order, table
from shop.notification_models import Notice
from shop.notifications.kinds import known


def person(session: Session, account_id: uuid.UUID, kind: str, **facts: Any) -> None:
    """Tell an account. `facts` are JSON and hold what the kind's words need (`notifications/kinds.toml`)."""
    _write(session, _row("person", kind, facts, account_id=account_id))


def people(session: Session, told: Iterable[tuple[uuid.UUID, str, dict[str, Any]]]) -> None:
    """Tell several accounts in one statement, each its (account, kind, facts)."""
    rows = [_row("person", kind, facts, account_id=account_id) for account_id, kind, facts in told]
    if rows:
        _write(session, *rows)


def merchant(session: Session, merchant_id: uuid.UUID, kind: str, **facts: Any) -> None:
    """Tell a merchant; its endpoints that have chosen the kind are called."""
    _write(session, _row("merchant", kind, facts, merchant_id=merchant_id))


def buyer(session: Session, order: Order, kind: str, **facts: Any) -> None:
    """Tell the buyer of an order; its id and number are added to the facts."""
    _write(session, _to_buyer(order, kind, facts))


def both(session: Session, order: Order, kind: str, **facts: Any) -> None:
    """Tell the buyer and the merchant of an order the same, in one statement."""
    _write(session, _to_buyer(order, kind, facts), _to_seller(order, kind, facts))


def paid_rows(order: Any, *, under_review: bool) -> list[dict[str, Any]]:
    """The money is here: the rows that say so, written with others. A merchant hears of it when nobody has to look at
    the payment any more."""
    facts = {"total": fen_text(order.total_fen)}
    to_buyer = _to_buyer(order, "order_paid", facts)
    return [to_buyer] if under_review else [to_buyer, _to_seller(order, "order_paid", facts)]


def review_passed(session: Session, order: Order) -> None:
    """The payment was looked at and stands: now it is news to the merchant."""
    _write(session, _to_seller(order, "order_paid", {"total": fen_text(order.total_fen)}))


def _to_buyer(order: Order, kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    return _row("person", kind, _of_order(order, facts), account_id=order.account_id)


def _to_seller(order: Order, kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    return _row("merchant", kind, _of_order(order, facts), merchant_id=order.merchant_id)


def _of_order(order: Order, facts: dict[str, Any]) -> dict[str, Any]:
    return {"order": str(order.id), "number": order.number, **facts}


def _row(reader: str, kind: str, facts: dict[str, Any], **to: uuid.UUID) -> dict[str, Any]:
    known(reader, kind, facts)
    row = {"id": new_id(), "at": clock.now(), "account_id": None, "merchant_id": None, "kind": kind, "facts": facts}
    return {**row, **to}


def _write(session: Session, *rows: dict[str, Any]) -> None:
    write(session, {table(Notice): rows})
