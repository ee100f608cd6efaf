"""Duties added to the selected rate: anti-dumping, countervailing, safeguard, retaliatory, reciprocal (Tariff Law art.
16-18), each its own addition (rule A2); and art. 19 for goods whose origin is not proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from customs.duty.choices import burden
from customs.duty.columns import GENERAL, NO_INSTANT, NO_RATE, Ints, Lines, Selection
from customs.tariff.columns import EntryColumns
from customs.tariff.schedules import NONE
from customs.tariff.tariff import Tariff

_SHARES_MOST = 10**9  # above any sum of shares of the value


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
    found = additions(tariff, lines, selection, rows)
    if lines.unproven is not None and lines.unproven.any():
        at = np.flatnonzero(lines.unproven[rows])
        found[:, at] = _unproven(tariff, lines, selection, rows[at])
    if lines.beyond is not None:
        found = np.vstack([found, *_beyond(tariff, lines, selection, rows)])
    bearing = (found != NONE).any(axis=0)
    selection.added_at, selection.added = rows[bearing], found[:, bearing]


def additions(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints) -> Any:
    """The entries added on each row by its origin and exporter."""
    origin = lines.origin[rows]
    found = _of_origin(tariff, lines, selection, rows, origin)
    if len(tariff.origins.exporters) > 1:
        exporter = np.zeros(len(rows), np.int64) if lines.exporter is None else lines.exporter[rows]
        found = _of_exporter(tariff, exporter, origin, found)
    return found


def _of_origin(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints, origin: Ints) -> Any:
    """What is in force for each row if it were of `origin`, of whichever exporter; marks rows whose day needs an
    instant (rule A19)."""
    schedule, slot = tariff.origins.addition[:, origin], selection.slot[rows]
    found = tariff.schedules.entry(np.maximum(schedule, 0), lines.line[rows], slot)
    reached = (schedule >= 0) & ~tariff.origins.left_out[:, origin, slot]
    found = _at_the_minute(tariff.columns, lines, selection, rows, np.where(reached, found, NONE))
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


def _of_exporter(tariff: Tariff, exporter: Ints, origin: Ints, found: Any) -> Any:
    """An exporter's own rate displaces for it the rate of all others (Anti-Dumping Regulations art. 41)."""
    origins = tariff.origins
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


def _unproven(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints) -> Any:
    """Art. 19: the higher of the normal rate plus the heaviest measures of any origin, whoever exports, and the general
    rate; the additions that are left."""
    columns = tariff.columns
    candidates = list(_of_anyone(tariff, lines, selection, rows))
    general: Any = tariff.schedules.entry(tariff.schedules.names["general"], lines.line[rows], selection.slot[rows])
    normal: Any = selection.entry[rows]
    plain = all(columns.plain[found].all() for found in (*candidates, general, normal))

    def weight(found: Any) -> Any:
        """What entries come to: shares where all are shares, else amounts, and for equal amounts shares."""
        share = columns.ad_valorem[found]
        return share if plain else burden(tariff, lines, rows, found) * _SHARES_MOST + share

    best: Any = np.full((len(tariff.origins.addition), len(rows)), NONE)
    heaviest: Any = np.zeros(len(rows), np.int64)
    applies = np.zeros(len(rows), bool)  # whatever the value: of nothing a share is nothing
    for found in candidates:
        total = sum((weight(each) for each in found), start=np.zeros(len(rows), np.int64))
        best, heaviest = np.where(total > heaviest, found, best), np.maximum(total, heaviest)
        applies |= ((columns.ad_valorem[found] > 0) | (columns.specific[found] > 0)).any(axis=0)
    selection.fault[rows[applies & (general == NONE)]] = NO_RATE
    higher = applies & (general != NONE) & (weight(general) > weight(normal) + heaviest).astype(bool)
    selection.kind[rows[higher]] = GENERAL
    selection.entry[rows[higher]] = general[higher]
    return np.where(higher, NONE, best)


def _of_anyone(tariff: Tariff, lines: Lines, selection: Selection, rows: Ints) -> Iterator[Any]:
    """The additions of every origin, and of each exporter there that has a rate of its own."""
    origins = tariff.origins
    alike = {
        (tuple(added), origins.left_out[:, country].tobytes()): country for country, added in origins.added.items()
    }
    for (added, _), country in alike.items():
        origin = np.full(len(rows), country)
        found = _of_origin(tariff, lines, selection, rows, origin)
        for code in sorted({0, *(code for _, _, code in added)}):
            yield _of_exporter(tariff, np.full(len(rows), code), origin, found)
