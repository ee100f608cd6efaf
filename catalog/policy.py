"""The terms of the market place, read from one file: whoever sells, sells under these."""

from __future__ import annotations

import functools
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog import categories, ranking
from core.errors import Problem


@functools.cache
def text() -> dict[str, Any]:
    """{rules, fees, ranking}: there is no field for a merchant, so there cannot be terms for one."""
    terms = tomllib.loads((Path(__file__).parent / "policy.toml").read_text("utf-8"))
    return {"rules": terms["rule"], "fees": terms["fee"], "ranking": ranking.RULE}


def rate_of_sale(category: str, day: date) -> Decimal:
    """What the platform takes of goods of a category ordered on a day, in percent. It cannot know who sells.

    Raises LookupError when the schedule has no period for that day.
    """
    return _rate(_department(category), day)


@functools.lru_cache(maxsize=4096)
def _rate(department: str | None, day: date) -> Decimal:
    periods = [entry for entry in text()["fees"] if entry["code"] == "commission" and _holds(entry, day)]
    own = [entry for entry in periods if department in entry.get("departments", ())]
    for entry in own or [entry for entry in periods if "departments" not in entry]:
        return Decimal(entry["percent"])
    raise LookupError(f"policy.toml has no commission for {department or 'other goods'} on {day}")


def _holds(entry: dict[str, Any], day: date) -> bool:
    return entry["first_day"] <= day.isoformat() <= entry.get("last_day", "9999-12-31")


def _department(category: str) -> str | None:
    """Of a category that is no more, None: the rate for all others."""
    try:
        return categories.find(category).department
    except Problem:
        return None
