"""How the law writes a rate: a share of the value, an amount per unit, both, or the lower of two.

Grammar of the data files: "12" is 12 %, "1.3 CNY/kg" an amount per unit, "20 + 0.912 CNY/l" both (Tariff Law art. 23),
"15 or lower 3 + 4380 CNY/set" the lower of two, "12 staged 10 from 2015" a base cut in ten equal yearly steps (rule
A23), "none" an explicit exclusion, "unknown" a tax that exists but was not read: asking for it is an error, never zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

WHOLE = 100_000  # ad valorem rates are integers of 0.001 %: 100 % is 100,000
YUAN_PARTS = 10_000  # specific rates are integers of 0.0001 CNY per unit
RATE_MAX = 10 * WHOLE  # 1,000 %: the bound under which the arithmetic of `customs.duty` holds in int64
SPECIFIC_MAX = 10**9  # 100,000 CNY per unit

_NUMBER = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_PERCENT = re.compile(rf"({_NUMBER})\Z", re.ASCII)
_AMOUNT = re.compile(rf"({_NUMBER}) CNY/([a-z][a-z0-9]*)\Z", re.ASCII)
_STAGED = re.compile(rf"({_NUMBER}) staged ([1-9][0-9]?) from ([12][0-9]{{3}})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate: `ad_valorem` in 0.001 %, `specific` in 0.0001 CNY per `unit`; `lower` is the other arm of two."""

    ad_valorem: int = 0
    specific: int = 0
    unit: str | None = None
    lower: Rate | None = None
    known: bool = True

    @property
    def text(self) -> str:
        """The rate as users read it: "12", "1.3 CNY/kg", "20 + 0.912 CNY/l"."""
        if not self.known:
            return "unknown"
        parts = [] if self.specific and not self.ad_valorem else [percent_text(self.ad_valorem)]
        if self.specific:
            parts.append(f"{_plain(Decimal(self.specific) / YUAN_PARTS)} CNY/{self.unit}")
        own = " + ".join(parts)
        return own if self.lower is None else f"{own} or lower {self.lower.text}"


@dataclass(frozen=True, slots=True)
class Staged:
    """A base rate in percent cut in equal yearly steps; the first cut falls in `first_year`."""

    base: Decimal
    steps: int
    first_year: int

    def in_year(self, year: int) -> Rate:
        """The rate of a year, to one decimal as the schedules print it."""
        left = max(self.steps - (year - self.first_year + 1), 0)
        percent = (self.base * left / self.steps).quantize(Decimal("0.1"), ROUND_HALF_UP)
        return Rate(int(percent * 1000))


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
    own, _, other = text.partition(" or lower ")
    rate = _sum(own)
    return Rate(rate.ad_valorem, rate.specific, rate.unit, _sum(other)) if other else rate


def parse_amount(text: str) -> tuple[Decimal, str]:
    """An amount per unit such as "10 CNY/ml" as (CNY, unit word)."""
    match = _AMOUNT.match(text)
    if match is None:
        raise ValueError(f"{text!r} is neither a percentage nor an amount per unit such as 10 CNY/ml")
    return Decimal(match[1]), match[2]


def _sum(text: str) -> Rate:
    ad_valorem, specific, unit = 0, 0, None
    for part in text.split(" + "):
        percent = _PERCENT.match(part)
        if percent:
            ad_valorem += _whole(Decimal(percent[1]) * 1000, RATE_MAX, part)
            continue
        amount, unit = parse_amount(part)
        specific += _whole(amount * YUAN_PARTS, SPECIFIC_MAX, part)
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
