"""How the law writes a rate: a share of the value, an amount per unit, both, or a choice between two of these.

Grammar of the data files (README.md there): "12" is 12 %, "1.3 CNY/kg" an amount per unit, "20 + 0.912 CNY/l" both
(Tariff Law art. 23), "15 or lower 3 + 4380 CNY/set" and "... or higher ..." the lower or higher of two; by unit price
"15 up to 5000 USD/set else 3 + 4380 CNY/set" and "0.57 CNY/kg from 14 CNY/kg else ..."; a sliding duty "sliding
8.87/P + 2.908 P - 1 most 40 by CNY/kg"; "12 staged 10 from 2015" a base cut in ten equal yearly steps (rule A23),
"none" an explicit exclusion, "unknown" a tax that exists but was not read: asking for it is an error, never zero.
A rate is printed back as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache

from core.money import half_up

WHOLE = 100_000  # ad valorem rates are integers of 0.001 %: 100 % is 100,000
YUAN_PARTS = 10_000  # specific rates are integers of 0.0001 CNY per unit
RATE_MAX = 10 * WHOLE  # 1,000 %: the bound under which the arithmetic of `customs.duty` holds in int64
SPECIFIC_MAX = 10**9  # 100,000 CNY per unit
STEP = WHOLE // 1000  # a sliding rate keeps three decimals of the ratio

LOWER, HIGHER, FROM, UP_TO = range(1, 5)
_WORDS = {LOWER: " or lower ", HIGHER: " or higher "}

_NUMBER = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_PERCENT = re.compile(rf"({_NUMBER})\Z", re.ASCII)
_PRICE = re.compile(rf"({_NUMBER})(?:/([1-9][0-9]*))? ([A-Z]{{3}})/([a-z][a-z0-9]*)\Z", re.ASCII)
_STAGED = re.compile(rf"({_NUMBER}) staged ([1-9][0-9]?) from ([12][0-9]{{3}})\Z", re.ASCII)
_SLIDING = re.compile(
    rf"sliding ({_NUMBER})/P \+ ({_NUMBER}) P - 1 most ({_NUMBER}) by CNY/([a-z][a-z0-9]*)\Z", re.ASCII
)
_SPLIT = re.compile(r"(.+) (from|up to) ([^ ]+ [A-Z]{3}/[a-z0-9]+) else (.+)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Price:
    """A price per one `unit`: `numerator / denominator` of `currency`; as an amount of duty the currency is CNY."""

    numerator: int
    denominator: int
    currency: str
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Sliding:
    """A rate that falls as the price rises: R = a/P + b % x P - 1, P in CNY per `unit`, at most `most` (0.001 %)."""

    a: Decimal
    b: Decimal
    most: int
    unit: str

    def at(self, price: Fraction) -> int:
        """The rate at a positive price in 0.001 %: three decimals of the ratio, half up, from nothing to `most`."""
        exact = Fraction(self.a) / price + Fraction(self.b) / 100 * price - 1
        return 0 if exact <= 0 else min(int(half_up(exact.numerator * 1000, exact.denominator)) * STEP, self.most)

    @property
    def text(self) -> str:
        return f"sliding {_plain(self.a)}/P + {_plain(self.b)} P - 1 most {percent_text(self.most)} by CNY/{self.unit}"


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate: `ad_valorem` in 0.001 %, `specific` in 0.0001 CNY per `unit`, or `sliding`; with `how` (LOWER, HIGHER,
    FROM or UP_TO a `price`) the choice between it and `other`, which itself is no choice."""

    ad_valorem: int = 0
    specific: int = 0
    unit: str | None = None
    sliding: Sliding | None = None
    how: int = 0
    price: Price | None = None
    other: Rate | None = None
    known: bool = True

    @property
    def text(self) -> str:
        """The rate as users read it: "12", "1.3 CNY/kg", "20 + 0.912 CNY/l"."""
        if not self.known:
            return "unknown"
        if self.other is None:
            return self.own_text
        if self.price is None:
            return f"{self.own_text}{_WORDS[self.how]}{self.other.text}"
        word = "from" if self.how == FROM else "up to"
        return f"{self.own_text} {word} {self.price.text} else {self.other.text}"

    @property
    def own_text(self) -> str:
        """The first of the two, or the only one."""
        if self.sliding is not None:
            return self.sliding.text
        parts = [percent_text(self.ad_valorem)] if self.ad_valorem or self.unit is None else []
        if self.unit is not None:
            parts.append(f"{_plain(Decimal(self.specific) / YUAN_PARTS)} CNY/{self.unit}")
        return " + ".join(parts)

    @property
    def is_share(self) -> bool:
        """True for a mere share of the value."""
        return self.known and self.unit is None and self.sliding is None and self.other is None


@dataclass(frozen=True, slots=True)
class Staged:
    """A base rate in percent cut in equal yearly steps; the first cut falls in `first_year`."""

    base: Decimal
    steps: int
    first_year: int

    def in_year(self, year: int) -> Rate:
        """The rate of a year, to one decimal as the schedules print it."""
        left = min(max(self.steps - (year - self.first_year + 1), 0), self.steps)
        percent = (self.base * left / self.steps).quantize(Decimal("0.1"), ROUND_HALF_UP)
        return Rate(int(percent * 1000))

    @property
    def text(self) -> str:
        return f"{_plain(self.base)} staged {self.steps} from {self.first_year}"


@cache
def percent_text(parts: int) -> str:
    """0.001 % parts as a percent string: 4800 -> "4.8"."""
    return _plain(Decimal(parts) / 1000)


def parse_rate(text: str) -> Rate | Staged | None:
    """The rate of one cell; None for "none". Raises ValueError saying what is wrong."""
    if text == "none":
        return None
    if text == "unknown":
        return Rate(known=False)
    staged = _STAGED.match(text)
    if staged:
        return Staged(Decimal(staged[1]), int(staged[2]), int(staged[3]))
    split = _SPLIT.match(text)
    if split:
        how = FROM if split[2] == "from" else UP_TO
        return _choice(_own(split[1]), how, _own(split[4]), parse_price(split[3]))
    for how, word in _WORDS.items():
        first, found, second = text.partition(word)
        if found:
            return _choice(_own(first), how, _own(second), None)
    return _own(text)


def parse_price(text: str) -> Price:
    """A price per unit such as "10 CNY/ml", "5000 USD/set" or "370/988 USD/l". Raises ValueError."""
    match = _PRICE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is neither a percentage nor an amount per unit such as 10 CNY/ml")
    numerator, denominator = Decimal(match[1]).as_integer_ratio()
    return Price(numerator, denominator * int(match[2] or 1), match[3], match[4], text)


def _choice(own: Rate, how: int, other: Rate, price: Price | None) -> Rate:
    return Rate(own.ad_valorem, own.specific, own.unit, own.sliding, how, price, other)


def _own(text: str) -> Rate:
    sliding = _SLIDING.match(text)
    if sliding:
        most = _whole(Decimal(sliding[3]) * 1000, RATE_MAX, text)
        return Rate(sliding=Sliding(Decimal(sliding[1]), Decimal(sliding[2]), most, sliding[4]))
    ad_valorem, specific, unit = 0, 0, None
    for part in text.split(" + "):
        percent = _PERCENT.match(part)
        if percent:
            ad_valorem += _whole(Decimal(percent[1]) * 1000, RATE_MAX, part)
            continue
        price = parse_price(part)
        if price.currency != "CNY" or unit is not None:
            raise ValueError(f"{text!r}: a duty has one amount per unit, in CNY")
        unit = price.unit
        specific = _whole(Decimal(price.numerator) / price.denominator * YUAN_PARTS, SPECIFIC_MAX, part)
    return Rate(ad_valorem, specific, unit)


def _whole(scaled: Decimal, limit: int, text: str) -> int:
    if scaled != int(scaled):
        raise ValueError(f"{text!r} has more decimals than a rate can carry")
    if scaled > limit:
        raise ValueError(f"{text!r} is beyond the largest rate")
    return int(scaled)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
