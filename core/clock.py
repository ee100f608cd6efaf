"""Time: instants are aware UTC, business days are Beijing days. The only place that reads the system clock.

`LANDFALL_CLOCK` moves it for tests and rehearsals; the offset of Beijing is fixed (no daylight saving since 1991).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from core.config import ClockSetting

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

_setting = ClockSetting()


def set_clock(setting: ClockSetting) -> None:
    """Chosen once at start from the settings; tests may move it."""
    global _setting
    _setting = setting


def now() -> datetime:
    """The present instant, aware, UTC."""
    if _setting.fixed is not None:
        return _setting.fixed
    return datetime.now(UTC) + _setting.offset


def today() -> date:
    """The present Beijing day."""
    return beijing_day(now())


def beijing_day(instant: datetime) -> date:
    """The Beijing day on which an aware instant falls."""
    return instant.astimezone(BEIJING).date()


def instant_text(instant: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the microsecond only when there is one."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
