"""Files of listings: taken in, watched, their errors fetched; each merchant's own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.imports import job
from catalog.imports.reader import open_source
from catalog.models import ListingImport, Merchant
from core import clock
from core.database import db, end_read, transaction
from core.errors import NOT_FOUND, Problem, declare
from core.jobs import defer

TOO_MANY = declare("imports_full", 429, "Too many files of this merchant wait to be imported")

SIZE_MOST = 512 << 20
KEEP = timedelta(days=30)
COUNTERS = ("rows", "done", "created", "updated", "unchanged", "failed", "percent")
WAITING_MOST = 5  # of one merchant


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a file: its name, whether only to look what would happen, whether to hand listings in."""

    name: str
    preview: bool = False
    submit: bool = False


def submit(
    account_id: uuid.UUID, merchant_id: uuid.UUID, import_id: uuid.UUID, stream: BinaryIO, size: int, wanted: Wanted
) -> dict[str, Any]:
    """Take a file in and enqueue its job; a second call with the same id finds it there.

    Raises Problem file_unreadable, file_columns_wrong, imports_full, storage_full.
    """
    known = _find(merchant_id, import_id)
    if known is not None:
        return _view(known)
    _room(db.session(), merchant_id)
    end_read()  # a large file takes its time
    try:
        rows = open_source(job.ROOM.keep(import_id, stream, size)).rows
        with transaction() as session:
            session.execute(select(Merchant.id).where(Merchant.id == merchant_id).with_for_update())
            _room(session, merchant_id)
            row = _new(account_id, merchant_id, import_id, size, rows, wanted)
            session.add(row)
            session.flush()
            defer(session, "catalog.import_listings", lock=job.lane(merchant_id), import_id=str(import_id))
            found = _view(row)
    except BaseException:
        if db.session.get(ListingImport, import_id) is None:  # else another call with this id put it in: its file stays
            job.ROOM.remove(import_id)
        raise
    return found


def _new(
    account_id: uuid.UUID, merchant_id: uuid.UUID, import_id: uuid.UUID, size: int, rows: int, wanted: Wanted
) -> ListingImport:
    now = clock.now()
    return ListingImport(
        id=import_id,
        merchant_id=merchant_id,
        account_id=account_id,
        name=wanted.name,
        size=size,
        preview=wanted.preview,
        submit=wanted.submit,
        status="queued",
        rows=rows,
        created_at=now,
        expires_at=now + KEEP,
    )


def _room(session: Session, merchant_id: uuid.UUID) -> None:
    own = ListingImport.merchant_id == merchant_id, ListingImport.status.in_(["queued", "running"])
    waiting = session.scalar(select(func.count()).select_from(ListingImport).where(*own)) or 0
    if waiting >= WAITING_MOST:
        detail = f"{waiting} files of this merchant are waiting already"
        raise Problem(TOO_MANY, detail, headers={"Retry-After": "60"})


def listing(merchant_id: uuid.UUID, after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """A merchant's files, newest first."""
    own = select(ListingImport).where(ListingImport.merchant_id == merchant_id)
    if after is not None:
        own = own.where(ListingImport.id < after)
    rows: Sequence[ListingImport] = db.session.scalars(own.order_by(ListingImport.id.desc()).limit(limit)).all()
    return [_view(row) for row in rows]


def one(merchant_id: uuid.UUID, import_id: uuid.UUID) -> dict[str, Any]:
    """How far an own file is. Raises Problem not_found."""
    return _view(_own(merchant_id, import_id))


def errors_of(merchant_id: uuid.UUID, import_id: uuid.UUID) -> tuple[Any, int]:
    """The error report and how many bytes of it count: what has been told so far. Raises Problem not_found."""
    row = _own(merchant_id, import_id)
    return job.ROOM.errors(import_id), row.errors_size


def _find(merchant_id: uuid.UUID, import_id: uuid.UUID) -> ListingImport | None:
    own = select(ListingImport).where(ListingImport.id == import_id, ListingImport.merchant_id == merchant_id)
    return db.session.scalars(own.execution_options(populate_existing=True)).one_or_none()


def _own(merchant_id: uuid.UUID, import_id: uuid.UUID) -> ListingImport:
    row = _find(merchant_id, import_id)
    if row is None:
        raise Problem(NOT_FOUND, f"no import {import_id}")
    return row


def _view(row: ListingImport) -> dict[str, Any]:
    """As published; rate and time left are those of the run."""
    seconds = (row.told_at - row.started_at).total_seconds() if row.told_at and row.started_at else 0
    rate = int((row.done - (row.begun_done or 0)) / seconds) if seconds > 0 else None
    left = max(row.rows - row.done, 0) // rate if row.status == "running" and rate else None
    return {
        "id": str(row.id),
        "name": row.name,
        "size": row.size,
        "status": row.status,
        "preview": row.preview,
        "submit": row.submit,
        **{name: getattr(row, name) for name in COUNTERS},
        "rate": rate,
        "seconds_left": left,
        "problem": row.problem,
        "created_at": clock.instant_text(row.created_at),
        "finished_at": clock.instant_text(row.finished_at),
    }
