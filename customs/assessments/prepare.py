"""From a request to columns: codes to line numbers, origins to country numbers, values to fen, claims to schedules."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from core.errors import Problem, invalid
from customs.assessments.request import EVIDENCE, RETAIL, Line, Request
from customs.duty.bounds import QUANTITY_MAX
from customs.duty.columns import Exchange, Lines
from customs.duty.exchange import Rates
from customs.duty.valuation import INSURANCE_SHARE, Quantities, Valued, value
from customs.tariff import Tariff, problems
from customs.tariff.build import part_schedule

BEIJING = timezone(timedelta(hours=8))
_OF_CURRENCY = (problems.CURRENCY_UNKNOWN, problems.EXCHANGE_RATE_MISSING)


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
    whole: Valued | None = None  # the value of the whole line, where the row is a portion of it


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


def rows_of(tariff: Tariff, request: Request, unknown_insurance: Decimal | None = None) -> list[Row]:
    """A row per line, and one per ten-digit code where a line names eight digits (rule A11). `unknown_insurance` is the
    share of goods and freight for an insurance that is not known; None: the law's."""
    rates = Rates(tariff, request.day, request.exchange_rates)
    share = _share(tariff, request) if unknown_insurance is None else unknown_insurance
    rows: list[Row] = []
    for i, line in enumerate(request.lines):
        try:
            rows.extend(_rows(tariff, request, i, line, rates, share))
        except Problem as problem:
            raise of_line(problem, i) from None
    return rows


def _share(tariff: Tariff, request: Request) -> Decimal:
    """Looked up only for a line that needs it: the parameter does not reach back as far as some of the law does."""
    if all(line.insurance is not None for line in request.lines):
        return Decimal(0)
    try:
        percent: Decimal = tariff.parameter(INSURANCE_SHARE, request.day)["value"]
    except Problem as problem:
        raise in_field(problem, "day") from None
    return percent.scaleb(-2)


def value_of(line: Line, rates: Rates, unknown_insurance: Decimal) -> Valued:
    """The dutiable value of one line."""
    try:
        return value(line.value, line.freight, line.insurance, line.currency, rates, unknown_insurance, line.terms)
    except Problem as problem:
        if problem.errors:
            raise
        field = "currency" if problem.code in _OF_CURRENCY else "value"
        raise in_field(problem, field) from None


def _rows(tariff: Tariff, request: Request, i: int, line: Line, rates: Rates, unknown_insurance: Decimal) -> list[Row]:
    if line.origin is not None and line.origin not in tariff.origins.number:
        raise in_field(Problem(problems.ORIGIN_UNKNOWN, f"{line.origin}: no such country (countries.csv)"), "origin")
    if not tariff.units.known(line.unit):
        raise in_field(Problem(problems.UNIT_MISMATCH, f"{line.unit}: no such unit (units.csv)"), "unit")
    if line.origin_evidence not in EVIDENCE:
        raise invalid("origin_evidence", f"one of {', '.join(EVIDENCE)}")
    if line.preference is not None:
        _known_agreement(tariff, line)
    if line.terms is not None and request.route == RETAIL and line.terms.first_field:
        raise invalid(line.terms.first_field, "belongs to general trade: a retail price is what the customer pays")
    valued = value_of(line, rates, unknown_insurance)
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


def _known_agreement(tariff: Tariff, line: Line) -> None:
    """A claim to nothing is refused on every route, whether or not the claim would count."""
    assert line.preference is not None
    try:
        tariff.agreement(line.preference.agreement, line.origin)
    except Problem as problem:
        raise in_field(problem, "preference") from None


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
    if any(row.line.exclusion_no for row in rows):
        lines.exempt = [exempted(tariff, row, request.day) for row in rows]
    if any(row.line.part for row in rows):
        lines.part = np.array([part_of(tariff, row, request.day) for row in rows], np.int64)
    if any(row.beyond for row in rows):
        lines.beyond = np.array([row.beyond for row in rows])
    if request.exchange_rates:
        lines.exchange = _exchange(request)
    if any(row.line.origin_evidence == "unproven" for row in rows):
        lines.unproven = np.array([row.line.origin_evidence == "unproven" for row in rows])
    if not in_full:
        _claims(tariff, rows, lines)
    return lines


def _exchange(request: Request) -> Exchange:
    given = {code: (Fraction(rate), True) for code, rate in request.exchange_rates.items()}
    return lambda currency, _: given.get(currency)


def exempted(tariff: Tariff, row: Row, day: date) -> tuple[str, ...]:
    """The measures that the exclusion number of a line lifts; none for a number that is not on file for the code."""
    rows = tariff.by_prefix("exclusions").all(row.hs, day.toordinal())
    return tuple(found["measure"] for found in rows if found["number"] == row.line.exclusion_no)


def part_of(tariff: Tariff, row: Row, day: date) -> int:
    """The schedule of the part of the code the goods are said to be; -1 for "none" of them. Raises Problem
    part_unknown, which names the parts."""
    wanted = _folded(row.line.part or "none")
    if wanted == "none":
        return -1
    names = parts_of(tariff, row.hs, day)
    for name in names:
        if _folded(name) == wanted:
            return tariff.schedules.names[part_schedule(name)]
    known = f"one of: {'; '.join(names)}; or none" if names else "it has no part with a rate of its own"
    problem = Problem(problems.PART_UNKNOWN, f"{row.hs}: {row.line.part}: no such part of the code on {day}; {known}")
    raise of_line(in_field(problem, "part"), row.i)


def parts_of(tariff: Tariff, hs: str, day: date) -> list[str]:
    """The parts ("ex") of a code that have a provisional rate of their own on a day."""
    rows = tariff.by_prefix("provisional").all(hs, day.toordinal())
    return [row["part_name"] for row in rows if row["part"]]


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _claims(tariff: Tariff, rows: Sequence[Row], lines: Lines) -> None:
    if any(proves_all(row.line) for row in rows):
        lines.proven = np.array([proves_all(row.line) for row in rows])
    if any(row.line.preference is not None for row in rows):
        lines.claim = np.array([claimed(tariff, row) for row in rows], np.int64)


def proves_all(line: Line) -> bool:
    """True when the proof covers every agreement of the origin; an unproven origin has no preference."""
    return line.origin_proof and line.origin_evidence != "unproven"


def claimed(tariff: Tariff, row: Row) -> int:
    """The schedule of the agreement a line claims; -1 without a claim that counts."""
    claim = row.line.preference
    if claim is None:
        return -1
    agreement = tariff.agreement(claim.agreement, row.line.origin)
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
