"""From a request to columns: codes to line numbers, origins to country numbers, values to fen, claims to schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from core.errors import Problem, invalid
from customs.assessments.request import EVIDENCE, Line, Request
from customs.duty.bounds import QUANTITY_MAX
from customs.duty.columns import Lines
from customs.duty.valuation import UNKNOWN_INSURANCE, Quantities, Valued, value
from customs.tariff import Tariff, problems

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the columns: a request line under one code of the tariff."""

    i: int
    line: Line
    number: int
    hs: str
    valued: Valued
    quantities: Quantities
    beyond: bool = False  # this much lies beyond the quota of a safeguard


class Measured(Mapping[str, Any]):
    """Quantities by unit word, worked out when the engine first asks for a unit."""

    def __init__(self, tariff: Tariff, rows: Sequence[Row]) -> None:
        self._tariff, self._rows = tariff, rows
        self._made: dict[str, Any] = {}

    def __getitem__(self, unit: str) -> Any:
        if unit not in self._made:
            units = self._tariff.units
            self._made[unit] = np.array([row.quantities.of(units, unit) for row in self._rows], np.int64)
        return self._made[unit]

    def get(self, unit: str, default: Any = None) -> Any:
        return self[unit]

    def __iter__(self) -> Any:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def rows_of(tariff: Tariff, request: Request, unknown_insurance: Decimal = UNKNOWN_INSURANCE) -> list[Row]:
    """A row per line, and one per ten-digit code where a line names eight digits (rule A11)."""
    rows: list[Row] = []
    for i, line in enumerate(request.lines):
        try:
            rows.extend(_rows(tariff, request, i, line, unknown_insurance))
        except Problem as problem:
            raise of_line(problem, i) from None
    return rows


def value_of(line: Line, exchange_rates: Mapping[str, Decimal], unknown_insurance: Decimal) -> Valued:
    """The dutiable value of one line."""
    try:
        return value(line.value, line.freight, line.insurance, line.currency, exchange_rates, unknown_insurance)
    except Problem as problem:
        field = "currency" if problem.code == problems.EXCHANGE_RATE_MISSING else "value"
        raise in_field(problem, field) from None


def _rows(tariff: Tariff, request: Request, i: int, line: Line, unknown_insurance: Decimal) -> list[Row]:
    if line.origin is not None and line.origin not in tariff.origins.number:
        raise in_field(Problem(problems.ORIGIN_UNKNOWN, f"{line.origin}: no such country (countries.csv)"), "origin")
    if line.origin_evidence not in EVIDENCE:
        raise invalid("origin_evidence", f"one of {', '.join(EVIDENCE)}")
    valued = value_of(line, request.exchange_rates, unknown_insurance)
    for name, quantity in (("quantity", line.quantity), ("statutory.unit1_quantity", line.unit1_quantity),
                           ("statutory.unit2_quantity", line.unit2_quantity)):  # fmt: skip
        if quantity is not None and not 0 <= quantity <= QUANTITY_MAX:
            problem = Problem(problems.OUT_OF_BOUNDS, f"a quantity lies between 0 and {QUANTITY_MAX}")
            raise in_field(problem, name)
    rows = []
    for hs in codes_of(tariff, line.hs, request.day):
        number = tariff.find_line(hs, request.day)
        rows.append(Row(i, line, number, hs, valued, quantities_of(tariff, line, number)))
    return rows


def codes_of(tariff: Tariff, hs: str, day: date) -> list[str]:
    """The codes a given code stands for: itself, or the ten-digit codes under it. Raises Problem code_unknown."""
    if len(hs) == 8:
        children = tariff.children(hs, day)
        if children:
            return children
    try:
        tariff.find_line(hs, day)
    except Problem as problem:
        raise in_field(problem, "hs") from None
    return [hs]


def quantities_of(tariff: Tariff, line: Line, number: int) -> Quantities:
    """All quantities of a line with the words of its statutory units."""
    row = tariff.rows[number]
    word = tariff.units.word_of
    return Quantities(line.quantity, line.unit, word(row["unit1"]), line.unit1_quantity, word(row["unit2"]),
                      line.unit2_quantity, line.net_content)  # fmt: skip


def columns_of(tariff: Tariff, request: Request, rows: Sequence[Row], in_full: bool = False) -> Lines:
    """The engine's columns. `in_full`: retail above the limit, where no preference is granted (rule A12)."""
    count, origins = len(rows), tariff.origins
    lines = Lines(
        line=np.array([row.number for row in rows], np.int64),
        origin=np.array([origins.number[row.line.origin] if row.line.origin else 0 for row in rows], np.int64),
        day=np.full(count, request.day.toordinal(), np.int64),
        value=np.array([row.valued.fen for row in rows], np.int64),
        exact=_exact(rows),
        quantity=Measured(tariff, rows),
    )
    if request.at is not None:
        lines.minute = np.full(count, minute_of(request.at, request.day), np.int64)
    if any(row.line.exporter for row in rows):
        lines.exporter = np.array([origins.exporters.get(row.line.exporter or "", 0) for row in rows], np.int64)
    if any(row.line.origin_evidence == "unproven" for row in rows):
        lines.unproven = np.array([row.line.origin_evidence == "unproven" for row in rows])
    if not in_full:
        _claims(tariff, rows, lines)
    return lines


def _claims(tariff: Tariff, rows: Sequence[Row], lines: Lines) -> None:
    if any(proves_all(row.line) for row in rows):
        lines.proven = np.array([proves_all(row.line) for row in rows])
    if any(row.line.preference is not None for row in rows):
        lines.claim = np.array([claimed(tariff, row) for row in rows], np.int64)


def proves_all(line: Line) -> bool:
    """True when the proof covers every agreement of the origin; an unproven origin has no preference."""
    return line.origin_proof and line.origin_evidence != "unproven"


def claimed(tariff: Tariff, row: Row) -> int:
    """The schedule of the agreement a line claims; -1 without a claim that counts. Raises Problem agreement_unknown."""
    claim = row.line.preference
    if claim is None:
        return -1
    try:
        agreement = tariff.agreement(claim.agreement, row.line.origin)
    except Problem as problem:
        raise of_line(in_field(problem, "preference"), row.i) from None
    proven = claim.direct_transport and row.line.origin_evidence != "unproven"
    return tariff.schedules.names[f"agreement:{agreement}"] if proven else -1


def _exact(rows: Sequence[Row]) -> Any:
    exact = np.empty(len(rows), object)
    exact[:] = [_unrounded(row.valued) for row in rows]
    return exact


def _unrounded(valued: Valued) -> Fraction | int:
    return valued.fen if valued.exact * 100 == valued.fen else valued.exact_fen


def minute_of(at: datetime, day: date) -> int:
    """The minute of the Beijing day. Raises Problem invalid_input when the instant lies on another day."""
    local = at.astimezone(BEIJING)
    if local.date() != day:
        raise invalid("at", f"lies on {local.date()} in Beijing, not on {day}")
    return local.hour * 60 + local.minute


def in_field(problem: Problem, field: str) -> Problem:
    """The same refusal, naming the field it is about."""
    return _again(problem, {field: [problem.detail]}, problem.extra)


def of_line(problem: Problem, i: int) -> Problem:
    """The same refusal, naming the line it is about."""
    if "line" in problem.extra:
        return problem
    errors = {f"lines.{i}.{field}": messages for field, messages in problem.errors.items()}
    return _again(problem, errors or {f"lines.{i}": [problem.detail]}, {**problem.extra, "line": i})


def _again(problem: Problem, errors: Mapping[str, list[str]], extra: Mapping[str, Any]) -> Problem:
    return Problem(problem.code, problem.detail, errors=errors, headers=problem.headers, **extra)
