"""What a forked process does: one request of a web process, the jobs of a worker, or what time brings of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import procrastinate
from sqlalchemy import text

from core import clock, jobs
from core.config import ClockSetting
from core.database import transaction

SOON = "* * * * * */"  # the schedules that count in seconds: what has run within a minute
ROUND = 15  # seconds
_sender = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def request(
    app: Any, method: str, path: str, headers: dict[str, str], json: Any = None, data: str | None = None
) -> dict[str, Any]:
    """One call to the API, in a process that serves no other."""
    answer = app.test_client().open(path, method=method, headers=headers, json=json, data=data)
    return {"status": answer.status_code, "body": answer.get_data(as_text=True)}


def work(app: Any) -> None:
    """A worker that runs the jobs due now, one after the other, and ends."""
    worker_app = jobs.worker_app

    def without_schedule(flask_app: Any) -> procrastinate.App:
        made = worker_app(flask_app)
        made.periodic_registry.periodic_tasks.clear()
        return made

    with patch.object(jobs, "worker_app", without_schedule):
        jobs.run_worker(app, wait=False, concurrency=1)


def live(app: Any, seconds: int, offset: int) -> None:
    """So many seconds of a healthy worker, in rounds: dead workers lose their jobs, sweeps run, jobs run.

    The application's clock goes on from `offset`; what PostgreSQL measures itself is put back by as much instead.
    """
    for passed in range(ROUND, seconds + 1, ROUND):
        clock.set_clock(ClockSetting(offset=timedelta(seconds=offset + passed)))
        with app.app_context(), transaction() as session:
            for statement in _PUT_BACK:
                session.execute(text(statement), {"seconds": ROUND})
            for name in ("core.revive_jobs", *(task.name for task in jobs._tasks.values() if _soon(task))):
                connection = session.connection().connection.driver_connection
                _sender.configure_task(name, connection=connection).defer(timestamp=0)
        work(app)


def _soon(task: jobs.Task) -> bool:
    return task.schedule is not None and task.schedule.startswith(SOON)


_PUT_BACK = (
    "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - :seconds * interval '1 second'",
    "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - :seconds * interval '1 second' WHERE status = 'todo'",
)

STEPS: dict[str, Callable[..., Any]] = {"request": request, "work": work, "live": live}
