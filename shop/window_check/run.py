"""One run of the check: read in one snapshot, write what was found beside it, close what is found no more."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import assert_no_transaction, db, new_id, transaction
from core.errors import Problem, declare
from shop.window_check import findings
from shop.window_check.faults import Fault, Passed, faults
from shop.window_models import WindowCheck, WindowFinding

RUNNING = declare("window_check_running", 409, "The check is under way already")

CHECKS_KEPT = 200
_LOCK = 0x1A4DFA23  # advisory: one check at a time

Note = Callable[[str], None]


def check(tell: Callable[[Fault], None] = lambda _: None, note: Note = lambda _: None) -> int:
    """Run it whole; `tell` hears of each fault, `note` of progress. Returns how many faults are not accepted.

    Raises Problem `window_check_running` when another one is under way.
    """
    assert_no_transaction()
    started, passed, check_id = clock.now(), Passed(), new_id()
    with _alone() as connection:
        with transaction() as session:
            session.add(WindowCheck(id=check_id, started_at=started))
        found = _read(connection, check_id, passed, tell, note)
    with transaction() as session:
        findings.close_unseen(session, check_id)
        ended = {"finished_at": clock.now(), "orders": passed.orders, "found": found}
        session.execute(update(WindowCheck).where(WindowCheck.id == check_id).values(ended))
        _forget(session)
    return sum(findings.open_by_kind().values())


@contextmanager
def _alone() -> Iterator[Connection]:
    """A connection of its own behind the lock of the check, inside one snapshot that only reads."""
    with db.engine.connect() as connection:
        connection.detach()  # its locks go with it
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
            raise Problem(RUNNING)
        connection.rollback()  # the snapshot begins behind the lock
        with connection.begin():
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection


def _read(
    connection: Connection, check_id: uuid.UUID, passed: Passed, tell: Callable[[Fault], None], note: Note
) -> int:
    count = 0
    found = faults(connection, passed, note)
    while some := list(islice(found, findings.BATCH)):
        findings.keep(check_id, some)
        for fault in some:
            tell(fault)
        count += len(some)
    return count


def _forget(session: Session) -> None:
    """The last runs are kept, and those that a finding was seen by last."""
    last = select(WindowCheck.id).order_by(WindowCheck.id.desc()).limit(CHECKS_KEPT)
    seen = select(WindowFinding.id).where(WindowFinding.check_id == WindowCheck.id).exists()
    old = delete(WindowCheck).where(WindowCheck.id.not_in(last), ~seen)
    session.execute(old.execution_options(synchronize_session=False))


@jobs.task("shop.check_window", schedule="0 20 * * *", attempts=1, alone=True)
def check_nightly() -> None:
    """At 04:00 in Beijing, and when an operator asks for it."""
    try:
        check()
    except Problem as problem:
        if problem.code != RUNNING:
            raise


def ask_for_check(actor: str) -> None:
    """Let the job run now."""
    with transaction() as session:
        jobs.defer(session, "shop.check_window", lock="shop.check_window")
        audit.record(session, actor, "window_check_asked", "window_check", "window")
