"""Periods of validity: both ends inclusive, an open end is None. Said once here and used everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `first` to `last`, both days included; `last` None means until further notice."""

    first: date
    last: date | None = None

    def __post_init__(self) -> None:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"a period cannot end on {self.last} before it begins on {self.first}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def overlaps(self, other: Period) -> bool:
        """True when at least one day lies in both."""
        return (other.last is None or self.first <= other.last) and (self.last is None or other.first <= self.last)
