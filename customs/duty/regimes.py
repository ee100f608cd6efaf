"""What is levied: general trade rounds each tax at its own step, retail keeps the chain exact (rule A1).

Every formula works alike on int64 columns and on columns of Python integers. `scale` is 1 for rates that are shares of
the value; with amounts per unit (`*_parts`, in 10^-7 fen) it is 10^7 and the columns hold Python integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.money import half_up, half_up_magnitude
from customs.duty.bounds import SPECIFIC_PARTS
from customs.duty.choices import specific_parts
from customs.duty.columns import NO_QUANTITY, OK, Ints, Lines, Selection, Taxes
from customs.tariff.rates import WHOLE
from customs.tariff.tariff import Tariff


def tax_on(value: Any, share: Any) -> Any:
    """A share of the value in 0.001 %, rounded to fen (Tariff Law art. 23). Ints or int64 columns, not negative."""
    return half_up_magnitude(value * share, WHOLE)


def tax_inside(base: Any, share: Any) -> Any:
    """base * c / (1 - c), rounded: consumption tax is part of its own base (Consumption Tax Regulations art. 9)."""
    return half_up_magnitude(base * share, WHOLE - share)


def stepwise(value: Any, duties: Any, consumption_of: Callable[[Any], Any], vat_share: Any) -> tuple[Any, Any]:
    """Consumption tax on value and duties, VAT on all of it (VAT Law art. 14); each rounded at its own step, because
    each is a bill of its own and the next is charged on it (rule A1)."""
    base = value + duties
    consumption = consumption_of(base)
    return consumption, tax_on(base + consumption, vat_share)


def retail_share(value: Any, share: Any, levied: int, inside: Any = 0) -> Any:
    """value * share / (1 - c) * `levied` %, rounded once (Caiguanshui 2016 No.18, 2018 No.49); `inside` is c."""
    return half_up_magnitude(levied * value * share, 100 * (WHOLE - inside))


def general_trade(tariff: Tariff, lines: Lines, selection: Selection) -> Taxes:
    """Duty on the value; each addition on the value; consumption tax on their sum, itself included; VAT on all."""
    columns = tariff.columns
    duty = tax_on(lines.value, selection.share)
    wide = np.flatnonzero(columns.specific[selection.entry])
    if len(wide):
        exact = _exact(tariff, lines, selection, wide, selection.entry[wide], selection.share[wide])
        duty[wide] = half_up(exact, WHOLE * SPECIFIC_PARTS)
    additional = np.zeros(len(lines), np.int64)
    additions = _additions(tariff, lines, selection)
    if len(selection.added_at):
        additional[selection.added_at] = additions.sum(axis=0)
    consumption, vat = stepwise(lines.value, duty + additional,
                                lambda base: _consumption(tariff, lines, selection, base),
                                columns.ad_valorem[selection.vat])  # fmt: skip
    return Taxes(duty, additions, additional, consumption, vat)


def _additions(tariff: Tariff, lines: Lines, selection: Selection) -> Ints:
    """Each addition on the value, rounded on its own (rule A2)."""
    columns, at, added = tariff.columns, selection.added_at, selection.added
    if not len(at):
        return np.zeros(added.shape, np.int64)
    additions: Ints = tax_on(lines.value[at], columns.ad_valorem[added])
    for depth, wide in zip(*np.nonzero(columns.specific[added]), strict=True):
        entry = added[depth, [wide]]
        exact = _exact(tariff, lines, selection, at[[wide]], entry, columns.ad_valorem[entry])
        additions[depth, wide] = half_up(exact, WHOLE * SPECIFIC_PARTS)[0]
    return additions


def retail(tariff: Tariff, lines: Lines, selection: Selection, share: int) -> Taxes:
    """Inside the limits: no duty; `share` percent of consumption tax and VAT, each rounded once from the exact chain.

    With P the value, c and v the rates and q an amount per unit, consumption tax is (P*c + q) / (1 - c) and VAT
    (P + q) / (1 - c) * v, both times the share (Caiguanshui 2016 No.18, 2018 No.49).
    """
    columns = tariff.columns
    v = columns.ad_valorem[selection.vat]
    c = columns.ad_valorem[selection.consumption]
    zero = np.zeros(len(lines), np.int64)
    vat = retail_share(lines.value, v, share, c)
    consumption = retail_share(lines.value, c, share, c)
    wide = np.flatnonzero(columns.specific[selection.consumption])
    if len(wide):
        parts = _parts(tariff, lines, selection, wide, selection.consumption[wide])
        value, inside = lines.value[wide].astype(object) * SPECIFIC_PARTS, WHOLE - c[wide]
        consumption[wide] = half_up(share * (value * c[wide] + parts * WHOLE), 100 * inside * SPECIFIC_PARTS)
        vat[wide] = half_up(share * (value + parts) * v[wide], 100 * inside * SPECIFIC_PARTS)
    return Taxes(zero, np.zeros((0, 0), np.int64), zero.copy(), consumption, vat)


def retail_in_full(tariff: Tariff, lines: Lines, selection: Selection) -> Taxes:
    """A single item above the single limit: duty, additions, consumption tax and VAT in full; the chain stays exact and
    each kind is rounded once. Few lines take this way, so it runs on Python integers throughout."""
    columns = tariff.columns
    rows = np.arange(len(lines))
    unit = WHOLE * SPECIFIC_PARTS  # of one fen
    value = lines.value.astype(object) * unit
    duty = _exact(tariff, lines, selection, rows, selection.entry, selection.share)
    additional = np.zeros(len(lines), object)
    exact_additions = np.array([_exact(tariff, lines, selection, selection.added_at, entries,
                                       columns.ad_valorem[entries]) for entries in selection.added],
                               object).reshape(selection.added.shape)  # fmt: skip
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


def _exact(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any, shares: Any) -> Any:
    """The exact duty of an entry in 1 / (WHOLE * 10^7) fen, as Python integers."""
    parts = _parts(tariff, lines, selection, rows, entries)
    return lines.value[rows].astype(object) * shares * SPECIFIC_PARTS + parts * WHOLE


def _parts(tariff: Tariff, lines: Lines, selection: Selection, rows: Any, entries: Any) -> Any:
    """The amount per unit in 10^-7 fen; a quantity that is needed and missing becomes a fault of the row."""
    parts = np.zeros(len(rows), object)
    has = np.flatnonzero(tariff.columns.specific[entries] > 0)
    if len(has):
        parts[has], missing = specific_parts(tariff, lines, rows[has], entries[has])
        late = rows[has][missing]
        selection.fault[late[selection.fault[late] == OK]] = NO_QUANTITY
    return parts


def _consumption(tariff: Tariff, lines: Lines, selection: Selection, base: Ints) -> Ints:
    """(base * c + q) / (1 - c), rounded: the tax is part of its own base, the amount per unit inside the bracket."""
    columns = tariff.columns
    c = columns.ad_valorem[selection.consumption]
    consumption: Ints = tax_inside(base, c)
    wide = np.flatnonzero(columns.specific[selection.consumption])
    if len(wide):
        parts = _parts(tariff, lines, selection, wide, selection.consumption[wide])
        exact = base[wide].astype(object) * SPECIFIC_PARTS * c[wide] + parts * WHOLE
        consumption[wide] = half_up(exact, (WHOLE - c[wide]) * SPECIFIC_PARTS)
    return consumption
