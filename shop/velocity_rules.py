"""The velocity rules as they stand in `velocity.toml`, by day."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from core.periods import Period

BY = ("address", "phone", "payer", "account", "person")
COUNTS = ("persons", "orders", "units")
WITHOUT_NAME = ("file", "review")
# A rule looks at so many of the newest orders at most, so that counting costs the same however many there are.
LOOK_AT = 500
UNITS_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """More than `most` of `count` among the orders of `days` that have `by` in common are looked at by a person."""

    key: str
    by: str
    count: str
    days: int
    most: int
    persons_from: int
    period: Period

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.days)


def on(day: date) -> tuple[Rule, ...]:
    """The rules in force on a day, as they stand in the file."""
    return tuple(rule for rule in _rules() if day in rule.period)


def review_without_name(day: date) -> bool:
    """Whether a payment that names no payer is looked at by a person."""
    return any(day in period and does == "review" for period, does in _without_name())


@functools.cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "velocity.toml").read_text("utf-8"))


def _period(row: dict[str, Any]) -> Period:
    return Period(row["first_day"], row.get("last_day"))


@functools.cache
def _rules() -> tuple[Rule, ...]:
    return tuple(_read(row) for row in _file()["rule"])


@functools.cache
def _without_name() -> tuple[tuple[Period, str], ...]:
    rows = _file()["payer_name_missing"]
    if any(row["does"] not in WITHOUT_NAME for row in rows):
        raise ValueError(f"velocity.toml: payer_name_missing.does must be one of {', '.join(WITHOUT_NAME)}")
    return tuple((_period(row), row["does"]) for row in rows)


def _read(row: dict[str, Any]) -> Rule:
    key = row["key"]
    if row["by"] not in BY or row["count"] not in COUNTS:
        raise ValueError(f"velocity.toml: {key}: by is one of {', '.join(BY)}, count one of {', '.join(COUNTS)}")
    most = UNITS_MOST if row["count"] == "units" else LOOK_AT - 1
    if not (1 <= row["days"] <= 366 and 1 <= row["most"] <= most):
        raise ValueError(f"velocity.toml: {key}: 1 to 366 days, most 1 to {most}")
    figures = (row["days"], row["most"], row.get("persons_from", 1))
    return Rule(key, row["by"], row["count"], *figures, _period(row))
