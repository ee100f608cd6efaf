"""The yearly allowance as its person sees it: sums, weights, and every entry, whoever's order it was.

What another account did for the same person shows its day, amount and kind, and neither order nor name: the person
learns that the allowance was drawn on, a stranger learns nothing of the other's purchases.
"""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import Any

from sqlalchemy import select

from core import clock
from core.database import db
from core.money import fen_text
from customs import allowance, weight_caps
from customs.models import AllowanceEntry

ENTRIES_MOST = 200


def statement(person_id: uuid.UUID | None, year: int, limit_fen: int, *, account_id: uuid.UUID) -> dict[str, Any]:
    """The answer of GET /me/allowance; `order` is null and `at` the beginning of the day where `own` is false.

    `weights` stand there when the person had goods under a weight cap in that year.
    """
    reserved, used = allowance.sums(person_id, year) if person_id else (0, 0)
    weights = weight_caps.sums(person_id, year) if person_id else []
    return {
        "year": year,
        "limit": fen_text(limit_fen),
        "used": fen_text(used),
        "reserved": fen_text(reserved),
        "remaining": fen_text(max(0, limit_fen - reserved - used)),
        "entries": [] if person_id is None else _entries(person_id, year, account_id),
    } | ({"weights": weights} if weights else {})


def entry_of(person_id: uuid.UUID, entry_id: int) -> AllowanceEntry | None:
    """One entry of the person, by whichever account."""
    query = select(AllowanceEntry).where(AllowanceEntry.id == entry_id, AllowanceEntry.person_id == person_id)
    return db.session.scalars(query).first()


def _entries(person_id: uuid.UUID, year: int, account_id: uuid.UUID) -> list[dict[str, Any]]:
    entry = AllowanceEntry
    query = select(entry).where(entry.person_id == person_id, entry.year == year)
    rows = db.session.scalars(query.order_by(entry.id.desc()).limit(ENTRIES_MOST))
    return [dump(row, account_id) for row in rows]


def dump(row: AllowanceEntry, account_id: uuid.UUID) -> dict[str, Any]:
    """An entry as the asking account may see it."""
    own = row.account_id == account_id
    at = row.at if own else datetime.combine(clock.beijing_day(row.at), time(), clock.BEIJING)
    return {
        "id": row.id,
        "at": clock.instant_text(at),
        "order": row.order_number if own else None,
        "own": own,
        "amount": fen_text(row.amount_fen),
        "kind": row.kind,
    }
