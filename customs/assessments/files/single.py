"""One row by the way of a single assessment: what the columns do not carry, and the words of every refusal."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.errors import Problem
from core.money import plain
from customs.assessments.answers import AssessedLine
from customs.assessments.files.given import MISSING, Given
from customs.assessments.files.index import Memo
from customs.assessments.files.options import Options
from customs.assessments.prepare import in_field
from customs.assessments.request import EVIDENCE, Line, NetContent, Preference, Request
from customs.assessments.service import assess
from customs.duty.valuation import COUNTED
from customs.tariff import Tariff

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The fields of a request under the names of the columns.
_COLUMNS = {"preference": "agreement", "statutory.unit1_quantity": "unit1_quantity",
            "statutory.unit2_quantity": "unit2_quantity", "net_content": "net_content_quantity"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row has no amounts; `field` is a column."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Fen in the order of `layout.AMOUNTS` without the tax, and the texts of the rates."""

    amounts: tuple[int, ...]
    duty_rate: str
    vat_rate: str


class OneByOne:
    """The slow way, for few rows. A refusal that depends on a few cells only is remembered under them. `idle_unit` is
    the unit of lines whose quantity is not given."""

    def __init__(self, tariff: Tariff, options: Options) -> None:
        self._tariff, self._options = tariff, options
        self._refusals = Memo()
        self.idle_unit = _idle_unit(tariff)

    def assess(self, given: Given, row: int, why: Hashable = None) -> Answer | Refused:
        """`why` names all that the refusal depends on, when the row is known to be refused."""
        if why is None:
            return self._ask(given, row)
        found: Answer | Refused = self._refusals.get(why, lambda: self._ask(given, row))
        if isinstance(found, Answer):  # amounts are this row's own
            return self._ask(given, row)
        return found

    def _ask(self, given: Given, row: int) -> Answer | Refused:
        try:
            line = assess(self._tariff, self._request(given, row)).lines[0]
            self._check_claim(given, row)
        except Problem as problem:
            return _refused(problem)
        return _answer(line)

    def _request(self, given: Given, row: int) -> Request:
        at = int(given.instant[row])
        return Request(
            route=self._options.route,
            day=date.fromordinal(int(given.day[row])),
            lines=[self.line(given, row)],
            at=None if at == MISSING else _EPOCH + timedelta(microseconds=at),
            mode=given.mode.word(row) or self._options.mode,
            exchange_rates=_rates(given, row, self._options.rates),
        )

    def _check_claim(self, given: Given, row: int) -> None:
        """Inside the retail limits nobody looks at a claim; one that names no agreement is a mistake all the same."""
        agreement = given.agreement.word(row)
        if agreement:
            try:
                self._tariff.agreement(agreement, given.origin.word(row) or None)
            except Problem as problem:
                raise in_field(problem, "preference") from None

    def line(self, given: Given, row: int) -> Line:
        """A row as the line of a request."""
        agreement, content = given.agreement.word(row), _quantity(given.content, row)
        quantity = _quantity(given.quantity, row)
        claim = Preference(agreement, given.certificate.word(row), bool(given.direct[row])) if agreement else None
        return Line(
            hs=given.hs.word(row),
            origin=given.origin.word(row) or None,
            quantity=Decimal(0) if quantity is None else quantity,
            unit=self.idle_unit if quantity is None else given.unit.word(row),
            value=_amount(given.value, row) or Decimal(0),
            currency=given.currency.word(row) or "CNY",
            freight=_amount(given.freight, row),
            insurance=_amount(given.insurance, row),
            origin_proof=bool(given.proof[row]),
            preference=claim,
            origin_evidence=EVIDENCE[int(given.evidence[row])],
            exporter=given.exporter.word(row) or None,
            exclusion_no=given.exclusion.word(row) or None,
            part=given.part.word(row) or None,
            order=given.order.word(row) or "1",
            unit1_quantity=_quantity(given.unit1_quantity, row),
            unit2_quantity=_quantity(given.unit2_quantity, row),
            net_content=None if content is None else NetContent(content, given.content_unit.word(row)),
        )


def _idle_unit(tariff: Tariff) -> str:
    """A unit for lines whose quantity is not given: it counts nothing that any code or rate is measured in."""
    used = {tariff.units.word_of(row[name]) for row in tariff.rows for name in ("unit1", "unit2")}
    return min(word for word in tariff.units.words
               if word not in used and word not in COUNTED and not tariff.units.measures(word))  # fmt: skip


def _answer(line: AssessedLine) -> Answer:
    return Answer(line.amounts()[:-1], line.duty_rate_text or "0", plain(line.vat_rate))


def _refused(problem: Problem) -> Refused:
    path, messages = next(iter(problem.errors.items()), ("", [problem.detail]))
    field = path.removeprefix("lines.0").removeprefix(".")
    if field.startswith("exchange_rates."):
        field = "currency"
    return Refused(_COLUMNS.get(field, field), problem.code, messages[0])


def _rates(given: Given, row: int, rates: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    own = int(given.rate[row])
    return {**rates, given.currency.word(row): Decimal(own).scaleb(-8)} if own else rates


def _amount(column: Any, row: int) -> Decimal | None:
    hundredths = int(column[row])
    return None if hundredths == MISSING else Decimal(hundredths).scaleb(-2)


def _quantity(column: Any, row: int) -> Decimal | None:
    parts = int(column[row])
    return None if parts == MISSING else Decimal(parts).scaleb(-5)
