"""Why a bill's line is not ours, as far as the figures tell. Pure: amounts in, words out.

`freight_sharing`: the list's dutiable value is the same, shared otherwise over its lines (the law leaves that open).
`rounding_order`: the same base, a tax one fen apart. `quantity`: the value is that of another whole quantity.
`rate`: the same base and another tax. `unknown`: none of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from core.money import half_up

TAXES = ("duty", "consumption_tax", "vat")
_ROUNDING = 1  # fen by which one order of rounding can differ from another, each tax kind for itself


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts of one line in fen; `costs_fen` is the freight and insurance in its value, 0 where that is not known."""

    dutiable_value: int
    duty: int
    consumption_tax: int
    vat: int
    quantity: Decimal = Decimal(0)
    costs_fen: int = 0


class Difference(NamedTuple):
    """`kind` is `dutiable_value`, a tax, or `total` (line 0: the bill's own sum is not that of its lines)."""

    gnum: int
    kind: str
    ours_fen: int
    billed_fen: int
    cause: str


_NONE = Line(0, 0, 0, 0)


def compare(ours: Mapping[int, Line], theirs: Mapping[int, Line], totals: Mapping[str, int]) -> list[Difference]:
    """Every difference between a declaration's lines and a bill's, both by number; `totals` are the bill's own sums."""
    found: list[Difference] = []
    shared_alike = _sum(ours, "dutiable_value") == _sum(theirs, "dutiable_value")
    costs = sum(line.costs_fen for line in ours.values())
    for gnum in sorted(ours.keys() | theirs.keys()):
        found += _line(gnum, ours.get(gnum), theirs.get(gnum), shared_alike, costs)
    for name in TAXES:
        lines = _sum(theirs, name)
        if theirs and totals[name] != lines:
            found.append(Difference(0, "total", lines, totals[name], "unknown"))
        elif not theirs and totals[name] != _sum(ours, name):
            found.append(Difference(0, "total", _sum(ours, name), totals[name], "unknown"))
    return _one_total(found)


def _one_total(found: Sequence[Difference]) -> list[Difference]:
    """The sums of all taxes together: line 0 has one row."""
    totals = [each for each in found if each.kind == "total"]
    ours, billed = sum(each.ours_fen for each in totals), sum(each.billed_fen for each in totals)
    rest = [each for each in found if each.kind != "total"]
    return [*rest, Difference(0, "total", ours, billed, "unknown")] if ours != billed else rest


def _sum(lines: Mapping[int, Line], name: str) -> int:
    return sum(getattr(line, name) for line in lines.values())


def _line(gnum: int, ours: Line | None, theirs: Line | None, shared_alike: bool, costs: int) -> list[Difference]:
    own, billed = ours or _NONE, theirs or _NONE
    known = ours is not None and theirs is not None
    found: list[Difference] = []
    cause = _value_cause(own, billed, shared_alike, costs) if known else "unknown"
    if own.dutiable_value != billed.dutiable_value:
        found.append(Difference(gnum, "dutiable_value", own.dutiable_value, billed.dutiable_value, cause))
    for name in TAXES:
        mine, asked = getattr(own, name), getattr(billed, name)
        if mine != asked:
            why = _tax_cause(mine, asked, own, billed, cause) if known else "unknown"
            found.append(Difference(gnum, name, mine, asked, why))
    return found


def _value_cause(own: Line, billed: Line, shared_alike: bool, costs: int) -> str:
    difference = billed.dutiable_value - own.dutiable_value
    if not difference:
        return ""
    if shared_alike and abs(difference) <= costs:
        return "freight_sharing"
    if _other_quantity(own, billed):
        return "quantity"
    return "unknown"


def _other_quantity(own: Line, billed: Line) -> bool:
    """Whether the value is that of another whole quantity at our price."""
    if own.quantity <= 0 or own.dutiable_value <= 0:
        return False
    counted = Fraction(billed.dutiable_value) * Fraction(own.quantity) / own.dutiable_value
    whole = round(counted)
    if whole == own.quantity or whole < 0:
        return False
    return abs(_scaled(own.dutiable_value, Fraction(whole) / Fraction(own.quantity)) - billed.dutiable_value) <= 1


def _tax_cause(mine: int, asked: int, own: Line, billed: Line, cause: str) -> str:
    if not cause:
        return "rounding_order" if abs(asked - mine) <= _ROUNDING else "rate"
    if own.dutiable_value <= 0:
        return "unknown"
    due = _scaled(mine, Fraction(billed.dutiable_value, own.dutiable_value))
    return cause if abs(due - asked) <= _ROUNDING else "rate"


def _scaled(amount: int, by: Fraction) -> int:
    exact = amount * by
    return int(half_up(exact.numerator, exact.denominator))
