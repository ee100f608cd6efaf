"""A line over time: each kind of rate as stretches of days, and the codes before and after it."""

from __future__ import annotations

from datetime import date
from typing import Any

from customs.tariff import Tariff
from customs.tariff.reading import FOREVER, Row
from customs.tariff.tariff import STANDING_WORDS
from customs.tariff_views.facts import Fact, days, source, stretches
from customs.tariff_views.rates import BASE

NEAREST_MOST = 10


def history(law: Tariff, number: int) -> dict[str, list[Fact]]:
    """Per kind of rate its stretches from the first day of the line to its last, oldest first; days without an entry
    are left out. Days the source did not read are stretches of their own, with standing assumed."""
    told: dict[str, list[Fact]] = {}
    for schedule, kind in BASE.items():
        told[kind] = [
            {**days(first, last), "rate": entry.rate.text, **({"class": entry.note} if kind == "vat" else {}),
             "source": source(law, entry.source), "standing": STANDING_WORDS[entry.standing]}
            for first, last, entry in stretches(law, schedule, number)
        ]  # fmt: skip
    return told


def line_fact(law: Tariff, number: int) -> Fact:
    """The line itself as it stands on file."""
    row = law.rows[number]
    return {"hs": row["hs"], **days(row["first_day"], row["last_day"]), "source": source(law, row["source"]),
            "standing": STANDING_WORDS[row["standing"]]}  # fmt: skip


def successors(law: Tariff, number: int) -> list[Fact]:
    """Lines of the same subheading that begin the day after this one ends. No correlation table was read: assumed."""
    row = law.rows[number]
    if row["last_day"] >= FOREVER:
        return []
    return _kin(law, row, "first_day", row["last_day"] + 1)


def predecessors(law: Tariff, number: int) -> list[Fact]:
    """Lines of the same subheading that end the day before this one begins."""
    row = law.rows[number]
    return _kin(law, row, "last_day", row["first_day"] - 1)


def _kin(law: Tariff, row: Row, edge: str, day: int) -> list[Fact]:
    """Lines that begin or end on a day: of the same eight digits, else of the same six."""
    for width in (8, 6):
        low, high = law.schedules.range_of(row["hs"][:width])
        found = [other for other in law.rows[low:high] if other[edge] == day and other["hs"] != row["hs"]]
        if found:
            return [{**named(other), **days(other["first_day"], other["last_day"]), "standing": "assumed"}
                    for other in found]  # fmt: skip
    return []


def named(row: Row) -> Fact:
    """A line by its code and names."""
    return {"hs": row["hs"], "description": {"zh": row["name_zh"], "en": row["name_en"]}}


def nearest(law: Tariff, hs: str, day: date) -> list[dict[str, Any]]:
    """Lines in force that share the longest beginning with a code that is not, at most ten."""
    ordinal = day.toordinal()
    for width in range(len(hs) - 1, 3, -1):
        low, high = law.schedules.range_of(hs[:width])
        found = [row for row in law.rows[low:high] if row["first_day"] <= ordinal <= row["last_day"]]
        if found:
            return [named(row) for row in found[:NEAREST_MOST]]
    return []
