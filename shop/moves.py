"""The allowed moves of an order as one table, and the timeline that every move writes.

Whoever moves an order first locks its purchase, so payment, expiry, cancellation and shipping of one purchase follow
each other; the move itself is still a conditional UPDATE, so a move that is not allowed changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import run, write
from core.errors import NOT_FOUND, Problem, declare
from shop.models import Order, OrderEvent, Purchase, table

MOVE_REFUSED = declare("order_state", 409, "The order is in a state that does not allow this")

# from -> to. What is missing cannot happen; a state without a way out is final.
MOVES: dict[str, frozenset[str]] = {
    "awaiting_payment": frozenset({"paid", "payment_review", "cancelled"}),
    "payment_review": frozenset({"paid", "refunding"}),
    "paid": frozenset({"declared", "shipped", "refunding"}),
    "declared": frozenset({"held", "rejected", "released", "refunding"}),
    "held": frozenset({"rejected", "released", "refunding"}),
    "rejected": frozenset({"declared", "refunding"}),
    "released": frozenset({"shipped", "returned"}),
    "shipped": frozenset({"delivered", "returned"}),
    "delivered": frozenset({"completed", "returned"}),
    "completed": frozenset({"returned"}),
    "refunding": frozenset({"refunded"}),
    "cancelled": frozenset(),
    "refunded": frozenset(),
    "returned": frozenset(),
}


def sources(to: str) -> list[str]:
    """The states from which `to` can be reached."""
    return [status for status, targets in MOVES.items() if to in targets]


def lock_purchase(session: Session, purchase_id: uuid.UUID) -> Purchase:
    """The gate of every change to a purchase and its orders. Raises Problem `not_found`."""
    row = session.scalars(
        select(Purchase).where(Purchase.id == purchase_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such purchase")
    return row


def lock_order(session: Session, order_id: uuid.UUID) -> Order:
    """Lock the purchase of an order and read the order behind the lock. Raises Problem `not_found`."""
    purchase_id = session.scalar(select(Order.purchase_id).where(Order.id == order_id))
    if purchase_id is None:
        raise Problem(NOT_FOUND, "no such order")
    lock_purchase(session, purchase_id)
    return session.scalars(select(Order).where(Order.id == order_id).execution_options(populate_existing=True)).one()


def move(
    session: Session,
    order_ids: Sequence[uuid.UUID],
    to: str,
    actor: str,
    *,
    detail: str | None = None,
    happened_at: datetime | None = None,
    **values: object,
) -> list[uuid.UUID]:
    """Move those orders that may go to `to`; returns their ids and writes their timeline. Callers hold the lock."""
    statement = (
        update(Order)
        .where(Order.id.in_(order_ids), Order.status.in_(sources(to)))
        .values(status=to, **values)
        .returning(Order.id)
        .execution_options(synchronize_session="fetch")
    )
    moved = sorted(session.scalars(statement))
    note(session, moved, to, to, actor, detail=detail, happened_at=happened_at)
    return moved


# The waybill number is the next of the logistics enterprise's pool, as `parcels.next_waybill` gives it.
_PAY = """
    UPDATE sales_order SET status = %(to)s, paid_at = %(now)s, payer_name = %(payer)s, payment_no = number || 'P',
           waybill_no = 'LFW' || lpad(CAST(nextval('waybill_number_seq') AS text), 12, '0')
    WHERE id = %(order)s AND status = ANY(%(sources)s) RETURNING id
"""


def pay(session: Session, order: Any, to: str, payer: str | None, detail: str | None) -> list[dict[str, Any]]:
    """Move an order to `paid` or `payment_review`, as `move` does; its timeline as rows, for the caller to write."""
    values = {"order": order.id, "to": to, "sources": sources(to), "now": clock.now(), "payer": payer}
    moved = [row.id for row in run(session, _PAY, values)]
    return _events(moved, to, to, "stripe", detail)


def note(
    session: Session,
    order_ids: Sequence[uuid.UUID],
    event: str,
    status: str,
    actor: str,
    *,
    detail: str | None = None,
    happened_at: datetime | None = None,
) -> None:
    """Write the timeline of orders, in the transaction of the deed."""
    write(session, {table(OrderEvent): _events(order_ids, event, status, actor, detail, happened_at)})


def _events(
    order_ids: Sequence[uuid.UUID],
    event: str,
    status: str,
    actor: str,
    detail: str | None,
    happened_at: datetime | None = None,
) -> list[dict[str, Any]]:
    told = {"happened_at": happened_at, "event": event, "status": status, "actor": actor, "detail": detail}
    return [{"order_id": order_id, "at": clock.now(), **told} for order_id in order_ids]


def refuse(order: Order, wish: str) -> Problem:
    """The refusal of a wish that the order's state does not allow."""
    return Problem(MOVE_REFUSED, f"an order that is {order.status} cannot be {wish}", order_status=order.status)
