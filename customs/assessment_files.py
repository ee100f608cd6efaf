"""Files of lines, assessed by a job: taken in, computed with progress, kept for a week, then removed.

A job that was killed starts the file anew and writes the same bytes. Files are computed one after the other, so that
the other jobs keep their place in the worker.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import clock
from core.accounts import User
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem, declare
from core.file_room import FileRoom
from core.jobs import defer, task
from customs import edition
from customs.assessments.files import CSV, PARQUET, Options, Progress, assess_file, open_source
from customs.assessments.files.parquet_writer import as_csv, check_extra
from customs.models import AssessmentFile

log = structlog.get_logger()

TOO_MANY = declare("files_full", 429, "This account keeps as many files as it may")
NOT_READY = declare("result_not_ready", 409, "The file is not assessed yet")
FAILED = declare("file_failed", 409, "The file could not be assessed")

ROOM = FileRoom("assessments", "lines", 3)  # a file, its result and its error report take about three times the file
SIZE_MOST = 1 << 30
KEEP = timedelta(days=7)
FILES_MOST, BYTES_MOST = 20, 4 << 30  # of one account
ATTEMPTS, RUNS_MOST = 3, 6  # a file that kills the worker must not kill it for ever
_TELL_SECONDS = 1.0
_GAVE_UP = {"code": "internal_error", "detail": "the file could not be assessed; it has been recorded"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a file; `form` None: Parquet where it can be made, else CSV."""

    name: str
    route: str
    mode: str | None
    rates: dict[str, Decimal]
    form: str | None


def submit(account_id: uuid.UUID, file_id: uuid.UUID, stream: BinaryIO, size: int, wanted: Wanted) -> dict[str, Any]:
    """Take a file in and enqueue its job; a second call with the same id finds it there.

    Raises Problem file_unreadable, file_columns_wrong, archive_extra_missing, invalid_input, files_full, storage_full.
    """
    known = _find(account_id, file_id)
    if known is not None:
        return _view(known)
    Options(wanted.route, wanted.rates, wanted.mode)
    form = wanted.form or _best_form()
    if form == PARQUET:
        check_extra()
    _room(db.session(), account_id, size)
    try:
        rows = open_source(ROOM.keep(file_id, stream, size)).rows
        with transaction() as session:
            session.execute(select(User.id).where(User.id == account_id).with_for_update())
            _room(session, account_id, size)
            row = _new(account_id, file_id, size, rows, wanted, form)
            session.add(row)
            session.flush()
            defer(session, "customs.assess_file", lock="customs.assess_file", file_id=str(file_id))
            found = _view(row)
    except BaseException:
        ROOM.remove(file_id)
        raise
    return found


def _new(account_id: uuid.UUID, file_id: uuid.UUID, size: int, rows: int, wanted: Wanted, form: str) -> AssessmentFile:
    rates = {currency: str(rate) for currency, rate in wanted.rates.items()}
    options = {"route": wanted.route, "mode": wanted.mode, "rates": rates, "format": form}
    now = clock.now()
    return AssessmentFile(id=file_id, account_id=account_id, name=wanted.name, size=size, options=options,
                          status="queued", rows=rows, created_at=now, expires_at=now + KEEP)  # fmt: skip


def _best_form() -> str:
    try:
        check_extra()
    except Problem:
        return CSV
    return PARQUET


def _room(session: Session, account_id: uuid.UUID, size: int) -> None:
    counted = select(func.count(), func.coalesce(func.sum(AssessmentFile.size), 0))
    count, kept = session.execute(counted.where(AssessmentFile.account_id == account_id)).one()
    if count >= FILES_MOST or kept + size > BYTES_MOST:
        detail = f"at most {FILES_MOST} files of together {BYTES_MOST >> 30} GiB are kept for an account; remove one"
        raise Problem(TOO_MANY, detail)


# Reading


def listing(account_id: uuid.UUID, after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """Own files, newest first."""
    own = select(AssessmentFile).where(AssessmentFile.account_id == account_id)
    if after is not None:
        own = own.where(AssessmentFile.id < after)
    return [_view(row) for row in db.session.scalars(own.order_by(AssessmentFile.id.desc()).limit(limit))]


def one(account_id: uuid.UUID, file_id: uuid.UUID) -> dict[str, Any]:
    """An own file and how far it is. Raises Problem not_found."""
    return _view(_own(account_id, file_id))


def result_of(account_id: uuid.UUID, file_id: uuid.UUID, form: str) -> Path | Iterator[bytes]:
    """The result: the file as it lies there, or CSV made of Parquet piece by piece.

    Raises Problem not_found, result_not_ready, file_failed, or archive_extra_missing for Parquet where only CSV could
    be made.
    """
    row = _finished(account_id, file_id)
    if row.options["format"] == form:
        return ROOM.result(file_id)
    if form == CSV:
        check_extra()
        return as_csv(ROOM.result(file_id))
    check_extra()
    raise Problem(NOT_READY, "this result was made as CSV: send the file again with format=parquet")


def errors_of(account_id: uuid.UUID, file_id: uuid.UUID) -> Path:
    """The error report. Raises Problem as `result_of`."""
    _finished(account_id, file_id)
    return ROOM.errors(file_id)


def remove(account_id: uuid.UUID, file_id: uuid.UUID) -> None:
    """Forget an own file with all that came of it; a running job stops at its next piece."""
    with transaction() as session:
        session.delete(session.get_one(AssessmentFile, _own(account_id, file_id, session).id))
    ROOM.remove(file_id)


def _find(account_id: uuid.UUID, file_id: uuid.UUID, session: Session | None = None) -> AssessmentFile | None:
    own = select(AssessmentFile).where(AssessmentFile.id == file_id, AssessmentFile.account_id == account_id)
    return (session or db.session()).scalars(own).one_or_none()


def _own(account_id: uuid.UUID, file_id: uuid.UUID, session: Session | None = None) -> AssessmentFile:
    row = _find(account_id, file_id, session)
    if row is None:
        raise Problem(NOT_FOUND, f"no file {file_id}")
    return row


def _finished(account_id: uuid.UUID, file_id: uuid.UUID) -> AssessmentFile:
    row = _own(account_id, file_id)
    if row.status == "failed":
        problem = row.problem or _GAVE_UP
        raise Problem(FAILED, str(problem["detail"]), reason=problem["code"])
    if row.status != "done":
        raise Problem(NOT_READY, headers={"Retry-After": "2"})
    return row


def _view(row: AssessmentFile) -> dict[str, Any]:
    """As published; rate and time left are those of the run."""
    seconds = (row.told_at - row.started_at).total_seconds() if row.told_at and row.started_at else 0
    rate = int(row.done / seconds) if seconds > 0 else None
    running = row.status == "running" and rate
    return {
        "id": str(row.id),
        "name": row.name,
        "size": row.size,
        "status": row.status,
        **row.options,
        "rows": row.rows,
        "done": row.done,
        "failed": row.failed,
        "percent": row.percent,
        "rows_per_second": rate,
        "seconds_left": max(row.rows - row.done, 0) // rate if running and rate else None,
        "result": row.outcome,
        "problem": row.problem,
        "created_at": clock.instant_text(row.created_at),
        "finished_at": clock.instant_text(row.finished_at),
        "expires_at": clock.instant_text(row.expires_at),
    }


# The job


class _Gone(Exception):
    """The file was removed while it was computed."""


@task("customs.assess_file", attempts=ATTEMPTS)
def run(file_id: str) -> None:
    """Assess one file; run again, it begins anew and writes the same bytes."""
    key = uuid.UUID(file_id)
    begun = _start(key)
    if begun is None:
        return
    options, runs = begun
    rates = {currency: Decimal(rate) for currency, rate in options["rates"].items()}
    asked = Options(options["route"], rates, options["mode"])
    try:
        outcome = assess_file(edition.tariff(), ROOM.given(key), ROOM.result(key), ROOM.errors(key),
                              asked, options["format"], _Told(key))  # fmt: skip
    except Problem as problem:
        _finish(key, "failed", problem={"code": problem.code, "detail": problem.detail, "errors": problem.errors})
        return
    except _Gone:
        ROOM.remove(key)
        return
    except Exception:
        if runs >= ATTEMPTS:
            _finish(key, "failed", problem=_GAVE_UP)
        raise
    log.info("file_assessed", file=file_id, rows=outcome.rows, failed=outcome.failed, one_by_one=outcome.one_by_one)
    _finish(key, "done", outcome=outcome.to_dict(), done=outcome.rows, rows=outcome.rows, failed=outcome.failed,
            percent=100)  # fmt: skip


def _start(key: uuid.UUID) -> tuple[dict[str, Any], int] | None:
    """The options of a file that is to be computed, and how often it was begun; None when it is gone, finished, or was
    begun too often."""
    now = clock.now()
    begun = update(AssessmentFile).where(AssessmentFile.id == key, AssessmentFile.status.in_(["queued", "running"]))
    with transaction() as session:
        row = session.execute(
            begun.values(status="running", runs=AssessmentFile.runs + 1, started_at=now, told_at=now, done=0)
            .returning(AssessmentFile.options, AssessmentFile.runs)
        ).first()  # fmt: skip
    if row is None:
        return None
    if row.runs > RUNS_MOST:
        _finish(key, "failed", problem=_GAVE_UP)
        return None
    return row.options, row.runs


def _finish(key: uuid.UUID, status: str, **facts: Any) -> None:
    now = clock.now()
    with transaction() as session:
        session.execute(
            update(AssessmentFile).where(AssessmentFile.id == key)
            .values(status=status, finished_at=now, told_at=now, **facts)
        )  # fmt: skip


class _Told:
    """Writes the progress down, at most once a second."""

    def __init__(self, key: uuid.UUID) -> None:
        self._key, self._last = key, time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._last < _TELL_SECONDS:
            return
        self._last = time.monotonic()
        facts = {"done": progress.done, "failed": progress.failed, "rows": progress.rows, "percent": progress.percent}
        with transaction() as session:
            there = update(AssessmentFile).where(AssessmentFile.id == self._key).values(told_at=clock.now(), **facts)
            if not session.execute(there.returning(AssessmentFile.id)).first():
                raise _Gone


@task("customs.forget_assessment_files", schedule="23 * * * *")
def forget() -> None:
    """Remove what has been kept long enough, and what a killed upload has left."""
    now = clock.now()
    with transaction() as session:
        old = select(AssessmentFile).where(AssessmentFile.expires_at < now)
        gone = [row.id for row in session.scalars(old)]
        for key in gone:
            session.delete(session.get_one(AssessmentFile, key))
    for key in gone:
        ROOM.remove(key)
    for key in ROOM.old_folders(now):
        if db.session.get(AssessmentFile, key) is None:
            ROOM.remove(key)
