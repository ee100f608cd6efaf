"""The rows of a piece through `customs.duty.batch`: codes spread over the lines they stand for, taxes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customs.assessments.files.columns import Bools, Ints
from customs.assessments.files.given import MISSING, Given
from customs.assessments.files.index import SEVERAL, Index
from customs.assessments.files.quantities import measured
from customs.assessments.files.values import Values
from customs.assessments.request import EVIDENCE
from customs.duty.batch import Batch, Levied, levy
from customs.duty.columns import OK

_UNPROVEN = EVIDENCE.index("unproven")
OWN = -1  # in place of a fault: the row is to be assessed by itself


@dataclass(slots=True)
class Asked:
    """What the engine needs of each row of a piece besides `Given`: the line (or SEVERAL, UNKNOWN), origin and exporter
    numbers, and the schedule of the agreement that is claimed and proven, else -1."""

    given: Given
    values: Values
    line: Ints
    origin: Ints
    exporter: Ints
    claim: Ints


@dataclass(slots=True)
class Answered:
    """For each row asked: taxes in fen in the order duty, additional duty, consumption tax, VAT; the numbers of the
    rates' texts; the engine's fault; and whether the lines under a code of eight digits differ (rule A11). A row that
    stands for no line in force is `closed`."""

    taxes: tuple[Ints, ...]
    duty_rate: Ints
    vat_rate: Ints
    fault: Ints
    ambiguous: Bools
    closed: Bools


def answer(index: Index, route: str, asked: Asked, rows: Ints, rates: Mapping[str, Decimal], share: int) -> Answered:
    """The answers to some rows with known codes; `share` as in `levy`."""
    parent, line = _members(index, asked, rows)
    levied = _levy(index, route, asked, rows[parent], line, rates, share)
    # A sliding rate is shown at the line's price, which the engine's columns do not carry.
    levied.fault[(levied.fault == OK) & index.tariff.columns.slides[levied.entry]] = OWN
    duty_rate = index.text_of[levied.entry]
    day = asked.given.day[rows[parent]]
    columns = (levied.duty, levied.additional_duty, levied.consumption_tax, levied.vat, duty_rate,
               index.vat_text(line, day), levied.fault)  # fmt: skip
    closed = np.zeros(len(rows), bool)
    if len(parent) == len(rows):
        first, ambiguous = np.arange(len(rows)), closed.copy()
    else:
        first, ambiguous, closed = _compare(parent, len(rows), (*columns[:5], levied.fault, levied.kind))
    *taxes, duty_rate, vat_rate, fault = (column[first] for column in columns) if len(line) else _nothing(len(rows))
    return Answered(tuple(taxes), duty_rate, vat_rate, fault, ambiguous, closed)


def _nothing(count: int) -> list[Ints]:
    return [np.zeros(count, np.int64) for _ in range(7)]


def _members(index: Index, asked: Asked, rows: Ints) -> tuple[Ints, Ints]:
    """(place in `rows`, line) of every line each row stands for; the lines of one row side by side, rows in order."""
    given, line = asked.given, asked.line[rows]
    several = np.flatnonzero(line == SEVERAL)
    if not len(several):
        return np.arange(len(rows)), line
    single = np.flatnonzero(line != SEVERAL)
    parents, lines = [single], [line[single]]
    codes = given.hs.codes[rows[several]]
    by_code = several[np.argsort(codes, kind="stable")]
    words, starts = np.unique(np.sort(codes), return_index=True)
    for word, places in zip(words.tolist(), np.split(by_code, starts[1:]), strict=True):
        place, member = _in_force(index, given.hs.words[word], given.day[rows[places]])
        parents.append(places[place])
        lines.append(member)
    parent, line = np.concatenate(parents), np.concatenate(lines)
    order = np.argsort(parent, kind="stable")
    return parent[order], line[order]


def _in_force(index: Index, hs: str, day: Ints) -> tuple[Ints, Ints]:
    """(place in `day`, line) of the lines in force under a code of eight digits: its ten-digit codes, else itself."""
    tariff, lines = index.tariff, np.array(index.lines_of(hs), np.int64)
    open_ = (tariff.line_first[lines] <= day[:, None]) & (day[:, None] <= tariff.line_last[lines])
    if len(tariff.rows[lines[-1]]["hs"]) == 8:
        open_[:, -1] &= ~open_[:, :-1].any(axis=1)
    place, member = np.nonzero(open_)
    return place, lines[member]


def _compare(parent: Ints, count: int, columns: tuple[Ints, ...]) -> tuple[Ints, Bools, Bools]:
    """(first member of each row, whether its members differ, whether it has none)."""
    there, first_there = np.unique(parent, return_index=True)
    first = np.zeros(count, np.int64)
    first[there] = first_there
    closed = np.ones(count, bool)
    closed[there] = False
    ambiguous = np.zeros(count, bool)
    for column in columns:
        ambiguous[parent[column != column[first[parent]]]] = True
    return first, ambiguous, closed


def _levy(
    index: Index, route: str, asked: Asked, rows: Ints, line: Ints, rates: Mapping[str, Decimal], share: int
) -> Levied:
    """Plain lines and lines with rates by price or quantity run as two batches of one engine."""
    special = index.special[line]
    if not special.any():
        return levy(index.tariff, route, _batch(index, asked, rows, line), share)
    out = Levied(*(np.zeros(len(rows), np.int64) for _ in range(7)))
    for at, wide in ((np.flatnonzero(~special), False), (np.flatnonzero(special), True)):
        batch, beyond = _batch(index, asked, rows[at], line[at]), None
        if wide:
            batch, beyond = _widened(index, asked, batch, rows[at], line[at], rates)
        levied = levy(index.tariff, route, batch, share)
        if beyond is not None:
            levied.fault[beyond] = OWN
        for name in Levied.__slots__:
            getattr(out, name)[at] = getattr(levied, name)
    return out


def _batch(index: Index, asked: Asked, rows: Ints, line: Ints) -> Batch:
    """The engine's columns; those that nobody uses are left out."""
    given = asked.given
    unproven = given.evidence[rows] == _UNPROVEN
    return Batch(
        code=index.tariff.keys[line],
        origin=asked.origin[rows],
        day=given.day[rows],
        value=asked.values.fen[rows],
        proven=given.proof[rows] & ~unproven,
        claim=_used(asked.claim[rows], -1),
        unproven=unproven if unproven.any() else None,
        minute=_used(given.minute[rows], MISSING),
        exporter=_used(asked.exporter[rows], 0),
    )


def _used(column: Ints, unused: int) -> Ints | None:
    return column if (column != unused).any() else None


def _widened(
    index: Index, asked: Asked, batch: Batch, rows: Ints, line: Ints, rates: Mapping[str, Decimal]
) -> tuple[Batch, Bools]:
    """The same with quantities, unrounded values, and the file's rates for price thresholds in foreign currency; and
    where a quantity is beyond the bounds."""
    given = {currency: (Fraction(rate), True) for currency, rate in rates.items()}
    quantity, beyond = measured(index, asked.given, rows, line)
    wide = replace(batch, exact=_exact(asked.values, rows), quantity=quantity,
                   exchange=lambda currency, _day: given.get(currency))  # fmt: skip
    return wide, beyond


def _exact(values: Values, rows: Ints) -> NDArray[Any]:
    exact = np.empty(len(rows), object)
    exact[:] = values.fen[rows].tolist()
    rounded = values.total[rows] * values.factor[rows] % values.divisor[rows] != 0
    for at in np.flatnonzero(rounded).tolist():
        exact[at] = values.exact(int(rows[at]))
    return exact


assert OK == 0  # a row that no line answers has fault 0 and is `closed`
