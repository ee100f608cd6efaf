"""Work after the commit: jobs are enqueued on the session's own connection, so a job exists if and only if its
transaction committed.

procrastinate keeps the queue in the same PostgreSQL. Jobs of a killed worker are found by its missing heartbeat and
run again, so every job must bear being run twice. A job that fails for good stays in the table as `failed`: the
dead-letter list that an operator reads and re-runs.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import procrastinate
import procrastinate.exceptions
import procrastinate.jobs
import structlog
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.database import db, run
from core.errors import NOT_FOUND, Problem

log = structlog.get_logger()

HEARTBEAT_SECONDS = 2.0
STALLED_AFTER_SECONDS = 10.0
KEEP_SUCCEEDED_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job. `attempts` counts runs before it is dead; waits grow 2, 4, 8 ... seconds."""

    name: str
    run: Callable[..., object]
    attempts: int
    schedule: str | None
    alone: bool = False


_tasks: dict[str, Task] = {}


F = TypeVar("F", bound=Callable[..., object])


def task(name: str, *, attempts: int = 12, schedule: str | None = None, alone: bool = False) -> Callable[[F], F]:
    """Register a function as a job; `schedule` is a cron line (a sixth field counts seconds) for periodic ones.

    A periodic job that may take longer than its period runs `alone`: never two of it at once, so that it takes one of
    the worker's places and no more.
    """

    def register(function: F) -> F:
        _tasks[name] = Task(name, function, attempts, schedule, alone)
        return function

    return register


def defer(session: Session, name: str, *, in_seconds: int | None = None, lock: str | None = None, **args: Any) -> None:
    """Enqueue a job in the caller's transaction; `lock` runs jobs of one name one after the other."""
    _known(name)
    run(session, _DEFER, {"task": name, "lock": lock, "args": json.dumps(args), "wait": in_seconds})


def defer_once(session: Session, name: str, key: str, args: Sequence[str]) -> None:
    """Enqueue a job for each value of its one argument `key`, but for those for which one is waiting already."""
    _known(name)
    rows = [{"args": {key: each}, "queueing_lock": f"{name} {each}"} for each in args]
    if rows:
        run(session, _DEFER_ONCE, {"task": name, "rows": json.dumps(rows)})


def _known(name: str) -> None:
    if name not in _tasks:
        raise LookupError(f"no job is called {name!r}")


# procrastinate's own function, and its own rule for a queueing lock, asked in the transaction at hand.
_DEFER = """
    SELECT procrastinate_defer_jobs_v1(ARRAY[CAST(ROW(
        'default', %(task)s, 0, CAST(%(lock)s AS text), CAST(NULL AS text), CAST(%(args)s AS jsonb),
        now() + CAST(%(wait)s AS integer) * interval '1 second') AS procrastinate_job_to_defer_v1)])
"""
_DEFER_ONCE = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, args, queueing_lock)
    SELECT 'default', %(task)s, told.args, told.queueing_lock
    FROM jsonb_to_recordset(CAST(%(rows)s AS jsonb)) AS told (args jsonb, queueing_lock text)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""


def worker_app(flask_app: Flask) -> procrastinate.App:
    """The procrastinate App of the worker process, each job inside an application context."""
    url = flask_app.config["SQLALCHEMY_DATABASE_URI"].replace("postgresql+psycopg://", "postgresql://")
    worker = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    for entry in _tasks.values():
        retry = _retries(entry.attempts)
        run = _in_context(flask_app, entry)
        if entry.schedule is None:
            worker.task(name=entry.name, retry=retry)(run)
        else:
            lock = entry.name if entry.alone else None
            once = worker.task(name=entry.name, queueing_lock=entry.name, lock=lock, retry=False)(run)
            worker.periodic(cron=entry.schedule)(once)
    worker.periodic(cron="* * * * * */5")(
        worker.task(name="core.revive_jobs", queueing_lock="core.revive_jobs", pass_context=True)(_revive)
    )
    worker.periodic(cron="41 4 * * *")(
        worker.task(name="core.purge_jobs", queueing_lock="core.purge_jobs", pass_context=True)(_purge)
    )
    return worker


def _retries(attempts: int) -> procrastinate.RetryStrategy | bool:
    """procrastinate counts repetitions, and takes none for no limit."""
    return procrastinate.RetryStrategy(max_attempts=attempts - 1, exponential_wait=2) if attempts > 1 else False


def _in_context(flask_app: Flask, entry: Task) -> Callable[..., None]:
    @functools.wraps(entry.run)
    def run(*_timestamp: int, **args: Any) -> None:
        given = {} if entry.schedule else args
        with flask_app.app_context():
            try:
                entry.run(**given)
            except Exception:
                log.exception("job_failed", job=entry.name, **{k: v for k, v in given.items() if k != "raw"})
                raise

    return run


async def _revive(context: procrastinate.JobContext, timestamp: int) -> None:
    """Give the jobs of a killed worker back to the queue; one whose successor waits there already has no place."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS):
        log.warning("job_revived", job=job.task_name, id=job.id)
        try:
            await manager.retry_job(job)
        except procrastinate.exceptions.UniqueViolation:  # of the queueing lock: the successor does its work
            await manager.finish_job(job, procrastinate.jobs.Status.ABORTED, delete_job=True)


async def _purge(context: procrastinate.JobContext, timestamp: int) -> None:
    """Forget what has been done for a week; what has failed is kept for the operators."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEEP_SUCCEEDED_HOURS)


def run_worker(flask_app: Flask, *, wait: bool = True, concurrency: int = 4) -> None:
    """Run jobs until stopped, or (`wait=False`) those that are due now."""
    worker = worker_app(flask_app)

    async def serve() -> None:
        async with worker.open_async():
            await worker.run_worker_async(
                wait=wait,
                concurrency=concurrency,
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=3600.0,
                install_signal_handlers=wait,
                listen_notify=wait,
                shutdown_graceful_timeout=20.0,
            )

    asyncio.run(serve())


def dead_letters(session: Session, *, after: int | None, limit: int) -> list[dict[str, Any]]:
    """Failed jobs, newest first, without their arguments' secrets."""
    rows = session.execute(
        text(
            "SELECT j.id, j.task_name, j.attempts, j.status::text AS status, max(e.at) AS failed_at"
            " FROM procrastinate_jobs j LEFT JOIN procrastinate_events e ON e.job_id = j.id"
            " WHERE j.status = 'failed' AND (CAST(:after AS bigint) IS NULL OR j.id < :after)"
            " GROUP BY j.id ORDER BY j.id DESC LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [
        {
            "id": row.id,
            "task": row.task_name,
            "attempts": row.attempts,
            "status": row.status,
            "failed_at": clock.instant_text(row.failed_at),
        }
        for row in rows
    ]


def run_again(session: Session, job_id: int) -> None:
    """Put a dead job back into the queue. Raises Problem `not_found` when it is not dead."""
    statement = text(
        "UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = now(), worker_id = NULL"
        " WHERE id = :id AND status = 'failed' RETURNING id"
    )
    if session.execute(statement, {"id": job_id}).first() is None:
        raise Problem(NOT_FOUND, f"no failed job {job_id}")


def queue_depth() -> dict[str, int]:
    """Jobs by status, for the metrics."""
    rows = db.session.execute(
        text("SELECT status::text, count(*) FROM procrastinate_jobs WHERE status <> 'succeeded' GROUP BY status")
    )
    return {status: count for status, count in rows}
