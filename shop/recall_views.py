"""The orders of a lot, whatever became of them, in one statement."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import text

from catalog import receiving
from core import clock
from core.database import db
from core.money import plain
from shop import cursors

# Shipped and waiting orders are known by the lot's share in them, paid-back ones by what the recall wrote down.
_ORDERS = text(
    """
    WITH served AS (
        SELECT line.order_id, sum(share.quantity) AS quantity, sum(share.weight_kg) AS weight_kg
        FROM order_allocation AS share JOIN order_line AS line ON line.id = share.line_id
        WHERE share.lot_id = :lot_id GROUP BY line.order_id
    ), settled AS (
        SELECT order_id, at, quantity, was, outcome FROM recalled_order WHERE lot_id = :lot_id
    )
    SELECT o.id, o.number, o.status, o.created_at, o.paid_at, o.waybill_no, o.merchant_id, o.merchant_name,
        coalesce(served.quantity, settled.quantity) AS quantity, served.weight_kg,
        settled.was, settled.outcome, settled.at AS settled_at
    FROM served FULL JOIN settled USING (order_id) JOIN sales_order AS o ON o.id = order_id
    WHERE (CAST(:after AS uuid) IS NULL OR o.id < :after)
    ORDER BY o.id DESC LIMIT :most
    """
)


def orders_of_lot(merchant_id: uuid.UUID | None, lot_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the orders that a lot serves or served, newest first; an operator (merchant None) sees any lot's.

    Raises Problem `not_found` for another merchant's lot.
    """
    receiving.see(merchant_id, lot_id)
    values = {"lot_id": lot_id, "after": cursors.after(cursor), "most": limit + 1}
    rows, following = cursors.page(db.session.execute(_ORDERS, values).all(), limit)
    return {"items": [_dump(row) for row in rows], "next": following}


def _dump(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "number": row.number,
        "status": row.status,
        "created_at": clock.instant_text(row.created_at),
        "paid_at": clock.instant_text(row.paid_at),
        "waybill_no": row.waybill_no,
        "merchant": {"id": str(row.merchant_id), "name": row.merchant_name},
        "quantity": plain(row.quantity),
        "weight_kg": None if row.weight_kg is None else plain(row.weight_kg),
        "was": row.was,
        "outcome": row.outcome,
        "settled_at": clock.instant_text(row.settled_at),
    }
