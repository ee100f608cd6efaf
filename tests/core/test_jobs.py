"""A job exists if and only if its transaction committed; a dead one is seen and run again."""

from typing import Any

import pytest
from sqlalchemy import text

from core import jobs
from core.database import db, transaction
from core.errors import Problem

ran: list[str] = []


@jobs.task("test.note")
def note(word: str) -> None:
    ran.append(word)


@jobs.task("test.fail", attempts=1)
def fail() -> None:
    raise RuntimeError("this job fails on purpose")


@pytest.fixture(autouse=True)
def _context(app: Any, database_url: str) -> Any:
    ran.clear()
    with app.app_context():
        yield


def test_a_committed_job_runs(app: Any) -> None:
    with transaction() as session:
        jobs.defer(session, "test.note", word="once")
    jobs.run_worker(app, wait=False)
    assert ran == ["once"]


def test_a_rolled_back_job_does_not_exist(app: Any) -> None:
    with pytest.raises(ZeroDivisionError), transaction() as session:
        jobs.defer(session, "test.note", word="never")
        raise ZeroDivisionError
    jobs.run_worker(app, wait=False)
    assert ran == []


def test_a_job_may_wait(app: Any) -> None:
    with transaction() as session:
        jobs.defer(session, "test.note", in_seconds=3600, word="later")
    jobs.run_worker(app, wait=False)
    assert ran == []


def test_an_unknown_job_is_a_programming_error() -> None:
    with transaction() as session, pytest.raises(LookupError):
        jobs.defer(session, "test.unknown")


def test_a_dead_job_is_listed_and_run_again(app: Any) -> None:
    with transaction() as session:
        jobs.defer(session, "test.fail")
    jobs.run_worker(app, wait=False)
    (dead,) = jobs.dead_letters(db.session(), after=None, limit=10)
    assert dead["task"] == "test.fail"
    with transaction() as session:
        jobs.run_again(session, dead["id"])
        session.execute(text("UPDATE procrastinate_jobs SET task_name = 'test.note', args = '{\"word\": \"again\"}'"))
    jobs.run_worker(app, wait=False)
    assert ran == ["again"]
    with pytest.raises(Problem) as refusal, transaction() as session:
        jobs.run_again(session, dead["id"])
    assert refusal.value.status == 404


def test_the_job_of_a_killed_worker_is_given_back(app: Any) -> None:
    with transaction() as session:
        jobs.defer(session, "test.note", word="revived")
        worker = session.scalar(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
        )
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})
        jobs_held = session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"))
    assert jobs_held == 1
    with transaction() as session:
        session.execute(
            text("INSERT INTO procrastinate_jobs (task_name, queue_name, args) VALUES"
                 " ('core.revive_jobs', 'default', '{\"timestamp\": 1}')")
        )  # fmt: skip
    jobs.run_worker(app, wait=False)
    jobs.run_worker(app, wait=False)
    assert ran == ["revived"]
