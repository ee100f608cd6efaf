"""Rates that depend on the goods' price or quantity: the lower or higher of two, by unit price, sliding.

A row at a time on Python integers and fractions: few rows carry such a rate, and each comparison is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from customs.duty.bounds import QUANTITY_PARTS, SPECIFIC_PARTS
from customs.duty.columns import NO_EXCHANGE, NO_QUANTITY, OK, Ints, Lines
from customs.tariff.rates import FROM, HIGHER, LOWER, WHOLE, Price
from customs.tariff.tariff import Tariff


class Resolved(NamedTuple):
    """Per row the entry of the arm that applies, its share of the value in 0.001 %, and why it cannot be told."""

    entry: Ints
    share: Ints
    fault: Ints
    doubtful: set[int]


def resolve(tariff: Tariff, lines: Lines, rows: Ints, entries: Ints) -> Resolved:
    """The arm that applies on each row, and the rate of a sliding one at the row's price."""
    columns = tariff.columns
    entries = entries.astype(np.int64)
    resolved = Resolved(entries, columns.ad_valorem[entries], np.zeros(len(rows), np.int64), set())
    for i in np.flatnonzero((columns.how[entries] != 0) | columns.slides[entries]).tolist():
        _resolve(tariff, lines, int(rows[i]), i, resolved)
    return resolved


def _resolve(tariff: Tariff, lines: Lines, row: int, i: int, resolved: Resolved) -> None:
    columns = tariff.columns
    entry = int(resolved.entry[i])
    if columns.how[entry]:
        chosen, fault, sure = _choose(tariff, lines, row, entry)
        resolved.entry[i], resolved.fault[i] = chosen, fault
        if not sure:
            resolved.doubtful.add(row)
    resolved.share[i], missing = _share(tariff, lines, row, int(resolved.entry[i]))
    if missing:
        resolved.fault[i] = NO_QUANTITY


def _choose(tariff: Tariff, lines: Lines, row: int, entry: int) -> tuple[int, int, bool]:
    """(entry of the arm, fault, whether the exchange rate is the month's own)."""
    columns = tariff.columns
    other, how = int(columns.other[entry]), int(columns.how[entry])
    if how in (LOWER, HIGHER):
        own_duty, own_missing = _duty(tariff, lines, row, entry)
        other_duty, other_missing = _duty(tariff, lines, row, other)
        takes_other = other_duty < own_duty if how == LOWER else other_duty > own_duty
        return other if takes_other else entry, NO_QUANTITY if own_missing or other_missing else OK, True
    price = columns.entries[entry].rate.price
    assert price is not None
    compared = compare(tariff, lines, row, [price])
    if isinstance(compared, int):
        return entry, compared, True
    side, sure = compared
    applies = side >= 0 if how == FROM else side <= 0
    return entry if applies else other, OK, sure


def compare(tariff: Tariff, lines: Lines, row: int, prices: Sequence[Price]) -> tuple[int, bool] | int:
    """The unrounded value per unit beside the first price whose unit is known for the row (rule A21): -1 below, 0
    equal, 1 above, and whether the exchange rate is the month's own; else the fault NO_QUANTITY or NO_EXCHANGE."""
    exact = int(lines.value[row]) if lines.exact is None else lines.exact[row]
    for price in prices:
        content = lines.quantity.get(price.unit)
        if content is None or content[row] <= 0:
            continue
        rate = cny_per(tariff, lines, price.currency, int(lines.day[row]))
        if rate is None:
            return NO_EXCHANGE
        cny, sure = rate
        # exact fen / 100 beside price * content parts / 100,000, without a division
        ours = exact * 1000 * price.denominator * cny.denominator
        theirs = price.numerator * cny.numerator * int(content[row])
        return (ours > theirs) - (ours < theirs), sure
    return NO_QUANTITY


def cny_per(tariff: Tariff, lines: Lines, currency: str, day: int) -> tuple[Fraction, bool] | None:
    """The exchange rate for a price threshold: the request's, else the law's of that month, else the nearest month's
    on file, which makes the answer assumed."""
    if currency == "CNY":
        return Fraction(1), True
    given = None if lines.exchange is None else lines.exchange(currency, day)
    return given or tariff.nearest_rate(currency, day)


def _share(tariff: Tariff, lines: Lines, row: int, entry: int) -> tuple[int, bool]:
    """The ad valorem part of one arm in 0.001 %, and whether a quantity is missing for it."""
    columns = tariff.columns
    if not columns.slides[entry]:
        return int(columns.ad_valorem[entry]), False
    sliding = columns.entries[entry].rate.sliding
    assert sliding is not None
    quantity = lines.quantity.get(sliding.unit)
    parts = -1 if quantity is None else int(quantity[row])
    if parts <= 0:
        return 0, True
    price = Fraction(int(lines.value[row]) * QUANTITY_PARTS, 100 * parts)
    return (sliding.at(price) if price else sliding.most), False


def _duty(tariff: Tariff, lines: Lines, row: int, entry: int) -> tuple[int, bool]:
    """The exact duty of one arm in 1 / (WHOLE * SPECIFIC_PARTS) fen, and whether a quantity is missing for it."""
    columns = tariff.columns
    share, missing = _share(tariff, lines, row, entry)
    duty = int(lines.value[row]) * share * SPECIFIC_PARTS
    unit = int(columns.unit[entry])
    if unit:
        quantity = lines.quantity.get(columns.units[unit])
        parts = -1 if quantity is None else int(quantity[row])
        missing = missing or parts < 0
        duty += max(parts, 0) * int(columns.specific[entry]) * WHOLE
    return duty, missing


def burden(tariff: Tariff, lines: Lines, rows: Ints, entries: Ints) -> Any:
    """The exact duty an entry would give on each row, as Python integers of one scale; for comparing rates of
    different form. A quantity that is not given counts as zero here and is refused where the rate is applied."""
    resolved = resolve(tariff, lines, rows, entries)
    share = lines.value[rows].astype(object) * resolved.share * SPECIFIC_PARTS
    return share + specific_parts(tariff, lines, rows, resolved.entry)[0] * WHOLE


def specific_parts(tariff: Tariff, lines: Lines, rows: Ints, entries: Ints) -> tuple[Any, Any]:
    """The amount per unit on each row in 10^-7 fen as Python integers, and where its quantity is missing."""
    columns = tariff.columns
    parts = np.zeros(len(rows), object)
    missing = np.zeros(len(rows), bool)
    units = columns.unit[entries]
    for unit in np.unique(units):
        if unit == 0:
            continue
        at = np.flatnonzero(units == unit)
        given = lines.quantity.get(columns.units[unit])
        quantity = np.full(len(at), -1, np.int64) if given is None else given[rows[at]]
        missing[at] = quantity < 0
        parts[at] = np.maximum(quantity, 0).astype(object) * columns.specific[entries[at]]
    return parts, missing
