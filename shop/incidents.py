"""What a person must look at: recorded once per object, never acted on by the machine."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, clock, paging
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from shop.models import Incident

log = structlog.get_logger()

_ends: dict[str, Callable[[Session, Incident], None]] = {}


def at_end(kind: str, act: Callable[[Session, Incident], None]) -> None:
    """Have `act` called when an incident of this kind is closed, in that transaction."""
    _ends[kind] = act


def record(session: Session, kind: str, object_type: str, object_id: uuid.UUID | str, **detail: object) -> bool:
    """Record an incident in the caller's transaction; the same kind for the same object is open once, and one that was
    closed is opened again. True when it was not open before.
    """
    values = {"at": clock.now(), "kind": kind, "object_type": object_type, "object_id": str(object_id)}
    fresh = insert(Incident).values(**values, detail=detail)
    again = {"at": fresh.excluded.at, "detail": fresh.excluded.detail, "closed_at": None, "closed_by": None}
    statement = fresh.on_conflict_do_update(
        index_elements=[Incident.kind, Incident.object_id],
        set_={**again, "remedy": None},
        where=Incident.closed_at.is_not(None),
    )
    opened = session.execute(statement.returning(Incident.id)).first() is not None
    log.error("incident", incident=kind, object_type=object_type, object_id=str(object_id))
    return opened


def close(actor: str, incident_id: int, remedy: str) -> dict[str, Any]:
    """Somebody has looked and says what was done; what the incident held up goes on. Raises Problem `not_found`."""
    with transaction() as session:
        row = session.get(Incident, incident_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise Problem(NOT_FOUND, "no such incident")
        if row.closed_at is None:
            row.closed_at, row.closed_by, row.remedy = clock.now(), actor, remedy
            if row.kind in _ends:
                _ends[row.kind](session, row)
            audit.record(session, actor, "incident_closed", row.object_type, row.object_id, kind=row.kind)
        return _dump(row)


def page_of(limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of incidents, newest first."""
    statement = select(Incident).order_by(Incident.id.desc()).limit(limit + 1)
    key = paging.decode(cursor, int)
    if key is not None:
        statement = statement.where(Incident.id < key[0])
    rows, following = paging.page(db.session.scalars(statement).all(), limit, lambda row: paging.encode(row.id))
    return {"items": [_dump(row) for row in rows], "next": following}


def open_ones(limit: int) -> list[dict[str, Any]]:
    """What waits for a person, newest first."""
    statement = select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id.desc()).limit(limit)
    return [_dump(row) for row in db.session.scalars(statement)]


def _dump(row: Incident) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": clock.instant_text(row.at),
        "kind": row.kind,
        "object_type": row.object_type,
        "object_id": row.object_id,
        "detail": row.detail,
        "closed_at": clock.instant_text(row.closed_at),
        "closed_by": row.closed_by,
        "remedy": row.remedy,
    }
