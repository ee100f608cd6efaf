"""Entries as their merchant and the desk see them."""

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
from customs.zone_stock_models import ZoneEntry, ZoneEntryLine


def one(entry_id: uuid.UUID, owner: uuid.UUID | None) -> dict[str, Any]:
    """One entry. Raises Problem `not_found`."""
    entry = db.session.get(ZoneEntry, entry_id)
    if entry is None or owner not in (None, entry.merchant_id):
        raise Problem(NOT_FOUND, "no such entry")
    return detail(db.session(), entry)


def listing(owner: uuid.UUID | None, status: str | None, after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """Entries, newest first; a merchant's own."""
    query = select(ZoneEntry).order_by(ZoneEntry.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(ZoneEntry.merchant_id == owner)
    if status is not None:
        query = query.where(ZoneEntry.status == status)
    if after is not None:
        query = query.where(ZoneEntry.id < after)
    return [summary(db.session(), entry) for entry in db.session.scalars(query)]


def summary(session: Session, entry: ZoneEntry) -> dict[str, Any]:
    place = session.get_one(Warehouse, entry.warehouse_id)
    plain_ones = ("number", "ems_no", "office", "traf_mode", "traf_no", "bill_no", "dispatch_country", "status")
    return {
        "id": str(entry.id),
        **{name: getattr(entry, name) for name in plain_ones},
        "warehouse": {"id": str(place.id), "name": place.name},
        "merchant": {"id": str(entry.merchant_id), "name": entry.merchant_name},
        "from_exit": str(entry.from_exit_id) if entry.from_exit_id else None,
        "created_at": clock.instant_text(entry.created_at),
    }


def detail(session: Session, entry: ZoneEntry) -> dict[str, Any]:
    """An entry with its lines and the steps taken."""
    query = select(ZoneEntryLine).where(ZoneEntryLine.entry_id == entry.id).order_by(ZoneEntryLine.position)
    lines = [_line(line) for line in session.scalars(query)]
    return {**summary(session, entry), "lines": lines, "steps": moves.steps_of(session, entry.id)}


def _line(line: ZoneEntryLine) -> dict[str, Any]:
    return {
        "line": line.position,
        "listing_id": str(line.goods_id),
        "hs": line.hs,
        "origin": line.origin,
        "name": line.name,
        "unit": line.unit,
        "quantity": plain(line.quantity),
        "statutory": line.statutory,
        "value": fen_text(line.value_fen),
        "currency": line.currency,
        "batch_no": line.batch_no,
        "produced_on": line.produced_on.isoformat() if line.produced_on else None,
        "expires_on": line.expires_on.isoformat() if line.expires_on else None,
        "item_record_no": line.record_no,
        "arrived": None if line.arrived is None else plain(line.arrived),
        "lot_id": str(line.lot_id) if line.lot_id else None,
    }
