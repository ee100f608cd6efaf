"""Which rate the law selects (Tariff Law art. 10-19): base rate, the lowest proven preference, the additions.

Rules A7 to A12, A19 and A23 say how the articles are read; each step works on columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from customs.duty.additions import add
from customs.duty.choices import burden, compare, resolve, specific_parts
from customs.duty.columns import (
    GENERAL,
    MFN,
    NO_CLASS,
    NO_CONTENT,
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
from customs.tariff.rates import RATE_MAX
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
    selection = Selection(slot, kind, entry, np.zeros(count, np.int64), np.full(count, NONE, np.int64),
                          np.zeros(0, np.int64), np.zeros((0, 0), np.int32), vat, consumption, fault)  # fmt: skip
    if duty:
        _preferences(tariff, lines, selection)
        add(tariff, lines, selection)
        _arms(tariff, lines, selection)
    _consumption(tariff, lines, selection)
    return selection


def _wanted(tariff: Tariff, duty: bool) -> Ints:
    """The schedules every line is looked up in, as a column of their numbers."""
    names = tariff.schedules.names
    return np.array([[names[name]] for name in (_BASE if duty else _BASE[4:])], np.int64)


def _base(tariff: Tariff, lines: Lines, slot: Any, found: Any, fault: Any) -> tuple[Any, Any]:
    """Art. 12-14: in quota the quota rate, MFN origins MFN, both a provisional one instead; others the general rate."""
    mfn, provisional, general, quota = found[0], found[1], found[2], found[3]
    if lines.part is not None:
        provisional = _of_part(tariff, lines, slot, provisional)
    rate_class = tariff.origins.rate_class[lines.origin, slot]
    most_favoured = rate_class == MFN_CLASS
    temporary = provisional != NONE
    kind = np.where(most_favoured, np.where(temporary, PROVISIONAL, MFN), GENERAL)
    entry = np.where(most_favoured, np.where(temporary, provisional, mfn), general)
    in_quota = quota != NONE
    if in_quota.any():
        kind = np.where(in_quota, np.where(temporary, PROVISIONAL, QUOTA), kind)
        entry = np.where(in_quota, np.where(temporary, provisional, quota), entry)
    unknown = ~tariff.columns.known[entry]
    if unknown.any():
        fault[unknown & (fault == OK)] = NO_RATE
    classless = (rate_class == WITHOUT_CLASS) & ~in_quota
    if classless.any():
        fault[classless & (fault != NO_VAT)] = NO_CLASS
    return kind, entry


def _of_part(tariff: Tariff, lines: Lines, slot: Any, provisional: Any) -> Any:
    """A provisional rate of a part of a code ("ex") goes before that of the whole, for goods said to be that part."""
    assert lines.part is not None
    own = tariff.schedules.entry(np.maximum(lines.part, 0), lines.line, slot)
    return np.where((lines.part >= 0) & (own != NONE), own, provisional)


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
    free = (found != NONE) & columns.plain[found] & (columns.ad_valorem[found] == 0)
    lower = columns.ad_valorem[found] < columns.ad_valorem[now]
    mixed = ~(columns.plain[found] & columns.plain[now])
    if mixed.any():
        at = np.flatnonzero(mixed)
        lower[at] = burden(tariff, lines, rows[at], found[at]) < burden(tariff, lines, rows[at], now[at])
        lower[at] |= free[at] & _unmeasured(tariff, lines, rows[at], now[at])  # zero needs no quantity (rule A11)
    faults = selection.fault[rows]
    if faults.any():
        # An origin without a rate class has its preference alone (rule A10); a base rate that is not on file might be
        # the lower one, except beside zero.
        unrated = ((faults == NO_CLASS) & (found != NONE)) | ((faults == NO_RATE) & free)
        alone = unrated & (selection.kind[rows] != PREFERENCE)
        lower |= alone
        selection.fault[rows[alone]] = OK
    taken = np.flatnonzero(lower & (found != NONE))
    at = rows[taken]
    selection.kind[at] = PREFERENCE
    selection.entry[at] = found[taken]
    selection.agreement[at] = schedule[taken]


def _unmeasured(tariff: Tariff, lines: Lines, rows: Ints, entries: Any) -> Any:
    """Where a rate cannot be applied for want of a quantity."""
    resolved = resolve(tariff, lines, rows, entries)
    return (resolved.fault != OK) | specific_parts(tariff, lines, rows, resolved.entry)[1]


def _arms(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Of a choice of rates the arm that applies; the entry column then names that arm, `share` its rate."""
    columns = tariff.columns
    rows = np.flatnonzero((columns.how[selection.entry] != 0) | columns.slides[selection.entry])
    if len(rows):
        resolved = resolve(tariff, lines, rows, selection.entry[rows])
        selection.entry[rows] = resolved.entry
        told = (resolved.fault != OK) & (selection.fault[rows] == OK)
        selection.fault[rows[told]] = resolved.fault[told]
        selection.doubtful |= resolved.doubtful
        selection.share = columns.ad_valorem[selection.entry]
        selection.share[rows] = resolved.share
    else:
        selection.share = columns.ad_valorem[selection.entry]


def _consumption(tariff: Tariff, lines: Lines, selection: Selection) -> None:
    """Consumption tax: a price threshold compares the unrounded value per unit of net content (rule A21)."""
    columns = tariff.columns
    entry = selection.consumption
    taxed = np.flatnonzero(entry != NONE)
    if not len(taxed):
        return
    unread = taxed[~columns.known[entry[taxed]]]
    selection.fault[unread[selection.fault[unread] == OK]] = NO_RATE
    for i in taxed[columns.threshold[entry[taxed]]].tolist():
        compared = compare(tariff, lines, i, columns.thresholds[entry[i]])
        if isinstance(compared, int):
            selection.fault[i] = NO_CONTENT if compared == NO_QUANTITY else compared
            continue
        side, sure = compared
        if not sure:
            selection.doubtful.add(i)
        if side < 0:
            entry[i] = columns.below[entry[i]]
