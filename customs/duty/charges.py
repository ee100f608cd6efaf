"""What a rate charges on a value: a share of it, an amount per unit, or both; its formula in numbers and exact amount.

Exact amounts are fractions of fen as (numerator, denominator); formulas can be computed as they stand, a percentage
being a hundredth and a unit meaning nothing: "143590.00 x 12 %", "5000 kg x 1.3 CNY/kg".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import gcd

from core.money import plain
from customs.duty.bounds import QUANTITY_PARTS, SPECIFIC_PARTS
from customs.duty.wording import LANGUAGES, Phrase, say
from customs.tariff.index import Names
from customs.tariff.rates import WHOLE, YUAN_PARTS, Rate, percent_text

Exact = tuple[int, int]
UNENDING = 12  # places shown of an amount whose decimals do not end

_CNY = {language: say(["cny"], language) for language in LANGUAGES}
_UNIT1 = {language: say(["unit1"], language) for language in LANGUAGES}
_CHOICES = ("", "rate_lower", "rate_higher", "rate_from", "rate_up_to")


@dataclass(frozen=True, slots=True)
class Charge:
    """`share` of the value in 0.001 %, and `amount` in 0.0001 CNY per `unit` on `quantity` in 0.00001 units; `names` of
    the unit."""

    share: int
    amount: int = 0
    unit: str = ""
    quantity: int = 0
    names: Names | None = None

    @property
    def parts(self) -> int:
        """The amount on the quantity in 10^-7 fen."""
        return self.amount * self.quantity

    @property
    def percent(self) -> str:
        return f"{percent_text(self.share)} %"

    @property
    def quantity_text(self) -> str:
        """The quantity with a gap for the name of the unit."""
        return f"{plain(Decimal(self.quantity) / QUANTITY_PARTS)} {{unit}}"

    @property
    def amount_text(self) -> str:
        return f"{self.quantity_text} x {plain(Decimal(self.amount) / YUAN_PARTS)} {{cny}}/{{unit}}"

    def form(self, step: str) -> str:
        """The key of the formula in words: of `duty` it is duty_on_value, duty_on_quantity or duty_on_both."""
        if not self.unit:
            return f"{step}_on_value"
        return f"{step}_on_both" if self.share else f"{step}_on_quantity"

    def on(self, base: str) -> str:
        """The formula on a base, with gaps for currency and unit."""
        if not self.unit:
            return f"{base} x {self.percent}"
        return f"{base} x {self.percent} + {self.amount_text}" if self.share else self.amount_text

    def inside(self, base: str) -> str:
        """The same for a tax that is part of its own base: (base x rate + amount) / (1 - rate)."""
        if not self.unit:
            return f"{base} / (1 - {self.percent}) x {self.percent}"
        return f"({base} x {self.percent} + {self.amount_text}) / (1 - {self.percent})" if self.share else (
            self.amount_text)  # fmt: skip

    def exact(self, fen: int) -> Exact:
        """The charge on a value."""
        if not self.unit:
            return fen * self.share, WHOLE
        return fen * self.share * SPECIFIC_PARTS + self.parts * WHOLE, WHOLE * SPECIFIC_PARTS

    def exact_inside(self, base: Exact) -> Exact:
        """The charge on a base that it is itself part of."""
        numerator, denominator = base
        rest = WHOLE - self.share
        if not self.unit:
            return numerator * self.share, denominator * rest
        own = numerator * self.share * SPECIFIC_PARTS + self.parts * WHOLE * denominator
        return own, denominator * rest * SPECIFIC_PARTS

    def whole(self, base: Exact) -> Exact:
        """A base with the charge that is part of it: (base + amount) / (1 - rate)."""
        numerator, denominator = base
        rest = WHOLE - self.share
        if not self.unit:
            return numerator * WHOLE, denominator * rest
        grown = (numerator * SPECIFIC_PARTS + self.parts * denominator) * WHOLE
        return grown, denominator * rest * SPECIFIC_PARTS


def exact_text(exact: Exact) -> str:
    """An exact amount in CNY to its last decimal; one that has none is cut after twelve and marked by an ellipsis.

    Cut and not rounded: half up of what is shown is then half up of what is meant.
    """
    numerator, denominator = exact[0], exact[1] * 100
    whole, rest = divmod(numerator * 10**UNENDING, denominator)
    if not rest:
        return _decimals(whole, UNENDING)
    places = _places(denominator // gcd(numerator, denominator))
    if places is None:
        return f"{_decimals(whole, UNENDING)}…"
    return _decimals(numerator * 10**places // denominator, places)


def _places(denominator: int) -> int | None:
    """How many decimals a fraction in lowest terms has; None when they do not end."""
    twos = (denominator & -denominator).bit_length() - 1
    denominator >>= twos
    fives = 0
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    return max(twos, fives) if denominator == 1 else None


def _decimals(scaled: int, places: int) -> str:
    whole, decimals = divmod(scaled, 10**places)
    return f"{whole}.{decimals:0{places}d}".rstrip("0").rstrip(".")


def plus(one: Exact, other: Exact) -> Exact:
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def filled(formula: str, unit: Names | None) -> Phrase:
    """A formula with the names of currency and unit in its gaps; as it stands where there is no unit."""
    if unit is None:
        return formula
    return {language: formula.format(cny=_CNY[language], unit=unit[language]) for language in _CNY}


def rate_phrase(rate: Rate, units: dict[str, Names]) -> Phrase:
    """A rate in words: "12 %", "20 % + 0.912 CNY/l" and 20 % + 0.912 元/升, the lower or higher of two."""
    if not rate.known:
        return ["rate_unknown"]
    own = _arm(rate, units)
    if rate.other is None:
        return own
    filling = {"own": own, "other": _arm(rate.other, units)}
    if rate.price is not None:
        filling["price"] = price_phrase(rate.price.text, units)
    return [_CHOICES[rate.how], filling]


def _arm(rate: Rate, units: dict[str, Names]) -> Phrase:
    if rate.sliding is not None:
        slides = rate.sliding
        return ["rate_sliding", {"a": plain(slides.a), "b": plain(slides.b), "most": percent_text(slides.most),
                                 "per": price_phrase(f"CNY/{slides.unit}", units)}]  # fmt: skip
    if rate.unit is None:
        return f"{percent_text(rate.ad_valorem)} %"
    share = f"{percent_text(rate.ad_valorem)} % + " if rate.ad_valorem else ""
    amount = plain(Decimal(rate.specific) / YUAN_PARTS)
    return filled(f"{share}{amount} {{cny}}/{{unit}}", unit_names(rate.unit, units))


def price_phrase(text: str, units: dict[str, Names]) -> Phrase:
    """A price per unit such as "10 CNY/ml" in both languages."""
    amount, _, word = text.rpartition("/")
    return filled(f"{amount.replace('CNY', '{cny}')}/{{unit}}", unit_names(word, units))


def unit_names(word: str, units: dict[str, Names]) -> Names:
    """The names of a unit; `unit1` stands for the first statutory unit of the code."""
    return _UNIT1 if word == "unit1" else units.get(word) or dict.fromkeys(LANGUAGES, word)
