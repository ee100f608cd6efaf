"""A row of the law as a fact for readers: kind, rate, the days it is in force, its source resolved, its standing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from customs.tariff import Tariff
from customs.tariff.reading import FOREVER, Row
from customs.tariff.schedules import NONE, Entry
from customs.tariff.tariff import STANDING_WORDS

Fact = dict[str, Any]
_TOLD_OF_SOURCES = ("title", "issuer", "document", "issued", "in_force", "how")


def source(law: Tariff, name: str) -> Fact:
    """A source as users read it: id, title, issuer, document, how it was read."""
    known = law.sources.get(name, {})
    return {"id": name, **{key: str(known[key]) for key in _TOLD_OF_SOURCES if key in known}}


def days(first: int, last: int) -> Fact:
    """Two ordinals as days; an open end is None."""
    return {
        "first_day": date.fromordinal(first).isoformat(),
        "last_day": date.fromordinal(last).isoformat() if last < FOREVER else None,
    }


def row_fact(law: Tariff, kind: str, row: Row, **more: Any) -> Fact:
    """A row of a table that is looked up by code."""
    return {"kind": kind, **more, **days(row["first_day"], row["last_day"]),
            "source": source(law, row["source"]), "standing": STANDING_WORDS[row["standing"]]}  # fmt: skip


def runs(row: Row, day: date) -> bool:
    """Whether a row is in force on a day."""
    return bool(row["first_day"] <= day.toordinal() <= row["last_day"])


def entry_fact(law: Tariff, kind: str, entry: Entry, **more: Any) -> Fact:
    """An entry of a schedule; a price threshold with the rates on both sides of it."""
    found = {"kind": kind, "rate": entry.rate.text, **more,
             "source": source(law, entry.source), "standing": STANDING_WORDS[entry.standing]}  # fmt: skip
    if entry.thresholds:
        found["from_price"] = [amount.text for amount in entry.thresholds]
        found["rate_below"] = entry.below.text if entry.below else None
    if entry.since >= 0:
        found["from_time"] = _clock(entry.since)
    if entry.until >= 0:
        found["until_time"] = _clock(entry.until)
    return found


def _clock(minute: int) -> str:
    """A minute of the Beijing day."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def stretches(law: Tariff, schedule: str, number: int) -> list[tuple[int, int, Entry]]:
    """(first day, last day, entry) of one line under one schedule while the line exists, in order of days."""
    slots = law.slots.first_days
    places = np.arange(len(slots))
    found = law.schedules.entry(law.schedules.names[schedule], np.full(len(slots), number), places).tolist()
    begins, ends = int(law.line_first[number]), int(law.line_last[number])
    made: list[tuple[int, int, Entry]] = []
    for first, last, entry in _merged(slots, found):
        if entry != NONE and first <= ends and last >= begins:
            made.append((max(first, begins), min(last, ends), law.entries[entry]))
    return made


def _merged(slots: list[int], found: list[int]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring slots of the same entry as one stretch."""
    begin = 0
    for place in range(1, len(found) + 1):
        if place == len(found) or found[place] != found[begin]:
            yield slots[begin], (slots[place] - 1 if place < len(found) else FOREVER), found[begin]
            begin = place


def fact_of_day(law: Tariff, kind: str, schedule: str, number: int, day: date, **more: Any) -> Fact | None:
    """What a schedule says of a line on a day, with the days between which it says so."""
    ordinal = day.toordinal()
    for first, last, entry in stretches(law, schedule, number):
        if first <= ordinal <= last:
            return entry_fact(law, kind, entry, **more, **days(first, last))
    return None
