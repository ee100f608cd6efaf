"""What the check has found: kept, closed by itself when it is found no more, and accepted by a person with a remark."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, null, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, clock, paging
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem
from shop.window_check.faults import Fault
from shop.window_check.kinds import KINDS
from shop.window_models import WindowCheck, WindowFinding

STATES = ("open", "accepted", "closed")
BATCH = 200


def keep(check_id: uuid.UUID, found: Iterable[Fault]) -> None:
    """Some faults of a run: new ones open, known ones seen again, closed ones open again.

    An acceptance holds as long as the figures are those that were accepted.
    """
    now = clock.now()
    rows = {(each.kind, each.subject): _row(check_id, each, now) for each in found}
    if not rows:
        return
    fresh = insert(WindowFinding).values(list(rows.values()))
    table = WindowFinding
    same = table.closed_at.is_(None) & (table.detail == fresh.excluded.detail)
    again = {
        "detail": fresh.excluded.detail,
        "last_seen": now,
        "check_id": check_id,
        "closed_at": None,
        "first_seen": case((table.closed_at.is_(None), table.first_seen), else_=now),
        "accepted_by": case((same, table.accepted_by), else_=null()),
        "remark": case((same, table.remark), else_=null()),
    }
    with transaction() as session:
        session.execute(fresh.on_conflict_do_update(index_elements=[table.kind, table.subject], set_=again))


def _row(check_id: uuid.UUID, fault: Fault, now: datetime) -> dict[str, Any]:
    seen = {"first_seen": now, "last_seen": now, "check_id": check_id}
    return {"id": new_id(), "kind": fault.kind, "subject": fault.subject, "detail": fault.detail, **seen}


def close_unseen(session: Session, check_id: uuid.UUID) -> int:
    """Close what a whole run has not found any more; returns how many."""
    gone = update(WindowFinding).where(WindowFinding.closed_at.is_(None), WindowFinding.check_id != check_id)
    closed = session.execute(gone.values(closed_at=clock.now()).returning(WindowFinding.id))
    return len(closed.all())


def accept(actor: str, finding_id: uuid.UUID, remark: str) -> dict[str, Any]:
    """Somebody has looked and says why it may stay. Raises Problem `not_found` when it is not open."""
    with transaction() as session:
        row = session.get(WindowFinding, finding_id, with_for_update=True, populate_existing=True)
        if row is None or row.closed_at is not None:
            raise Problem(NOT_FOUND, "no such finding is open")
        row.accepted_by, row.remark = actor, remark
        audit.record(session, actor, "finding_accepted", "window_finding", row.id, kind=row.kind, subject=row.subject)
        return _dump(row)


def page_of(state: str, kind: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of findings, by kind and the oldest first."""
    table = WindowFinding
    accepted = table.accepted_by.is_not(None)
    states = {
        "open": table.closed_at.is_(None) & ~accepted,
        "accepted": table.closed_at.is_(None) & accepted,
        "closed": table.closed_at.is_not(None),
    }
    query = select(table).where(states[state]).order_by(table.kind, table.id).limit(limit + 1)
    if kind is not None:
        query = query.where(table.kind == kind)
    key = paging.decode(cursor, str, str)
    if key is not None:
        query = query.where(tuple_(table.kind, table.id) > (key[0], _identity(key[1])))
    rows, following = paging.page(
        db.session.scalars(query).all(), limit, lambda row: paging.encode(row.kind, str(row.id))
    )
    return {"items": [_dump(row) for row in rows], "next": following}


def _identity(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def open_by_kind() -> dict[str, int]:
    """How many are open and not accepted, for the metrics and the page."""
    table = WindowFinding
    query = select(table.kind, func.count()).where(table.closed_at.is_(None), table.accepted_by.is_(None))
    return {kind: int(count) for kind, count in db.session.execute(query.group_by(table.kind).order_by(table.kind))}


def last_check() -> dict[str, Any] | None:
    """The newest run that has ended."""
    query = select(WindowCheck).where(WindowCheck.finished_at.is_not(None)).order_by(WindowCheck.id.desc()).limit(1)
    row = db.session.scalars(query).first()
    if row is None:
        return None
    return {
        "started_at": clock.instant_text(row.started_at),
        "finished_at": clock.instant_text(row.finished_at),
        "orders": row.orders,
        "found": row.found,
    }


def _dump(row: WindowFinding) -> dict[str, Any]:
    known = KINDS.get(row.kind)
    return {
        "id": str(row.id),
        "kind": row.kind,
        "title": known.title if known else row.kind,
        "subject": row.subject,
        "detail": row.detail,
        "action": known.action if known else "",
        "first_seen": clock.instant_text(row.first_seen),
        "last_seen": clock.instant_text(row.last_seen),
        "closed_at": clock.instant_text(row.closed_at),
        "accepted_by": row.accepted_by,
        "remark": row.remark,
    }
