"""Exits as their merchant and the desk see them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text, plain
from customs.models import Warehouse
from customs.zone_stock import moves
from customs.zone_stock_models import BookItem, ZoneEntry, ZoneExit


def one(exit_id: uuid.UUID, owner: uuid.UUID | None) -> dict[str, Any]:
    """One exit. Raises Problem `not_found`."""
    row = db.session.get(ZoneExit, exit_id)
    if row is None or owner not in (None, row.merchant_id):
        raise Problem(NOT_FOUND, "no such exit")
    return detail(db.session(), row)


def listing(owner: uuid.UUID | None, status: str | None, after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """Exits, newest first; a merchant's own."""
    query = select(ZoneExit).order_by(ZoneExit.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(ZoneExit.merchant_id == owner)
    if status is not None:
        query = query.where(ZoneExit.status == status)
    if after is not None:
        query = query.where(ZoneExit.id < after)
    return [summary(db.session(), row) for row in db.session.scalars(query)]


def summary(session: Session, row: ZoneExit) -> dict[str, Any]:
    item = session.get_one(BookItem, row.item_id)
    place = session.get_one(Warehouse, item.warehouse_id)
    value = row.details.get("value")
    return {
        "id": str(row.id),
        "number": row.number,
        "kind": row.kind,
        "status": row.status,
        "merchant": {"id": str(row.merchant_id), "name": row.merchant_name},
        "warehouse": {"id": str(place.id), "name": place.name},
        "to_warehouse": _named(session, row.to_warehouse_id),
        "lot_id": str(row.lot_id),
        "item_record_no": item.record_no,
        "hs": item.hs,
        "origin": item.origin,
        "name": item.name,
        "quantity": plain(row.quantity),
        "unit": item.unit,
        "value": None if value is None else fen_text(value),
        "reason": row.reason,
        "paper_no": row.paper_no,
        "paper_day": row.paper_day.isoformat() if row.paper_day else None,
        "returned": row.return_id is not None,
        "created_at": clock.instant_text(row.created_at),
    }


def _named(session: Session, warehouse_id: uuid.UUID | None) -> dict[str, str] | None:
    place = None if warehouse_id is None else session.get(Warehouse, warehouse_id)
    return None if place is None else {"id": str(place.id), "name": place.name}


def detail(session: Session, row: ZoneExit) -> dict[str, Any]:
    """An exit with its steps, its duty and the entry at the other zone."""
    entry = session.scalar(select(ZoneEntry.id).where(ZoneEntry.from_exit_id == row.id))
    return {
        **summary(session, row),
        "documents": row.details.get("documents", {}),
        "taxes": row.taxes,
        "declaration": str(row.declaration_id) if row.declaration_id else None,
        "entry": str(entry) if entry else None,
        "steps": moves.steps_of(session, row.id),
    }
