"""What a person must look at: recorded once per object, never acted on by the machine."""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, paging
from core.database import db
from shop.models import Incident

log = structlog.get_logger()


def record(session: Session, kind: str, object_type: str, object_id: uuid.UUID | str, **detail: object) -> None:
    """Record an incident in the caller's transaction; the same kind for the same object is recorded once."""
    values = {"at": clock.now(), "kind": kind, "object_type": object_type, "object_id": str(object_id)}
    session.execute(insert(Incident).values(**values, detail=detail).on_conflict_do_nothing())
    log.error("incident", incident=kind, object_type=object_type, object_id=str(object_id))


def page_of(limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of incidents, newest first."""
    statement = select(Incident).order_by(Incident.id.desc()).limit(limit + 1)
    key = paging.decode(cursor, int)
    if key is not None:
        statement = statement.where(Incident.id < key[0])
    rows, following = paging.page(db.session.scalars(statement).all(), limit, lambda row: paging.encode(row.id))
    return {"items": [_dump(row) for row in rows], "next": following}


def _dump(row: Incident) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": clock.instant_text(row.at),
        "kind": row.kind,
        "object_type": row.object_type,
        "object_id": row.object_id,
        "detail": row.detail,
    }
