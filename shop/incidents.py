"""What a person must look at: recorded once per object, never acted on by the machine."""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from shop.models import Incident

log = structlog.get_logger()


def record(session: Session, kind: str, object_type: str, object_id: uuid.UUID | str, **detail: object) -> None:
    """Record an incident in the caller's transaction; the same kind for the same object is recorded once."""
    values = {"at": clock.now(), "kind": kind, "object_type": object_type, "object_id": str(object_id)}
    session.execute(insert(Incident).values(**values, detail=detail).on_conflict_do_nothing())
    log.error("incident", incident=kind, object_type=object_type, object_id=str(object_id))
