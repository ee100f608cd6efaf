"""Who did what to which record: append-only rows, sealed into a hash chain.

Rows are written in the transaction of the deed; a job seals them afterwards in one order, so that the chain costs no
lock on the path of an order. A row altered or removed after sealing breaks its seal, and `verify` names it (I12).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, ForeignKey, Identity, String, Table, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base, write

_CHAIN_LOCK = 0x1A4DFA11  # transaction-scoped advisory lock: one sealer at a time
_BATCH = 1000


class AuditEntry(Base):
    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(80))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(80), index=True)
    data: Mapped[dict[str, Any]]


ENTRIES = cast(Table, AuditEntry.__table__)


class AuditSeal(Base):
    __tablename__ = "audit_seal"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"), unique=True)
    digest: Mapped[str] = mapped_column(String(64))


def record(
    session: Session, actor: str, action: str, object_type: str, object_id: uuid.UUID | str, **data: Any
) -> None:
    """Write one entry in the caller's transaction; `data` must be JSON and hold no identity numbers (I16)."""
    write(session, {ENTRIES: [row_of(actor, action, object_type, object_id, **data)]})


def row_of(actor: str, action: str, object_type: str, object_id: uuid.UUID | str, **data: Any) -> dict[str, Any]:
    """The row of an entry, for whoever writes it together with others."""
    about = {"object_type": object_type, "object_id": str(object_id)}
    return {"at": clock.now(), "actor": actor, "action": action, **about, "data": data}


def _digest(previous: str, entry: AuditEntry) -> str:
    facts = [entry.id, clock.instant_text(entry.at), entry.actor, entry.action, entry.object_type, entry.object_id]
    text_form = json.dumps([previous, *facts, entry.data], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text_form.encode()).hexdigest()


def seal(session: Session) -> int:
    """Seal what is not sealed yet, in one order; returns how many entries."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.position.desc()).limit(1)).first()
    position, digest = (last.position, last.digest) if last else (0, "")
    sealed = select(AuditSeal.entry_id).where(AuditSeal.entry_id == AuditEntry.id).exists()
    fresh = session.scalars(select(AuditEntry).where(~sealed).order_by(AuditEntry.id).limit(_BATCH)).all()
    for entry in fresh:
        position, digest = position + 1, _digest(digest, entry)
        session.add(AuditSeal(position=position, entry_id=entry.id, digest=digest))
    return len(fresh)


def verify(session: Session) -> Iterator[str]:
    """Every break of the chain, naming the position and the row; nothing when it is whole."""
    previous, expected = "", 1
    rows = select(AuditSeal, AuditEntry).outerjoin(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
    for mark, entry in session.execute(rows.order_by(AuditSeal.position)).yield_per(_BATCH):
        if mark.position != expected:
            yield f"position {expected}: missing from the chain"
        if entry is None:
            yield f"position {mark.position}: audit_entry {mark.entry_id} is gone"
        elif _digest(previous, entry) != mark.digest:
            yield f"position {mark.position}: audit_entry {mark.entry_id} was altered"
        previous, expected = mark.digest, mark.position + 1
