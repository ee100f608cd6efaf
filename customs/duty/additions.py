"""Duties added to the selected rate: anti-dumping, countervailing, safeguard, retaliatory, reciprocal (Tariff Law art.
16-18), each its own addition (rule A2); and art. 19 for goods whose origin is not proven."""

from __future__ import annotations

from typing import Any

import numpy as np

from customs.duty.choices import burden
from customs.duty.columns import GENERAL, NO_INSTANT, NO_RATE, Ints, Lines, Selection
from customs.tariff.columns import EntryColumns
from customs.tariff.schedules import NONE
from customs.tariff.tariff import Tariff


def add(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Fill `added_at` and `added`. Art. 19: origin unproven, the heaviest burden of any origin."""
    bears = tariff.origins.bears_addition[lines.origin]
    if lines.unproven is not None:
        bears = bears | lines.unproven
    if lines.beyond is not None:
        bears = bears | lines.beyond
    rows = np.flatnonzero(bears)
    if not len(rows):
        return
    found = additions(tariff, lines, selection, rows, lines.origin[rows])
    if lines.unproven is not None and lines.unproven.any():
        at = np.flatnonzero(lines.unproven[rows])
        found[:, at] = _unproven(tariff, lines, selection, rows[at], found[:, at])
    if lines.beyond is not None:
        found = np.vstack([found, *_beyond(tariff, lines, selection, rows)])
    bearing = (found != NONE).any(axis=0)
    selection.added_at, selection.added = rows[bearing], found[:, bearing]


def additions(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints, origin: Ints) -> Any:
    """The entries added on each row if it were of `origin`; marks rows whose day needs an instant (rule A19)."""
    origins = tariff.origins
    schedule = origins.addition[:, origin]
    found = tariff.schedules.entry(np.maximum(schedule, 0), lines.line[rows], selection.slot[rows])
    found = np.where(schedule >= 0, found, NONE)
    if len(origins.exporters) > 1:
        found = _of_exporter(tariff, lines, rows, origin, found)
    found = _at_the_minute(tariff.columns, lines, selection, rows, found)
    if lines.exempt is not None:
        _lift(tariff, lines, rows, origin, found)
    return found


def _beyond(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints) -> list[Any]:
    """What lies beyond a quota that is not used up on its day, because this very consignment crosses it."""
    assert lines.beyond is not None
    schedules = [number for name, number in tariff.schedules.names.items() if name.startswith("beyond:")]
    return [np.where(lines.beyond[rows], tariff.schedules.entry(s, lines.line[rows], selection.slot[rows]), NONE)
            for s in schedules]  # fmt: skip


def _at_the_minute(columns: EntryColumns, lines: Lines, selection: Selection, rows: Ints, found: Any) -> Any:
    """What begins or ends within the day: the entry in force at the minute of the row."""
    timed = (columns.until[found] >= 0) | (columns.since[found] >= 0)
    if not timed.any():
        return found
    minute = np.full(len(rows), -1, np.int64) if lines.minute is None else lines.minute[rows]
    selection.fault[rows[timed.any(axis=0) & (minute < 0)]] = NO_INSTANT
    early = (columns.since[found] >= 0) & (minute < columns.since[found])
    late = (columns.until[found] >= 0) & (minute >= columns.until[found])
    return np.where(early, columns.before[found], np.where(late, NONE, found))


def _of_exporter(tariff: Tariff, lines: Lines, rows: Ints, origin: Ints, found: Any) -> Any:
    """An exporter's own rate displaces for it the rate of all others (Anti-Dumping Regulations art. 41)."""
    origins = tariff.origins
    exporter = np.zeros(len(rows), np.int64) if lines.exporter is None else lines.exporter[rows]
    wanted = origins.addition_exporter[:, origin]
    result = np.where((wanted == 0) | (wanted == exporter), found, NONE)
    for i in np.flatnonzero(exporter > 0):
        named = {measure for depth, (_, measure, code) in enumerate(origins.added[int(origin[i])])
                 if code == exporter[i] and found[depth, i] != NONE}  # fmt: skip
        for depth, (_, measure, code) in enumerate(origins.added[int(origin[i])]):
            if code == 0 and measure in named:
                result[depth, i] = NONE
    return result


def _lift(tariff: Tariff, lines: Lines, rows: Ints, origin: Ints, found: Any) -> None:
    """An exclusion number lifts the measures it was granted for, on the goods of its holder."""
    assert lines.exempt is not None
    for i, row in enumerate(rows.tolist()):
        for depth, (_, measure, _) in enumerate(tariff.origins.added[int(origin[i])] if lines.exempt[row] else ()):
            if measure in lines.exempt[row]:
                found[depth, i] = NONE


def _unproven(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints, best: Any) -> Any:
    """Art. 19: the higher of the normal rate plus the highest measures of any origin, and the general rate; the
    additions that are left."""
    columns = tariff.columns
    heaviest = columns.ad_valorem[best].sum(axis=0)
    for origin in tariff.origins.added:
        found = additions(tariff, lines, selection, rows, np.full(len(rows), origin, np.int64))
        total = columns.ad_valorem[found].sum(axis=0)
        best = np.where(total > heaviest, found, best)
        heaviest = np.maximum(total, heaviest)
    general: Any = tariff.schedules.entry(tariff.schedules.names["general"], lines.line[rows], selection.slot[rows])
    applies = heaviest > 0
    selection.fault[rows[applies & (general == NONE)]] = NO_RATE
    normal: Any = selection.entry[rows]
    above = columns.ad_valorem[general] > columns.ad_valorem[normal] + heaviest
    mixed = np.flatnonzero(applies & ~(columns.plain[general] & columns.plain[normal]))
    if len(mixed):
        added = sum((burden(tariff, lines, rows[mixed], found) for found in best[:, mixed]), start=0)
        own = burden(tariff, lines, rows[mixed], normal[mixed]) + added
        above[mixed] = burden(tariff, lines, rows[mixed], general[mixed]) > own
    higher = applies & (general != NONE) & above
    selection.kind[rows[higher]] = GENERAL
    selection.entry[rows[higher]] = general[higher]
    return np.where(higher, NONE, best)
