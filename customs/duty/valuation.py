"""Dutiable value (Tariff Law art. 24-26, rule A16): goods, freight and insurance summed in the invoice currency, exact,
converted once at the customs rate, rounded once to fen. Quantities in the units a rate asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from core.errors import Problem
from core.money import half_up
from customs.duty.bounds import QUANTITY_MAX, QUANTITY_PARTS, VALUE_MAX_FEN
from customs.tariff import problems
from customs.tariff.units import Units

UNKNOWN_INSURANCE = Decimal("0.003")  # of goods and freight, when the insurance cannot be determined
COUNTED = frozenset({"piece", "each", "item", "set", "pair", "sheet", "box", "carton", "can", "bottle", "packet", "bag",
                     "dozen", "barrel", "head", "machine", "vehicle"})  # fmt: skip
_EXACT = Context(prec=120)


@dataclass(frozen=True, slots=True)
class NetContent:
    """What the label says one sales unit holds; `unit` is ml, g or piece. For goods sold by weight or volume it is the
    content of the whole line."""

    quantity: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Valued:
    """The dutiable value of a line: its parts in the invoice currency, unrounded and rounded in fen."""

    goods: Decimal
    freight: Decimal
    insurance: Decimal
    insurance_assumed: bool
    currency: str
    exchange_rate: Decimal
    exact: Decimal  # CNY
    fen: int

    @property
    def exact_fen(self) -> Fraction:
        return Fraction(self.exact) * 100


def value(
    goods: Decimal,
    freight: Decimal,
    insurance: Decimal | None,
    currency: str,
    exchange_rates: Mapping[str, Decimal],
    unknown_insurance: Decimal = UNKNOWN_INSURANCE,
) -> Valued:
    """The dutiable value of one line. Raises Problem exchange_rate_missing or out_of_bounds."""
    rate = Decimal(1) if currency == "CNY" else exchange_rates.get(currency)
    if rate is None or rate <= 0:
        raise Problem(problems.EXCHANGE_RATE_MISSING, f"the customs exchange rate of {currency} in CNY is needed")
    before = _EXACT.add(goods, freight)
    insured = _EXACT.multiply(before, unknown_insurance) if insurance is None else insurance
    exact = _EXACT.multiply(_EXACT.add(before, insured), rate)
    if goods < 0 or freight < 0 or insured < 0:
        raise Problem(problems.OUT_OF_BOUNDS, "goods, freight and insurance cannot be negative")
    if exact * 100 > VALUE_MAX_FEN:
        raise Problem(problems.OUT_OF_BOUNDS, f"a line is computed up to {VALUE_MAX_FEN // 100} CNY")
    numerator, denominator = exact.as_integer_ratio()
    fen = half_up(numerator * 100, denominator)
    return Valued(goods, freight, insured, insurance is None and unknown_insurance != 0, currency, rate, exact, fen)


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
        return self._from_label(units, wanted)

    def _first(self, units: Units) -> int:
        if self.unit1_quantity is not None:
            return parts(self.unit1_quantity)
        factor = units.factor(self.unit, self.unit1)
        if factor is not None:
            return _floor(_EXACT.multiply(self.quantity, factor))
        return parts(self.quantity) if self.unit in COUNTED and self.unit1 in COUNTED else -1

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
