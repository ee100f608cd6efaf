"""What is levied: general trade rounds each tax at its own step, retail keeps the chain exact (rule A1).

Every formula works alike on int64 columns and on columns of Python integers. `scale` is 1 for rates that are shares of
the value; with amounts per unit (`*_parts`, in 10^-7 fen) it is 10^7 and the columns hold Python integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.money import half_up
from customs.duty.bounds import SPECIFIC_PARTS
from customs.duty.columns import NO_QUANTITY, OK, Ints, Lines, Selection, Taxes
from customs.duty.selection import specific_parts
from customs.tariff.rates import WHOLE
from customs.tariff.schedules import NONE
from customs.tariff.tariff import Tariff


def general_trade(tariff: Tariff, lines: Lines, selection: Selection) -> Taxes:
    """Duty on the value; each addition on the value; consumption tax on their sum, itself included; VAT on all of it
    (Tariff Law art. 23, Consumption Tax Regulations art. 9, VAT Law art. 14). Rounded half-up to fen at each step."""
    columns = tariff.columns
    rate = _share(columns.ad_valorem, selection.entry)
    duty = half_up(lines.value * rate, WHOLE)
    added = selection.added
    additions = np.zeros(added.shape, np.int64)
    if (added != NONE).any():
        additions = half_up(lines.value * _share(columns.ad_valorem, added), WHOLE)
    wide = _by_quantity(tariff, lines, selection)
    rows = np.flatnonzero(wide)
    if len(rows):
        duty[rows] = _duty(tariff, lines, selection, rows)
        for depth in range(len(added)):
            additions[depth, rows] = _addition(tariff, lines, selection, rows, depth)
    additional = additions.sum(axis=0) if len(additions) else np.zeros(len(lines), np.int64)
    base = lines.value + duty + additional
    consumption = _consumption(tariff, lines, selection, base)
    vat = half_up((base + consumption) * _share(columns.ad_valorem, selection.vat), WHOLE)
    return Taxes(duty, additions, additional, consumption, vat)


def retail(tariff: Tariff, lines: Lines, selection: Selection, share: int) -> Taxes:
    """Inside the limits: no duty; `share` percent of consumption tax and VAT, each rounded once from the exact chain.

    With P the value, c and v the rates and q an amount per unit, consumption tax is (P*c + q) / (1 - c) and VAT
    (P + q) / (1 - c) * v, both times the share (Caiguanshui 2016 No.18, 2018 No.49).
    """
    columns = tariff.columns
    v = _share(columns.ad_valorem, selection.vat)
    zero = np.zeros(len(lines), np.int64)
    taxed = np.flatnonzero(selection.consumption != NONE)
    vat = half_up(share * lines.value * v, 100 * WHOLE)
    consumption = zero.copy()
    if len(taxed):
        entry = selection.consumption[taxed]
        c = columns.ad_valorem[entry]
        value, parts, scale = _scaled(tariff, lines, selection, taxed, entry)
        consumption[taxed] = half_up(share * (value * c + parts * WHOLE), 100 * (WHOLE - c) * scale)
        vat[taxed] = half_up(share * (value + parts) * v[taxed], 100 * (WHOLE - c) * scale)
    return Taxes(zero, np.zeros((0, len(lines)), np.int64), zero.copy(), consumption, vat)


def retail_in_full(tariff: Tariff, lines: Lines, selection: Selection) -> Taxes:
    """A single item above the single limit: duty, additions, consumption tax and VAT in full; the chain stays exact and
    each kind is rounded once. Few lines take this way, so it runs on Python integers throughout."""
    columns = tariff.columns
    rows = np.arange(len(lines))
    unit = WHOLE * SPECIFIC_PARTS  # of one fen
    value = lines.value.astype(object) * unit
    duty = _exact(tariff, lines, selection, rows, selection.entry)
    exact_additions = [_exact(tariff, lines, selection, rows, entry) for entry in selection.added.astype(np.int64)]
    base = value + duty + sum(exact_additions)
    c = _share(columns.ad_valorem, selection.consumption).astype(object)
    v = _share(columns.ad_valorem, selection.vat).astype(object)
    parts = _parts(tariff, lines, selection, rows, selection.consumption) * WHOLE
    consumption = half_up(base * c + parts * WHOLE, (WHOLE - c) * unit)
    vat = half_up((base + parts) * v, (WHOLE - c) * unit)
    additions = np.array([half_up(each, unit) for each in exact_additions], np.int64).reshape(-1, len(lines))
    return Taxes(half_up(duty, unit).astype(np.int64), additions, additions.sum(axis=0),
                 consumption.astype(np.int64), vat.astype(np.int64))  # fmt: skip


def _share(rates: Ints, entries: Any) -> Any:
    """The ad valorem rate of each entry; nothing in force is no rate."""
    return np.where(entries == NONE, 0, rates.take(entries, mode="wrap"))


def _by_quantity(tariff: Tariff, lines: Lines, selection: Selection) -> Any:
    columns = tariff.columns
    wide = _share(columns.specific, selection.entry) > 0
    if (selection.added != NONE).any():
        wide |= (_share(columns.specific, selection.added) > 0).any(axis=0)
    return wide


def _duty(tariff: Tariff, lines: Lines, selection: Selection, rows: Any) -> Any:
    exact = _exact(tariff, lines, selection, rows, selection.entry[rows])
    return half_up(exact, WHOLE * SPECIFIC_PARTS)


def _addition(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, depth: int) -> Any:
    exact = _exact(tariff, lines, selection, rows, selection.added[depth, rows].astype(np.int64))
    return half_up(exact, WHOLE * SPECIFIC_PARTS)


def _exact(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> Any:
    """The exact duty of an entry in 1 / (WHOLE * 10^7) fen, as Python integers."""
    share = _share(tariff.columns.ad_valorem, entries).astype(object)
    parts = _parts(tariff, lines, selection, rows, entries)
    return lines.value[rows].astype(object) * share * SPECIFIC_PARTS + parts * WHOLE


def _parts(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> Any:
    """The amount per unit in 10^-7 fen; a quantity that is needed and missing becomes a fault of the row."""
    parts = np.zeros(len(rows), object)
    has = np.flatnonzero(_share(tariff.columns.specific, entries) > 0)
    if len(has):
        parts[has], missing = specific_parts(tariff, lines, rows[has], entries[has])
        late = rows[has][missing]
        selection.fault[late[selection.fault[late] == OK]] = NO_QUANTITY
    return parts


def _scaled(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> tuple[Any, Any, int]:
    """(value, amount per unit, scale): int64 and scale 1 while no entry has an amount per unit."""
    value = lines.value[rows]
    if not _share(tariff.columns.specific, entries).any():
        return value, np.zeros(len(rows), np.int64), 1
    parts = _parts(tariff, lines, selection, rows, entries)
    return value.astype(object) * SPECIFIC_PARTS, parts, SPECIFIC_PARTS


def _consumption(tariff: Tariff, lines: Lines, selection: Selection, base: Ints) -> Ints:
    """(base * c + q) / (1 - c), rounded: the tax is part of its own base, the amount per unit inside the bracket."""
    consumption = np.zeros(len(lines), np.int64)
    taxed = np.flatnonzero(selection.consumption != NONE)
    if len(taxed):
        entry = selection.consumption[taxed]
        c = tariff.columns.ad_valorem[entry]
        scale, parts = 1, np.zeros(len(taxed), np.int64)
        own: Any = base[taxed]
        if _share(tariff.columns.specific, entry).any():
            scale, parts = SPECIFIC_PARTS, _parts(tariff, lines, selection, taxed, entry)
            own = own.astype(object) * SPECIFIC_PARTS
        consumption[taxed] = half_up(own * c + parts * WHOLE, (WHOLE - c) * scale)
    return consumption
