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
    duty = half_up(lines.value * columns.ad_valorem[selection.entry], WHOLE)
    wide = np.flatnonzero(columns.specific[selection.entry])
    if len(wide):
        duty[wide] = half_up(_exact(tariff, lines, selection, wide, selection.entry[wide]), WHOLE * SPECIFIC_PARTS)
    base = lines.value + duty
    additional = np.zeros(len(lines), np.int64)
    additions = _additions(tariff, lines, selection)
    if len(selection.added_at):
        additional[selection.added_at] = additions.sum(axis=0)
        base += additional
    consumption = _consumption(tariff, lines, selection, base)
    vat = half_up((base + consumption) * columns.ad_valorem[selection.vat], WHOLE)
    return Taxes(duty, additions, additional, consumption, vat)


def _additions(tariff: Tariff, lines: Lines, selection: Selection) -> Ints:
    """Each addition on the value, rounded on its own (rule A2)."""
    columns, at, added = tariff.columns, selection.added_at, selection.added
    if not len(at):
        return np.zeros(added.shape, np.int64)
    additions: Ints = half_up(lines.value[at] * columns.ad_valorem[added], WHOLE)
    for depth, wide in zip(*np.nonzero(columns.specific[added]), strict=True):
        exact = _exact(tariff, lines, selection, at[[wide]], added[depth, [wide]])
        additions[depth, wide] = half_up(exact, WHOLE * SPECIFIC_PARTS)[0]
    return additions


def retail(tariff: Tariff, lines: Lines, selection: Selection, share: int) -> Taxes:
    """Inside the limits: no duty; `share` percent of consumption tax and VAT, each rounded once from the exact chain.

    With P the value, c and v the rates and q an amount per unit, consumption tax is (P*c + q) / (1 - c) and VAT
    (P + q) / (1 - c) * v, both times the share (Caiguanshui 2016 No.18, 2018 No.49).
    """
    columns = tariff.columns
    v = columns.ad_valorem[selection.vat]
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
    return Taxes(zero, np.zeros((0, 0), np.int64), zero.copy(), consumption, vat)


def retail_in_full(tariff: Tariff, lines: Lines, selection: Selection) -> Taxes:
    """A single item above the single limit: duty, additions, consumption tax and VAT in full; the chain stays exact and
    each kind is rounded once. Few lines take this way, so it runs on Python integers throughout."""
    columns = tariff.columns
    rows = np.arange(len(lines))
    unit = WHOLE * SPECIFIC_PARTS  # of one fen
    value = lines.value.astype(object) * unit
    duty = _exact(tariff, lines, selection, rows, selection.entry)
    additional = np.zeros(len(lines), object)
    exact_additions = np.array([_exact(tariff, lines, selection, selection.added_at, entries)
                                for entries in selection.added], object).reshape(selection.added.shape)  # fmt: skip
    if len(selection.added_at):
        additional[selection.added_at] = exact_additions.sum(axis=0)
    base = value + duty + additional
    c = columns.ad_valorem[selection.consumption].astype(object)
    v = columns.ad_valorem[selection.vat].astype(object)
    parts = _parts(tariff, lines, selection, rows, selection.consumption) * WHOLE
    consumption = half_up(base * c + parts * WHOLE, (WHOLE - c) * unit)
    vat = half_up((base + parts) * v, (WHOLE - c) * unit)
    additions = half_up(exact_additions, unit).astype(np.int64)
    levied = np.zeros(len(lines), np.int64)
    if len(selection.added_at):
        levied[selection.added_at] = additions.sum(axis=0)
    return Taxes(half_up(duty, unit).astype(np.int64), additions, levied, consumption.astype(np.int64),
                 vat.astype(np.int64))  # fmt: skip


def _exact(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> Any:
    """The exact duty of an entry in 1 / (WHOLE * 10^7) fen, as Python integers."""
    share = tariff.columns.ad_valorem[entries].astype(object)
    parts = _parts(tariff, lines, selection, rows, entries)
    return lines.value[rows].astype(object) * share * SPECIFIC_PARTS + parts * WHOLE


def _parts(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> Any:
    """The amount per unit in 10^-7 fen; a quantity that is needed and missing becomes a fault of the row."""
    parts = np.zeros(len(rows), object)
    has = np.flatnonzero(tariff.columns.specific[entries] > 0)
    if len(has):
        parts[has], missing = specific_parts(tariff, lines, rows[has], entries[has])
        late = rows[has][missing]
        selection.fault[late[selection.fault[late] == OK]] = NO_QUANTITY
    return parts


def _scaled(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> tuple[Any, Any, int]:
    """(value, amount per unit, scale): int64 and scale 1 while no entry has an amount per unit."""
    value = lines.value[rows]
    if not tariff.columns.specific[entries].any():
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
        if tariff.columns.specific[entry].any():
            scale, parts = SPECIFIC_PARTS, _parts(tariff, lines, selection, taxed, entry)
            own = own.astype(object) * SPECIFIC_PARTS
        consumption[taxed] = half_up(own * c + parts * WHOLE, (WHOLE - c) * scale)
    return consumption
