"""The engine over columns of any length: codes, origins, days and values in, taxes out, in pieces that fit the cache.

The same selection and the same formulas as for one line; a row that cannot be computed says so in `fault` and bears
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem
from customs.duty.bounds import QUANTITY_MAX, QUANTITY_PARTS, VALUE_MAX_FEN
from customs.duty.columns import NO_CODE, OK, Ints, Lines, Selection, Taxes
from customs.duty.regimes import general_trade, retail
from customs.duty.selection import select
from customs.tariff import Tariff, problems
from customs.tariff.reading import FIRST, FOREVER

PIECE = 16_384  # rows whose columns stay in the second-level cache
GENERAL_TRADE, RETAIL = "general_trade", "cross_border_retail"
_AMOUNTS = ("duty", "additional_duty", "consumption_tax", "vat")


@dataclass(slots=True)
class Batch:
    """Columns of one length. `code`: ten-digit code as a number; `origin`: country number of `tariff.origins.number`
    (0 unknown); `day`: proleptic ordinal; `value`: fen. The other columns as in `customs.duty.columns.Lines`."""

    code: Ints
    origin: Ints
    day: Ints
    value: Ints
    proven: NDArray[np.bool_] | None = None
    claim: Ints | None = None
    unproven: NDArray[np.bool_] | None = None
    minute: Ints | None = None
    exporter: Ints | None = None
    exact: NDArray[Any] | None = None
    quantity: Mapping[str, Ints] = field(default_factory=dict)


@dataclass(slots=True)
class Levied:
    """Fen per row and the selection's own columns; `fault` is 0 where the row could be computed."""

    duty: Ints
    additional_duty: Ints
    consumption_tax: Ints
    vat: Ints
    kind: Ints
    entry: Ints
    fault: Ints

    @property
    def tax(self) -> Ints:
        return self.duty + self.additional_duty + self.consumption_tax + self.vat


def levy(tariff: Tariff, route: str, batch: Batch, share: int = 70) -> Levied:
    """Taxes of every row; `share` is the percentage levied inside the retail limits. Raises Problem out_of_bounds."""
    check_bounds(batch)
    count = len(batch.code)
    out = Levied(*(np.zeros(count, np.int64) for _ in range(7)))
    for start in range(0, count, PIECE):
        _piece(tariff, route, batch, slice(start, start + PIECE), share, out)
    return out


def check_bounds(batch: Batch) -> None:
    """Refuse what int64 cannot carry (see `customs.duty.bounds`) before anything is computed."""
    if not len(batch.code):
        return
    if batch.value.min() < 0 or batch.value.max() > VALUE_MAX_FEN:
        raise Problem(problems.OUT_OF_BOUNDS, f"a line is computed from 0 to {VALUE_MAX_FEN // 100} CNY")
    if batch.day.min() < FIRST or batch.day.max() > FOREVER:
        raise Problem(problems.OUT_OF_BOUNDS, "days lie between 1990 and 2099")
    for unit, column in batch.quantity.items():
        if column.max() > QUANTITY_MAX * QUANTITY_PARTS:
            raise Problem(problems.OUT_OF_BOUNDS, f"a quantity in {unit} is at most {QUANTITY_MAX}")


def _piece(tariff: Tariff, route: str, batch: Batch, rows: slice, share: int, out: Levied) -> None:
    number = tariff.codes.find(batch.code[rows])
    day = batch.day[rows]
    closed = (number < 0) | (day < tariff.line_first.take(number)) | (day > tariff.line_last.take(number))
    lines = Lines(np.maximum(number, 0), batch.origin[rows], day, batch.value[rows], _part(batch.proven, rows),
                  _part(batch.claim, rows), _part(batch.unproven, rows), _part(batch.minute, rows),
                  _part(batch.exporter, rows), _part(batch.exact, rows),
                  {unit: column[rows] for unit, column in batch.quantity.items()})  # fmt: skip
    selection = select(tariff, lines, duty=route == GENERAL_TRADE)
    if route == GENERAL_TRADE:
        taxes = general_trade(tariff, lines, selection)
    else:
        taxes = retail(tariff, lines, selection, share)
    if closed.any():
        selection.fault[closed] = NO_CODE
    _store(taxes, selection, rows, out)


def _store(taxes: Taxes, selection: Selection, rows: slice, out: Levied) -> None:
    failed = selection.fault != OK
    any_failed = bool(failed.any())
    for name in _AMOUNTS:
        column = getattr(taxes, name)
        getattr(out, name)[rows] = np.where(failed, 0, column) if any_failed else column
    out.kind[rows], out.entry[rows], out.fault[rows] = selection.kind, selection.entry, selection.fault


def _part(column: Any, rows: slice) -> Any:
    return None if column is None else column[rows]
