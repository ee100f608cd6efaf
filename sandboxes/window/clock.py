"""Customs' clock: Beijing time, moved for rehearsals by LANDFALL_CLOCK as the rest of a rehearsal is, and by tests.

A fixed instant is where the clock starts; it goes on from there, since receipts are ordered by their time.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
_OFFSET = re.compile(r"([+-])(\d{1,9})([smhd]?)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def offset_of(text: str) -> float:
    """Seconds between the system clock and the wanted one: "", "system", "+2h", "-1d" or an instant with a zone."""
    if text in ("", "system"):
        return 0
    match = _OFFSET.match(text)
    if match:
        return int(match[2]) * _SECONDS[match[3]] * (1 if match[1] == "+" else -1)
    wanted = datetime.fromisoformat(text)
    if wanted.tzinfo is None:
        raise ValueError("the instant needs a time zone")
    return (wanted - datetime.now(UTC)).total_seconds()


class Clock:
    """Beijing time in milliseconds; no two readings of `stamp` are equal, so receipts always have an order."""

    def __init__(self, offset_seconds: float = 0) -> None:
        self._offset = offset_seconds
        self._last = ""

    def epoch(self) -> float:
        """Seconds, for plans: a moved clock makes what was planned due."""
        return time.time() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), BEIJING)

    def today(self) -> date:
        return self.now().date()

    def advance(self, seconds: float) -> None:
        """Move on; never back."""
        if seconds < 0:
            raise ValueError("the clock goes forward only")
        self._offset += seconds

    def stamp(self) -> str:
        """17 digits, later than every one given before."""
        text = _digits(self.now())
        if text <= self._last:
            last = datetime.strptime(self._last[:14], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
            text = _digits(last + timedelta(milliseconds=int(self._last[14:]) + 1))
        self._last = text
        return text

    def seen(self, stamp: str) -> None:
        """A stamp given before a restart: later ones stay later."""
        self._last = max(self._last, stamp)


def _digits(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S") + f"{at.microsecond // 1000:03d}"
