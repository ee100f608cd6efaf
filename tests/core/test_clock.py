"""A business day is a Beijing day (demand 36)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from core import clock
from core.config import ClockSetting


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    clock.set_clock(ClockSetting())


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 16, 0, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_midnight_is_in_beijing(instant: datetime, day: date) -> None:
    clock.set_clock(ClockSetting(fixed=instant))
    assert clock.now() == instant
    assert clock.today() == day


def test_instants_are_written_in_utc() -> None:
    assert clock.instant_text(datetime(2026, 1, 1, 8, tzinfo=clock.BEIJING)) == "2026-01-01T00:00:00Z"
