"""The job that brings a file into the catalogue, a chunk of rows in one transaction, and goes on where it was killed.

Position, counters and the length of the error report change in the transaction of the chunk, so a chunk has happened
with all of them or not at all. Of two runs of one file (a worker that was believed dead) one ends at the first chunk
that the other has written.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from catalog import merchants
from catalog.imports import store
from catalog.imports.drafts import Judge
from catalog.imports.entries import Entry, EntryReader
from catalog.imports.reader import open_source
from catalog.imports.report import Report
from catalog.models import ListingImport, Merchant
from core import clock
from core.database import db, transaction
from core.errors import Problem
from core.file_room import FileRoom
from core.jobs import task
from customs.assessments.files.problems import unreadable

log = structlog.get_logger()

ROOM = FileRoom("imports", "listings", 2)  # a file and its error report; the file goes when it is done with

CHUNK = 1000
ATTEMPTS, RUNS_MOST = 6, 20  # a file that kills the worker must not kill it for ever
LANES = 2  # so many files at once, so that other jobs keep their place in the worker; of one merchant, one
_TRIES = 5
GAVE_UP = {"code": "internal_error", "detail": "the file could not be imported; it has been recorded"}


def lane(merchant_id: uuid.UUID) -> str:
    """The queue a merchant's files stand in, one after the other."""
    return f"catalog.import_listings.{merchant_id.int % LANES}"


class _Gone(Exception):
    """The import was removed, or another run goes on with it."""


@dataclass(slots=True)
class _Run:
    """How far a run is: records and bytes of the report that are told to the database."""

    order: store.Order
    position: int
    errors_size: int


@task("catalog.import_listings", attempts=ATTEMPTS)
def run(import_id: str) -> None:
    """Bring one file in; run again, it goes on behind the last chunk that was written."""
    key = uuid.UUID(import_id)
    begun = _start(key)
    if begun is None:
        return
    started = time.monotonic()
    try:
        _bring_in(key, begun)
    except Problem as problem:
        _finish(key, "failed", problem={"code": problem.code, "detail": problem.detail, "errors": problem.errors})
        return
    except _Gone:
        return
    except Exception:
        if _runs(key) >= ATTEMPTS:
            _finish(key, "failed", problem=GAVE_UP)
        raise
    log.info("listings_imported", file=import_id, seconds=round(time.monotonic() - started, 1))
    _finish(key, "done", percent=100, rows=ListingImport.done)


def _start(key: uuid.UUID) -> _Run | None:
    """The state of an import that is to go on; None when it is gone, finished, or was begun too often."""
    now = clock.now()
    begun = update(ListingImport).where(ListingImport.id == key, ListingImport.status.in_(["queued", "running"]))
    facts = {"status": "running", "runs": ListingImport.runs + 1, "started_at": now, "told_at": now}
    with transaction() as session:
        row = session.scalars(
            begun.values(begun_done=ListingImport.done, **facts).returning(ListingImport),
            execution_options={"populate_existing": True},
        ).first()
        if row is None:
            return None
        order = store.Order(key, row.merchant_id, str(row.account_id), row.preview, row.submit)
        found, runs = _Run(order, row.position, row.errors_size), row.runs
    if runs > RUNS_MOST:
        _finish(key, "failed", problem=GAVE_UP)
        return None
    return found


def _runs(key: uuid.UUID) -> int:
    db.session.rollback()
    return db.session.scalar(select(ListingImport.runs).where(ListingImport.id == key)) or 0


def _bring_in(key: uuid.UUID, begun: _Run) -> None:
    try:
        source = open_source(ROOM.given(key))
    except FileNotFoundError:  # of a run that ended meanwhile `_finish` finds nothing to end
        raise unreadable("the file is not there any more: send it again") from None
    entries = EntryReader(source.layout)
    judge = Judge(source.layout, begun.order.merchant_id, begun.order.submit)
    report = Report(ROOM.errors(key), begun.errors_size)
    done = begun.position
    for block in source.blocks(CHUNK):  # their ends do not depend on where a run begins
        rows, last = entries.entries(block), block.first + len(block.records) - 1
        if last > done:
            _write(begun, judge, report, rows, last, block.percent)


def _write(begun: _Run, judge: Judge, report: Report, entries: list[Entry], position: int, percent: int) -> None:
    """One chunk. What somebody else wrote meanwhile (a listing of the same sku) is there when it is tried again."""
    for left in reversed(range(_TRIES)):
        try:
            with transaction() as session:
                size = _write_once(session, begun, judge, report, entries, position, percent)
        except (DBAPIError, psycopg.Error) as fault:  # COPY speaks to the driver itself
            if not left or not _again(fault):
                raise
            continue
        report.keep(size)
        begun.position = position
        db.session.expunge_all()  # a chunk must not keep the one before it in memory
        return


def _again(fault: DBAPIError | psycopg.Error) -> bool:
    """Whether the fault is one of two that met: a sku taken this moment, a deadlock, a serialisation failure."""
    state = getattr(fault.orig if isinstance(fault, DBAPIError) else fault, "sqlstate", None)
    return state in ("23505", "40P01", "40001")


def _write_once(
    session: Session, begun: _Run, judge: Judge, report: Report, entries: list[Entry], position: int, percent: int
) -> int:
    order = begun.order
    _hold(session, order.merchant_id)
    there = ListingImport.id == order.import_id, ListingImport.position == begun.position
    mine = select(ListingImport.id).where(*there, ListingImport.status == "running").with_for_update()
    if session.scalar(mine) is None:  # before the report, which the run that goes on writes too
        raise _Gone
    outcome = store.write(session, order, judge, entries)
    size = report.write(outcome.failed)
    counted = {
        "done": ListingImport.done + outcome.done,
        "created": ListingImport.created + outcome.created,
        "updated": ListingImport.updated + outcome.updated,
        "unchanged": ListingImport.unchanged + outcome.unchanged,
        "failed": ListingImport.failed + len(outcome.failed),
    }
    told = {"position": position, "errors_size": size, "percent": min(percent, 99), "told_at": clock.now()}
    statement = update(ListingImport).where(*there).values(**counted, **told)
    session.execute(statement.execution_options(synchronize_session=False))
    return size


def _hold(session: Session, merchant_id: uuid.UUID) -> None:
    """One chunk of a merchant at a time, and only while it is admitted. Raises Problem `merchant_not_approved`."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:merchant_id, 7))")
    session.execute(lock, {"merchant_id": str(merchant_id)})
    merchants.hold_still(session, [merchant_id])
    status = session.scalar(select(Merchant.status).where(Merchant.id == merchant_id))
    if status != "approved":
        raise Problem(merchants.MERCHANT_CLOSED, f"the merchant is {status}")


def _finish(key: uuid.UUID, status: str, **facts: Any) -> None:
    now = clock.now()
    with transaction() as session:
        ended = update(ListingImport).where(ListingImport.id == key, ListingImport.status == "running")
        session.execute(ended.values(status=status, finished_at=now, told_at=now, **facts))
    ROOM.drop_given(key)


@task("catalog.forget_imports", schedule="37 * * * *")
def forget() -> None:
    """Remove what has been kept long enough, and what a killed upload has left."""
    now = clock.now()
    with transaction() as session:
        gone = [row.id for row in session.scalars(select(ListingImport).where(ListingImport.expires_at < now))]
        for key in gone:
            session.delete(session.get_one(ListingImport, key))
    for key in gone:
        ROOM.remove(key)
    for key in ROOM.old_folders(now):
        if db.session.get(ListingImport, key) is None:
            ROOM.remove(key)
