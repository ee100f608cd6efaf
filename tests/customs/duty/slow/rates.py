"""Rates as customs/data/README.md writes them, read plainly and worked out for one line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from tests.customs.duty.slow.facts import Facts, Refused

_NUMBER = r"\d+(?:\.\d+)?"
_PER_UNIT = re.compile(rf"({_NUMBER}) CNY/(\w+)")
_TURN = re.compile(rf"(.+) (from|up to) ({_NUMBER}(?:/\d+)?) ([A-Z]{{3}})/(\w+) else (.+)")
_SLIDE = re.compile(rf"sliding ({_NUMBER})/P \+ ({_NUMBER}) P - 1 most ({_NUMBER}) by CNY/(\w+)")
_STAGED = re.compile(rf"({_NUMBER}) staged (\d+) from (\d{{4}})")


@dataclass(frozen=True)
class Share:
    """A share of the value, an amount per unit, or both."""

    share: Fraction = Fraction(0)
    per_unit: Fraction = Fraction(0)
    unit: str = ""

    def amount(self, facts: Facts, base: Fraction) -> Fraction:
        specific = self.per_unit * facts.of(self.unit) if self.unit else Fraction(0)
        return base * self.share + specific


@dataclass(frozen=True)
class Either:
    """The higher or the lower of two."""

    one: Rate
    other: Rate
    higher: bool

    def amount(self, facts: Facts, base: Fraction) -> Fraction:
        amounts = (self.one.amount(facts, base), self.other.amount(facts, base))
        return max(amounts) if self.higher else min(amounts)


@dataclass(frozen=True)
class Turn:
    """One rate on this side of a price, another on that side; both words include the price itself."""

    first: Rate
    other: Rate
    price: Price
    upwards: bool

    def amount(self, facts: Facts, base: Fraction) -> Fraction:
        asked, turn = self.price.of(facts), self.price.turn(facts)
        holds = asked >= turn if self.upwards else asked <= turn
        return (self.first if holds else self.other).amount(facts, base)


@dataclass(frozen=True)
class Slide:
    """R = a/P + b P - 1 as a share of the value, to three decimals, at most a cap; P is yuan a unit."""

    a: Fraction
    b: Fraction
    most: Fraction
    unit: str

    def amount(self, facts: Facts, base: Fraction) -> Fraction:
        price = facts.value / facts.of(self.unit)
        if price == 0:
            return Fraction(0)
        exact = self.a / price + self.b * price - 1
        rounded = Fraction((exact * 1000 + Fraction(1, 2)).__floor__(), 1000)
        return base * min(rounded, self.most)


@dataclass(frozen=True)
class Price:
    """A price a unit, in a currency."""

    amount: Fraction
    currency: str
    unit: str

    def turn(self, facts: Facts) -> Fraction:
        return facts.yuan(self.amount, self.currency)

    def of(self, facts: Facts) -> Fraction:
        return facts.value / facts.of(self.unit)


Rate = Share | Either | Turn | Slide


@cache
def rate_of(text: str, year: int) -> Rate:
    """The rate of a year; `unknown` is refused. A choice is split at its last word of choice but one, so `else` first."""
    if text == "unknown":
        raise Refused("rate")
    if turn := _TURN.fullmatch(text):
        first, word, amount, currency, unit, other = turn.groups()
        price = Price(Fraction(amount) if "/" not in amount else _ratio(amount), currency, unit)
        return Turn(rate_of(first, year), rate_of(other, year), price, word == "from")
    for word in ("lower", "higher"):
        if f" or {word} " in text:
            one, other = text.split(f" or {word} ", 1)
            return Either(rate_of(one, year), rate_of(other, year), word == "higher")
    if slide := _SLIDE.fullmatch(text):
        a, b, most, unit = slide.groups()
        return Slide(Fraction(a), Fraction(b) / 100, Fraction(most) / 100, unit)
    if staged := _STAGED.fullmatch(text):
        return Share(_staged(Fraction(staged[1]), int(staged[2]), year - int(staged[3]) + 1))
    return _plain(text)


def threshold_of(text: str) -> list[Price]:
    """The prices of `10 CNY/ml; 10 CNY/g`, any of which may be asked."""
    prices = []
    for each in text.split(";"):
        amount, per = each.split()
        currency, unit = per.split("/")
        prices.append(Price(_ratio(amount), currency, unit))
    return prices


def _plain(text: str) -> Share:
    share, specific = Fraction(0), text
    if " + " in text:
        first, specific = text.split(" + ")
        share = Fraction(first) / 100
    per_unit = _PER_UNIT.fullmatch(specific)
    if per_unit is None:
        return Share(share=Fraction(text) / 100)
    return Share(share, Fraction(per_unit[1]), per_unit[2])


def _staged(base: Fraction, steps: int, cuts: int) -> Fraction:
    """Equal yearly cuts of the base, the rate in percent to one decimal."""
    left = base * (steps - min(max(cuts, 0), steps)) / steps
    return Fraction((left * 10 + Fraction(1, 2)).__floor__(), 1000)


def _ratio(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or "1")
