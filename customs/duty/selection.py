"""Which rate the law selects (Tariff Law art. 10-19): base rate, the lowest proven preference, the additions.

Rules A7 to A12, A19 and A23 say how the articles are read; each step works on columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from customs.duty.bounds import SPECIFIC_PARTS
from customs.duty.columns import (
    GENERAL,
    MFN,
    NO_CLASS,
    NO_CONTENT,
    NO_INSTANT,
    NO_QUANTITY,
    NO_RATE,
    NO_VAT,
    OK,
    PREFERENCE,
    PROVISIONAL,
    QUOTA,
    Ints,
    Lines,
    Selection,
)
from customs.tariff.origins import MFN as MFN_CLASS
from customs.tariff.origins import NO_CLASS as WITHOUT_CLASS
from customs.tariff.rates import RATE_MAX, WHOLE
from customs.tariff.reading import FIRST
from customs.tariff.schedules import NONE
from customs.tariff.tariff import Tariff

_BASE = ("mfn", "provisional", "general", "quota_rates", "vat", "consumption_tax")


def select(tariff: Tariff, lines: Lines, duty: bool = True) -> Selection:
    """The selection for each line. Without `duty` only VAT and consumption tax are looked up (inside retail limits).

    Faults are values in the `fault` column, not exceptions: a batch has good rows beside bad ones.
    """
    slot = tariff.slots.of_day.take(lines.day - FIRST)
    found = tariff.schedules.entry(_wanted(tariff, duty), lines.line, slot)
    vat, consumption = found[-2], found[-1]
    count = len(lines)
    fault = np.zeros(count, np.int64)
    if (vat == NONE).any():
        fault[vat == NONE] = NO_VAT
    if duty:
        kind, entry = _base(tariff, lines, slot, found, fault)
    else:
        kind, entry = np.zeros(count, np.int64), np.full(count, NONE, np.int32)
    selection = Selection(slot, kind, entry, np.full(count, NONE, np.int64), np.zeros(0, np.int64),
                          np.zeros((0, 0), np.int32), vat, consumption, fault)  # fmt: skip
    if duty:
        _preferences(tariff, lines, selection)
        _lower_arm(tariff, lines, selection)
        _additions(tariff, lines, selection)
    _consumption(tariff, lines, selection)
    return selection


def _wanted(tariff: Tariff, duty: bool) -> Ints:
    """The schedules every line is looked up in, as a column of their numbers."""
    names = tariff.schedules.names
    return np.array([[names[name]] for name in (_BASE if duty else _BASE[4:])], np.int64)


def _base(tariff: Tariff, lines: Lines, slot: Any, found: Any, fault: Any) -> tuple[Any, Any]:
    """Art. 12-14: in quota the quota rate; MFN origins the provisional rate or MFN; other origins the general rate."""
    mfn, provisional, general, quota = found[0], found[1], found[2], found[3]
    rate_class = tariff.origins.rate_class[lines.origin, slot]
    most_favoured = rate_class == MFN_CLASS
    temporary = provisional != NONE
    kind = np.where(most_favoured, np.where(temporary, PROVISIONAL, MFN), GENERAL)
    entry = np.where(most_favoured, np.where(temporary, provisional, mfn), general)
    in_quota = quota != NONE
    if in_quota.any():
        kind, entry = np.where(in_quota, QUOTA, kind), np.where(in_quota, quota, entry)
    unknown = ~tariff.columns.known[entry]
    if unknown.any():
        fault[unknown & (fault == OK)] = NO_RATE
    classless = (rate_class == WITHOUT_CLASS) & ~in_quota
    if classless.any():
        fault[classless & (fault != NO_VAT)] = NO_CLASS
    return kind, entry


def _preferences(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Art. 13 and rule A23: the lowest rate among the base and the agreements whose proof is given."""
    if lines.proven is None and lines.claim is None:
        return
    origins = tariff.origins
    proven = np.zeros(len(lines), bool) if lines.proven is None else lines.proven
    claim = np.full(len(lines), -1, np.int64) if lines.claim is None else lines.claim
    rows = np.flatnonzero((proven | (claim >= 0)) & origins.has_agreement[lines.origin])
    if not len(rows):
        return
    origin, slot = lines.origin[rows], selection.slot[rows]
    schedule = origins.preference[:, origin]
    given = (schedule >= 0) & (proven[rows] | (claim[rows] == schedule)) & origins.member[:, origin, slot]
    found = np.where(given, tariff.schedules.entry(np.maximum(schedule, 0), lines.line[rows], slot), NONE)
    offered = found != NONE
    if tariff.columns.plain[found[offered]].all():
        # Shares of the value compare by themselves: one pass over the lowest, the first of equals.
        shares = np.where(offered, tariff.columns.ad_valorem[found], RATE_MAX + 1)
        lowest = shares.argmin(axis=0)
        at = np.arange(len(rows))
        _take_lower(tariff, lines, selection, rows, found[lowest, at], schedule[lowest, at])
        return
    for depth in range(len(schedule)):
        _take_lower(tariff, lines, selection, rows, found[depth], schedule[depth])


def _take_lower(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, found: Any, schedule: Any) -> None:
    now = selection.entry[rows]
    columns = tariff.columns
    lower = columns.ad_valorem[found] < columns.ad_valorem[now]
    mixed = ~(columns.plain[found] & columns.plain[now])
    if mixed.any():
        at = np.flatnonzero(mixed)
        lower[at] = burden(tariff, lines, rows[at], found[at]) < burden(tariff, lines, rows[at], now[at])
    faults = selection.fault[rows]
    if faults.any():
        # Without a base rate the preference stands alone: it does not need MFN (rule A10).
        alone = ((faults == NO_CLASS) | (faults == NO_RATE)) & (found != NONE) & (selection.kind[rows] != PREFERENCE)
        lower |= alone
        selection.fault[rows[alone]] = OK
    taken = np.flatnonzero(lower & (found != NONE))
    at = rows[taken]
    selection.kind[at] = PREFERENCE
    selection.entry[at] = found[taken]
    selection.agreement[at] = schedule[taken]


def burden(tariff: Tariff, lines: Lines, rows: Any, entries: Any) -> Any:
    """The exact duty an entry would give on each row, as Python integers of one scale; for comparing rates of
    different form. A quantity that is not given counts as zero here and is refused where the rate is applied."""
    columns = tariff.columns
    best = _own_burden(tariff, lines, rows, entries)
    arms = columns.lower[entries]
    has = arms != NONE
    if has.any():
        other = _own_burden(tariff, lines, rows[has], arms[has])
        best[has] = np.minimum(best[has], other)
    return best


def _own_burden(tariff: Tariff, lines: Lines, rows: Any, entries: Any) -> Any:
    columns = tariff.columns
    share = lines.value[rows].astype(object) * columns.ad_valorem[entries] * SPECIFIC_PARTS
    return share + specific_parts(tariff, lines, rows, entries)[0] * WHOLE


def specific_parts(tariff: Tariff, lines: Lines, rows: Any, entries: Any) -> tuple[Any, Any]:
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


def _lower_arm(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Of an alternative duty the lower arm applies; the entry column then names that arm."""
    columns = tariff.columns
    arms = columns.lower[selection.entry]
    rows = np.flatnonzero(arms != NONE)
    if not len(rows):
        return
    own = _own_burden(tariff, lines, rows, selection.entry[rows])
    other = _own_burden(tariff, lines, rows, arms[rows])
    cheaper = (other < own).astype(bool)
    _, missing = specific_parts(tariff, lines, rows, arms[rows])
    selection.fault[rows[missing]] = NO_QUANTITY
    selection.entry[rows[cheaper]] = arms[rows[cheaper]]


def _additions(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Art. 16-18: anti-dumping, countervailing, safeguard, retaliatory and reciprocal duties of the origin, each its
    own addition (rule A2). Art. 19: origin unproven, the heaviest burden of any origin."""
    bears = tariff.origins.bears_addition[lines.origin]
    if lines.unproven is not None:
        bears = bears | lines.unproven
    rows = np.flatnonzero(bears)
    if not len(rows):
        return
    found = additions(tariff, lines, selection, rows, lines.origin[rows])
    if lines.unproven is not None and lines.unproven.any():
        at = np.flatnonzero(lines.unproven[rows])
        found[:, at] = _unproven(tariff, lines, selection, rows[at], found[:, at])
    bearing = (found != NONE).any(axis=0)
    selection.added_at, selection.added = rows[bearing], found[:, bearing]


def additions(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, origin: Any) -> Any:
    """The entries added on each row if it were of `origin`; marks rows whose day needs an instant (rule A19)."""
    origins, columns = tariff.origins, tariff.columns
    schedule = origins.addition[:, origin]
    found = tariff.schedules.entry(np.maximum(schedule, 0), lines.line[rows], selection.slot[rows])
    found = np.where(schedule >= 0, found, NONE)
    if len(origins.exporters) > 1:
        found = _of_exporter(tariff, lines, rows, origin, found)
    ending = columns.until[found] >= 0
    if ending.any():
        minute = np.full(len(rows), -1, np.int64) if lines.minute is None else lines.minute[rows]
        selection.fault[rows[ending.any(axis=0) & (minute < 0)]] = NO_INSTANT
        found = np.where(ending & (minute >= columns.until[found]), NONE, found)
    return found


def _of_exporter(tariff: Tariff, lines: Lines, rows: Any, origin: Any, found: Any) -> Any:
    """An exporter's own rate displaces for it the rate of all others (Anti-Dumping Regulations art. 41)."""
    origins = tariff.origins
    exporter = np.zeros(len(rows), np.int64) if lines.exporter is None else lines.exporter[rows]
    wanted = origins.addition_exporter[:, origin]
    result = np.where((wanted == 0) | (wanted == exporter), found, NONE)
    for i in np.flatnonzero(exporter > 0):
        for depth, (_, measure, code) in enumerate(origins.added[int(origin[i])]):
            if code == 0 and (measure, int(exporter[i])) in origins.named:
                result[depth, i] = NONE
    return result


def _unproven(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, best: Any) -> Any:
    """Art. 19: the higher of the normal rate plus the highest measures of any origin, and the general rate; the
    additions that are left."""
    columns = tariff.columns
    heaviest = _sum_of_rates(columns, best)
    for origin in tariff.origins.added:
        found = additions(tariff, lines, selection, rows, np.full(len(rows), origin, np.int64))
        total = _sum_of_rates(columns, found)
        best = np.where(total > heaviest, found, best)
        heaviest = np.maximum(total, heaviest)
    general = tariff.schedules.entry(tariff.schedules.names["general"], lines.line[rows], selection.slot[rows])
    applies = heaviest > 0
    selection.fault[rows[applies & (general == NONE)]] = NO_RATE
    normal = columns.ad_valorem[selection.entry[rows]]
    higher = applies & (general != NONE) & (columns.ad_valorem[general] > normal + heaviest)
    selection.kind[rows[higher]] = GENERAL
    selection.entry[rows[higher]] = general[higher]
    return np.where(higher, NONE, best)


def _sum_of_rates(columns: Any, found: Any) -> Any:
    return columns.ad_valorem[found].sum(axis=0)


def _consumption(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Consumption tax: a price threshold compares the unrounded value per unit of net content (rule A21)."""
    columns = tariff.columns
    entry = selection.consumption
    taxed = np.flatnonzero(entry != NONE)
    if not len(taxed):
        return
    unread = taxed[~columns.known[entry[taxed]]]
    selection.fault[unread[selection.fault[unread] == OK]] = NO_RATE
    for i in taxed[columns.threshold[entry[taxed]]]:
        reached = _reaches(tariff, lines, int(i), int(entry[i]))
        if reached is None:
            selection.fault[i] = NO_CONTENT
        elif not reached:
            entry[i] = columns.below[entry[i]]


def _reaches(tariff: Tariff, lines: Lines, row: int, entry: int) -> bool | None:
    """True when the value per unit reaches the threshold; None when no fitting quantity is given."""
    exact = int(lines.value[row]) if lines.exact is None else lines.exact[row]
    for threshold in tariff.columns.thresholds[entry]:
        content = lines.quantity.get(threshold.unit)
        if content is not None and content[row] > 0:
            # exact fen / 100 >= amount * content parts / 100,000, without a division
            return bool(exact * 1000 * threshold.denominator >= threshold.numerator * int(content[row]))
    return None
