"""Processes that are killed: Stripe's sandbox beside them, a window that takes what is sent, one stem to fork from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import text

from core import clock, config
from core.config import ClockSetting
from core.database import transaction
from shop import exchanges
from shop.stripe_gateway import StripeGateway
from tests.customs.desk.window import FakeWindow
from tests.shop import auditor
from tests.shop.test_with_stripe import KEY, ROOT, Sandbox, started

Begun = TypeVar("Begun")


@dataclass(frozen=True)
class Ended:
    killed: bool
    points: list[str]
    result: Any


class Stem:
    """The process to fork from; `offset` is by how many seconds everybody's clock is ahead of the real one."""

    def __init__(self, environment: dict[str, str], errors: Path) -> None:
        self.offset = 0
        self._errors = errors
        command = [sys.executable, "-m", "tests.shop.kills.stem"]
        with errors.open("wb") as file:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": file}
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)  # type: ignore[call-overload]
        self._answer()

    def _answer(self) -> Any:
        line = self._process.stdout.readline()
        assert line, f"the stem has died:\n{self._errors.read_text()[-4000:]}"
        return json.loads(line)

    def run(self, step: str, *, die_at: int | None = None, **args: Any) -> Ended:
        order = {"step": step, "args": args, "offset": self.offset, "die_at": die_at}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert answer["fault"] is None, answer["fault"]
        return Ended(answer["killed"], answer["points"], answer["result"])

    def move(self, seconds: int) -> None:
        self.offset = seconds
        clock.set_clock(ClockSetting(offset=timedelta(seconds=seconds)))

    def live(self, seconds: int = 60) -> None:
        """A minute with a healthy worker passes."""
        self.run("live", seconds=seconds, offset=self.offset)
        self.move(self.offset + seconds)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def window() -> Iterator[FakeWindow]:
    fake = FakeWindow()
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with started(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="session")
def _stem(box: Sandbox, window: FakeWindow, settings: Any, tmp_path_factory: Any) -> Iterator[Stem]:
    folder = tmp_path_factory.mktemp("stem")
    own = {
        "LANDFALL_ENV": "test",
        "LANDFALL_TESTING": "1",
        "LANDFALL_VAR": str(settings.var),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "STRIPE_API_BASE": box.base,
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret,
        "SINGLE_WINDOW_URL": window.url,
        "SINGLE_WINDOW_RECEIPT_TOKEN": settings.receipt_token,
    }
    stem = Stem({**os.environ, **own}, folder / "errors")
    yield stem
    stem.close()


@pytest.fixture
def stem(_stem: Stem, box: Sandbox, window: FakeWindow, settings: Any, shelf: Any) -> Iterator[Stem]:
    """The stem at the real time; what the test does itself asks the same Stripe and the same window."""
    config.use(replace(settings, single_window_url=window.url))
    exchanges.set_gateway(StripeGateway(KEY, box.base, timeout_seconds=5.0))
    yield _stem
    _stem.move(0)
    exchanges.set_gateway(None)
    config.use(settings)


@pytest.fixture
def audit(stem: Stem, box: Sandbox, settings: Any) -> Callable[[], list[str]]:
    """Every breach there is now, a minute after the last death."""
    entries = box.journal()["entries"]
    before = entries[-1]["seq"] if entries else 0

    def look() -> list[str]:
        journal = box.journal(before)
        assert journal["next"] is None
        return auditor.breaches(settings.database_url, auditor.of_journal(journal["entries"]))

    return look


Each = Callable[..., list[tuple[str, Any]]]


@pytest.fixture
def at_each_point(stem: Stem) -> Each:
    """Do a step in a process of its own again and again, each time on a new thing, dying one point later.

    `begin` gives the thing: the request to make, or what `work` is then done about. Returns all of them, each with the
    point at which its process died; the last one lived. What the dead leave in the queue stays there meanwhile.
    """

    def run(begin: Callable[[], Begun], step: str = "request") -> list[tuple[str, Begun]]:
        found: list[tuple[str, Begun]] = []
        parked: list[int] = []
        for number in range(1, 200):
            begun = begin()
            args: Any = begun if step == "request" else {}
            ended = stem.run(step, die_at=number, **args)
            parked += _park()
            found.append((f"{number}, {ended.points[-1]}" if ended.killed else "alive", begun))
            if not ended.killed:
                assert len(ended.points) < number
                _unpark(parked)
                return found
        raise AssertionError("the step never ends")

    return run


def _park() -> list[int]:
    """Nobody runs jobs while nobody lives, and what the dead had locked does not keep the next turn from its jobs."""
    due = "status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now() + interval '1 minute')"
    statement = f"UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE {due} RETURNING id"
    with transaction() as session:
        session.execute(text("UPDATE procrastinate_jobs SET lock = NULL WHERE status IN ('todo', 'doing')"))
        return list(session.scalars(text(statement)))


def _unpark(jobs: list[int]) -> None:
    with transaction() as session:
        session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = ANY(:ids)"), {"ids": jobs})
