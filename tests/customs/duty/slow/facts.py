"""What is known of one line of goods, and why the law may have no answer for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction


class Refused(Exception):
    """No answer; `kinds` are all the reasons that hold: code, class, rate, quantity, content, instant, exchange, vat."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(*kinds)
        self.kinds = frozenset(kinds)


@dataclass(frozen=True)
class Facts:
    """`value`: dutiable value in yuan, unrounded. `quantity`: by word of unit, `unit1` being the first statutory one.
    `minute`: of the Beijing day. `proven`: every agreement of the origin is; `claim`: this one alone is. `exchange`:
    yuan for one unit of a currency."""

    hs: str
    origin: str | None
    day: str
    value: Fraction
    quantity: Mapping[str, Fraction] = field(default_factory=dict)
    proven: bool = False
    claim: str | None = None
    unproven: bool = False
    minute: int | None = None
    exporter: str = ""
    exclusion_no: str = ""
    part: str = ""
    exchange: Mapping[str, Fraction] = field(default_factory=dict)

    def of(self, unit: str) -> Fraction:
        """The quantity in a unit."""
        found = self.quantity.get(unit)
        if found is None:
            raise Refused("quantity")
        return found

    def yuan(self, amount: Fraction, currency: str) -> Fraction:
        if currency == "CNY":
            return amount
        if currency not in self.exchange:
            raise Refused("exchange")
        return amount * self.exchange[currency]


def fen(amount: Fraction) -> int:
    """Whole fen, half a fen up."""
    return (amount * 100 + Fraction(1, 2)).__floor__()


def yuan(count: int) -> Fraction:
    return Fraction(count, 100)
