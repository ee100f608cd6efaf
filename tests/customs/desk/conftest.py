"""The desk under test: the application, a window on loopback, a heard list of notices."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core import clock, config
from core.config import ClockSetting
from customs import notices
from tests.customs.desk.window import FakeWindow


@pytest.fixture
def window(app: Any, settings: Any) -> Iterator[FakeWindow]:
    """The desk with its window; the settings point at it for the time of the test."""
    fake = FakeWindow()
    config.use(replace(settings, single_window_url=fake.url))
    with app.app_context():
        yield fake
    config.use(settings)
    fake.close()


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """Every notice to the floor above, as (order number, state, info)."""
    told: list[tuple[str, str, dict[str, Any]]] = []

    def hear(_session: Any, order_number: str, state: str, info: dict[str, Any]) -> None:
        told.append((order_number, state, info))

    before = list(notices._subscribers)
    notices.subscribe(hear)
    yield told
    notices._subscribers[:] = before


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    """Beijing noon of the day of most tests; a test may move it."""
    clock.set_clock(ClockSetting(fixed=datetime(2026, 11, 23, 4, 30, tzinfo=UTC)))
    yield
    clock.set_clock(ClockSetting())


def move_clock(instant: datetime) -> None:
    clock.set_clock(ClockSetting(fixed=instant))
