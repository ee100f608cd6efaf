"""Dutiable value (Tariff Law art. 24-28, rule A16): all that belongs to it summed in its own currency, exact, converted
once at the customs rate, rounded once to fen. Quantities in the units a rate asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

from core.errors import Problem
from core.money import half_up
from customs.duty.bounds import QUANTITY_MAX, QUANTITY_PARTS, VALUE_MAX_FEN
from customs.duty.exchange import CustomsRate, Rates
from customs.duty.terms import ADDITIONS, DEDUCTIONS, EXPORT_COSTS, FREIGHT, INSURANCE, Terms
from customs.tariff import Tariff, problems
from customs.tariff.reading import Row
from customs.tariff.units import Units

COUNTED = frozenset({"piece", "each", "item", "set", "pair", "sheet", "box", "carton", "can", "bottle", "packet", "bag",
                     "dozen", "barrel", "head", "machine", "vehicle"})  # fmt: skip
INSURANCE_SHARE = "unknown_insurance_share"  # the parameter: percent of goods and freight
_NOTHING = Decimal(0)
_NEGATIVE = "goods, freight, insurance and other costs cannot be negative"
# One of these is one of the others: a duty per set is a duty per machine.
SINGLE = frozenset({"piece", "each", "item", "set", "machine", "vehicle", "head"})
_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class NetContent:
    """What the label says one sales unit holds; `unit` is ml, g or piece. For goods sold by weight or volume it is the
    content of the whole line."""

    quantity: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Part:
    """One amount of a value, negative where it is taken out; `article` where the law names its kind."""

    name: str
    amount: Decimal
    currency: str
    rate: CustomsRate
    article: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Valued:
    """The dutiable value of a line: its parts in the invoice currency, unrounded and rounded in fen.

    `insurance_share` is the share of goods and freight taken for an insurance that is not known. A line with `terms` is
    read by `parts` alone: its costs may stand in another currency, so `freight` and `insurance` are 0 there.
    """

    goods: Decimal
    freight: Decimal
    insurance: Decimal
    insurance_share: Decimal | None
    currency: str
    rate: CustomsRate
    exact: Decimal  # CNY
    fen: int
    terms: Terms | None = None
    adjusted: tuple[Part, ...] = ()

    @property
    def exact_fen(self) -> Fraction:
        return Fraction(self.exact) * 100

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that was summed: goods, additions and deductions, carriage, insurance."""
        if self.terms is not None:
            return self.adjusted
        amounts = (("goods", self.goods), (FREIGHT, self.freight), (INSURANCE, self.insurance))
        return tuple(Part(name, amount, self.currency, self.rate) for name, amount in amounts)


def value(
    goods: Decimal,
    freight: Decimal | None,
    insurance: Decimal | None,
    currency: str,
    rates: Rates,
    unknown_insurance: Decimal = _NOTHING,
    terms: Terms | None = None,
) -> Valued:
    """The dutiable value of one line. `freight` None: not given; `insurance` None: not known, then it is the share
    `unknown_insurance` of goods and freight. Raises Problem currency_unknown, exchange_rate_missing, out_of_bounds, or
    what `Terms.check` refuses."""
    if terms is not None:
        return _adjusted(goods, freight, insurance, currency, rates, unknown_insurance, terms)
    rate = rates.of(currency)
    carriage = _NOTHING if freight is None else freight
    before = _EXACT.add(goods, carriage)
    insured = _EXACT.multiply(before, unknown_insurance) if insurance is None else insurance
    if goods < 0 or carriage < 0 or insured < 0:
        raise Problem(problems.OUT_OF_BOUNDS, _NEGATIVE)
    exact = _EXACT.multiply(_EXACT.add(before, insured), rate.value)
    share = unknown_insurance if insurance is None else None
    return Valued(goods, carriage, insured, share, currency, rate, exact, _fen(exact))


def _adjusted(
    goods: Decimal,
    freight: Decimal | None,
    insurance: Decimal | None,
    currency: str,
    rates: Rates,
    unknown_insurance: Decimal,
    terms: Terms,
) -> Valued:
    """A value with a delivery term, additions, deductions or shared costs: one sum a currency, each converted exactly.

    An insurance that is not known is reckoned on the goods as adjusted and all carriage: only what is imported travels.
    """
    terms.check(goods, freight, insurance)
    rate, share = rates.of(currency), None
    paid = [Part("goods", goods, currency, rate), *_costs(terms, freight, insurance, currency, rates)]
    if any(part.amount < 0 for part in paid):
        raise Problem(problems.OUT_OF_BOUNDS, _NEGATIVE)
    parts = [paid[0], *_adjustments(terms, currency, rate), *paid[1:]]
    if terms.given(INSURANCE, insurance) is None and not terms.insured:
        share = unknown_insurance
        parts += [Part(INSURANCE, _EXACT.multiply(total, share), name, rates.of(name))
                  for name, total in _sums(parts).items()]  # fmt: skip
    exact = _NOTHING
    for name, total in _sums(parts).items():
        exact = _EXACT.add(exact, _EXACT.multiply(total, rates.of(name).value))
    return Valued(goods, _NOTHING, _NOTHING, share, currency, rate, exact, _fen(exact), terms, tuple(parts))


def _adjustments(terms: Terms, currency: str, rate: CustomsRate) -> Iterator[Part]:
    for item in terms.additions:
        yield Part(item.kind, item.amount, currency, rate, ADDITIONS[item.kind], item.note)
    for item in terms.deductions:
        yield Part(item.kind, -item.amount, currency, rate, DEDUCTIONS[item.kind], item.note)


def _costs(
    terms: Terms, freight: Decimal | None, insurance: Decimal | None, currency: str, rates: Rates
) -> Iterator[Part]:
    """Costs of the line in its own currency, its parts of the consignment's costs in theirs."""
    for name, own in ((EXPORT_COSTS, terms.export_costs), (FREIGHT, freight), (INSURANCE, insurance)):
        amount = terms.given(name, own)
        if amount is not None:
            of = currency if own is not None or terms.shared is None else terms.shared.currency
            yield Part(name, amount, of, rates.of(of))


def _sums(parts: Iterable[Part]) -> dict[str, Decimal]:
    """What stands in each currency, in the order they are met."""
    sums: dict[str, Decimal] = {}
    for part in parts:
        sums[part.currency] = _EXACT.add(sums.get(part.currency, _NOTHING), part.amount)
    return sums


def _fen(exact: Decimal) -> int:
    if exact * 100 > VALUE_MAX_FEN:
        raise Problem(problems.OUT_OF_BOUNDS, f"a line is computed up to {VALUE_MAX_FEN // 100} CNY")
    numerator, denominator = exact.as_integer_ratio()
    return int(half_up(numerator * 100, denominator))


def rows_behind(valued: Valued, tariff: Tariff, day: date) -> list[tuple[str, Row]]:
    """The rows of the law that a value rests on, with their tables: customs rates, the share of unknown insurance."""
    rates = {id(part.rate.row): part.rate.row for part in valued.parts if part.rate.row is not None}
    rows = [("exchange_rates", row) for row in rates.values()]
    if valued.insurance_share:
        rows.append(("parameters", tariff.parameter(INSURANCE_SHARE, day)))
    return rows


def parts(quantity: Decimal) -> int:
    """A quantity as an integer of 0.00001 units. Raises Problem out_of_bounds."""
    if not 0 <= quantity <= QUANTITY_MAX:
        raise Problem(problems.OUT_OF_BOUNDS, f"a quantity lies between 0 and {QUANTITY_MAX}")
    scaled = _EXACT.multiply(quantity, Decimal(QUANTITY_PARTS))
    if scaled != int(scaled):
        raise Problem(problems.OUT_OF_BOUNDS, "a quantity has at most five decimals")
    return int(scaled)


@dataclass(frozen=True, slots=True)
class Quantities:
    """All that is known of how much a line holds: what was sold, the statutory quantities, the label."""

    quantity: Decimal
    unit: str
    unit1: str
    unit1_quantity: Decimal | None
    unit2: str
    unit2_quantity: Decimal | None
    net_content: NetContent | None

    def of(self, units: Units, wanted: str) -> int:
        """The quantity in a unit as parts; -1 when nothing given tells it."""
        if wanted == "unit1":
            return self._first(units)
        if wanted in ("ml", "g", "piece"):
            content = self._content(units, wanted)
            if content is not None:
                return _floor(content)
        for given, amount in ((self.unit1, self.unit1_quantity), (self.unit2, self.unit2_quantity),
                              (self.unit, self.quantity)):  # fmt: skip
            factor = None if amount is None else units.factor(given, wanted)
            if factor is not None and amount is not None:
                return _floor(_EXACT.multiply(amount, factor))
        if wanted in SINGLE and self.unit in SINGLE:
            return _floor(self.quantity)
        return self._from_label(units, wanted)

    def _first(self, units: Units) -> int:
        if self.unit1_quantity is not None:
            return parts(self.unit1_quantity)
        factor = units.factor(self.unit, self.unit1)
        if factor is not None:
            return _floor(_EXACT.multiply(self.quantity, factor))
        return parts(self.quantity) if self.unit in SINGLE and self.unit1 in SINGLE else -1

    def _content(self, units: Units, wanted: str) -> Decimal | None:
        """The net content of the whole line: of one sales unit times the units sold, where goods are counted."""
        label = self.net_content
        if label is None:
            return None
        factor = units.factor(label.unit, wanted)
        if factor is None:
            return None
        one = _EXACT.multiply(label.quantity, factor)
        return _EXACT.multiply(one, self.quantity) if self.unit in COUNTED else one

    def _from_label(self, units: Units, wanted: str) -> int:
        content = self._content(units, wanted)
        return -1 if content is None else _floor(content)


def _floor(amount: Decimal) -> int:
    """Converted quantities keep five decimals; what lies beyond cannot be declared."""
    if amount > QUANTITY_MAX:
        raise Problem(problems.OUT_OF_BOUNDS, f"a quantity lies between 0 and {QUANTITY_MAX}")
    return int(_EXACT.multiply(amount, Decimal(QUANTITY_PARTS)))
