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
from customs.duty.columns import NO_CODE, OK, Exchange, Ints, Lines
from customs.duty.memo import ALONE, Memo
from customs.duty.regimes import general_trade, retail, retail_share, stepwise, tax_inside, tax_on
from customs.duty.selection import select
from customs.tariff import Tariff, problems
from customs.tariff.reading import FIRST, FOREVER
from customs.tariff.schedules import NONE

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
    exchange: Exchange | None = None


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
    out = Levied(*(np.empty(count, np.int64) for _ in range(7)))
    memo = memo_of(tariff, route)
    for start in range(0, count, PIECE):
        _piece(tariff, memo, route, batch, slice(start, min(start + PIECE, count)), share, out)
    return out


def memo_of(tariff: Tariff, route: str) -> Memo:
    """The answers kept of an edition for one route."""
    duty = route == GENERAL_TRADE
    found = tariff.memos.get(duty)
    if found is None:
        found = tariff.memos[duty] = Memo(tariff, duty)
    return found


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


def _piece(tariff: Tariff, memo: Memo, route: str, batch: Batch, rows: slice, share: int, out: Levied) -> None:
    """One piece: rows of plain rates from what is kept, the others by a selection of their own."""
    number = tariff.codes.find(batch.code[rows])
    origin = batch.origin[rows]
    proof = memo.proofs(origin, _part(batch.proven, rows), _part(batch.claim, rows))
    found = memo.find(number, origin, batch.day[rows], proof)
    alone = found == ALONE
    if batch.exporter is not None:
        alone |= batch.exporter[rows] > 0
    if batch.unproven is not None:
        alone |= batch.unproven[rows]
    _plain(memo, route, found, batch.value[rows], rows, share, out)
    at = np.flatnonzero(alone)
    if len(at):
        _alone(tariff, route, batch, number[at], rows.start + at, share, out)


def _plain(memo: Memo, route: str, found: Ints, value: Ints, rows: slice, share: int, out: Levied) -> None:
    known = memo.columns
    c, v = known.consumption.take(found, mode="clip"), known.vat.take(found, mode="clip")
    if route == GENERAL_TRADE:
        duty, additional, consumption, vat = _general(memo, found, value, c, v)
    else:
        duty = additional = 0
        consumption, vat = _retail(value, c, v, share)
    out.duty[rows], out.additional_duty[rows] = duty, additional
    out.consumption_tax[rows], out.vat[rows] = consumption, vat
    known.kind.take(found, out=out.kind[rows], mode="clip")
    known.entry.take(found, out=out.entry[rows], mode="clip")
    known.fault.take(found, out=out.fault[rows], mode="clip")


def _general(memo: Memo, found: Ints, value: Ints, c: Ints, v: Ints) -> tuple[Any, Any, Any, Any]:
    """The steps of `regimes.general_trade` where all rates are shares of the value."""
    known = memo.columns
    duty = tax_on(value, known.share.take(found, mode="clip"))
    additional: Any = np.zeros(len(value), np.int64)
    bearing = np.flatnonzero(known.bears.take(found, mode="clip"))
    if len(bearing):
        additional[bearing] = tax_on(value[bearing], known.added[:, found[bearing]]).sum(axis=0)
    return duty, additional, *stepwise(value, duty + additional, lambda base: _inside(base, c), v)


def _inside(base: Ints, c: Ints) -> Any:
    consumption = np.zeros(len(base), np.int64)
    taxed = np.flatnonzero(c)
    if len(taxed):
        consumption[taxed] = tax_inside(base[taxed], c[taxed])
    return consumption


def _retail(value: Ints, c: Ints, v: Ints, share: int) -> tuple[Any, Any]:
    """The steps of `regimes.retail` where all rates are shares of the value."""
    vat = retail_share(value, v, share)
    consumption: Any = 0
    taxed = np.flatnonzero(c)
    if len(taxed):
        consumption = np.zeros(len(value), np.int64)
        consumption[taxed] = retail_share(value[taxed], c[taxed], share, c[taxed])
        vat[taxed] = retail_share(value[taxed], v[taxed], share, c[taxed])
    return consumption, vat


def _alone(tariff: Tariff, route: str, batch: Batch, number: Ints, at: Ints, share: int, out: Levied) -> None:
    day = batch.day[at]
    closed = (number < 0) | (day < tariff.line_first.take(number)) | (day > tariff.line_last.take(number))
    lines = Lines(np.maximum(number, 0), batch.origin[at], day, batch.value[at], _part(batch.proven, at),
                  _part(batch.claim, at), _part(batch.unproven, at), _part(batch.minute, at),
                  _part(batch.exporter, at), exact=_part(batch.exact, at),
                  quantity={unit: column[at] for unit, column in batch.quantity.items()},
                  exchange=batch.exchange)  # fmt: skip
    selection = select(tariff, lines, duty=route == GENERAL_TRADE)
    if route == GENERAL_TRADE:
        taxes = general_trade(tariff, lines, selection)
    else:
        taxes = retail(tariff, lines, selection, share)
    selection.fault[closed], selection.entry[closed], selection.kind[closed] = NO_CODE, NONE, 0
    failed = selection.fault != OK
    for name in _AMOUNTS:
        getattr(out, name)[at] = np.where(failed, 0, getattr(taxes, name))
    out.kind[at], out.entry[at], out.fault[at] = selection.kind, selection.entry, selection.fault


def _part(column: Any, rows: Any) -> Any:
    return None if column is None else column[rows]
