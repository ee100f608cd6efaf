"""A job exists if and only if its transaction committed; a dead one is seen and run again."""

import json
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


def test_a_job_that_waits_is_not_put_in_again(app: Any) -> None:
    for words in (["a", "b"], ["b", "c"]):
        with transaction() as session:
            jobs.defer_once(session, "test.note", "word", words)
    jobs.run_worker(app, wait=False)
    assert sorted(ran) == ["a", "b", "c"]
    with transaction() as session:
        jobs.defer_once(session, "test.note", "word", ["a"])
        jobs.defer_once(session, "test.note", "word", [])
    jobs.run_worker(app, wait=False)
    assert sorted(ran) == ["a", "a", "b", "c"]


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
        session.execute(
            text(
                "UPDATE procrastinate_jobs SET task_name = 'test.note', args = '{\"word\": \"again\"}' WHERE id = :id"
            ),
            {"id": dead["id"]},
        )
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


def _queue(task: str, status: str = "todo", worker: int | None = None, lock: str | None = None, **args: Any) -> int:
    """A job as the worker's own statements would have left it."""
    statement = text(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id, lock, queueing_lock, args) VALUES"
        " ('default', :task, CAST(:status AS procrastinate_job_status), :worker, :lock, :lock, CAST(:args AS jsonb))"
        " RETURNING id"
    )
    given = {"task": task, "status": status, "worker": worker, "lock": lock, "args": json.dumps(args)}
    with transaction() as session:
        return int(session.execute(statement, given).scalar_one())


def test_a_job_whose_successor_waits_holds_no_other_revival_up(app: Any) -> None:
    with transaction() as session:
        worker = session.scalar(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
        )
    killed = _queue("test.note", "doing", worker, "test.note", word="first")
    _queue("test.note", lock="test.note", word="successor")
    _queue("test.note", "doing", worker, word="other")
    _queue("core.revive_jobs", timestamp=1)
    for _ in range(2):
        jobs.run_worker(app, wait=False)
    assert sorted(ran) == ["other", "successor"]
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE id = :id"), {"id": killed}) == 0


def test_what_was_done_a_week_ago_is_forgotten_and_what_failed_is_not(app: Any) -> None:
    age = {"old": 8, "failed": 8, "waiting": 8, "young": 6}
    status = {"old": "succeeded", "failed": "failed", "waiting": "doing", "young": "succeeded"}
    ids = {word: _queue("test.note", status[word], word=word) for word in age}
    with transaction() as session:
        session.execute(text("DELETE FROM procrastinate_events"))
        for word, days in age.items():
            session.execute(
                text("INSERT INTO procrastinate_events (job_id, type, at)"
                     " VALUES (:id, 'deferred', now() - :days * interval '1 day')"),
                {"id": ids[word], "days": days},
            )  # fmt: skip
    _queue("core.purge_jobs", timestamp=1)
    jobs.run_worker(app, wait=False)
    with transaction() as session:
        left = session.scalars(text("SELECT args ->> 'word' FROM procrastinate_jobs WHERE task_name = 'test.note'"))
        assert set(left) == {"failed", "waiting", "young"}
