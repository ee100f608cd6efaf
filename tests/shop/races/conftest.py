"""Steps done at one instant by real threads, and an auditor that looks at what they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from core.accounts import Actor
from core.database import db
from core.errors import Problem
from tests.shop import auditor, builders
from tests.shop.conftest import Client

Step = Callable[[], Any]


@pytest.fixture
def at_once(app: Any, context: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Do steps in threads, the first `threads` of them at one instant; answers what each gave or was refused with."""
    monkeypatch.setattr(db.engine.pool, "_timeout", 30)  # a crowded machine is no fault of ours

    def run(steps: Sequence[Step], threads: int = 8) -> list[Any]:
        threads = min(threads, len(steps))
        gate = Barrier(threads)

        def one(numbered: tuple[int, Step]) -> Any:
            number, step = numbered
            with app.app_context():
                if number < threads:
                    gate.wait()
                try:
                    return step()
                except Problem as refusal:
                    return refusal.code

        db.session.rollback()
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, enumerate(steps)))

    return run


@pytest.fixture
def tally(at_once: Callable[..., list[Any]]) -> Callable[..., Counter[str]]:
    """The same, counting refusals by their code and everything else as `done`."""
    return lambda steps, threads=8: Counter(
        each if isinstance(each, str) else "done" for each in at_once(steps, threads)
    )


@pytest.fixture
def audit(stripe: Any, database_url: str) -> Callable[..., list[str]]:
    """Every breach there is, by the tables and by the Stripe in process."""
    return lambda at_rest=True: auditor.breaches(database_url, auditor.of_fake(stripe), at_rest=at_rest)


@pytest.fixture
def door(app: Any) -> Callable[[], Client]:
    """A client of its own for each thread."""
    return lambda: Client(app, app.response_class)


def few(count: int) -> list[Actor]:
    """Buyers of domestic goods; argon2 is slow on purpose, so they share a few accounts."""
    known = [builders.buyer(with_identity=False) for _ in range(8)]
    return [known[number % 8] for number in range(count)]
