"""Quantities by word of unit, and the dutiable value, of what a declaration says."""

from __future__ import annotations

from fractions import Fraction

from tests.customs.duty.slow.rows import Law


def measured(law: Law, hs: str, day: str, *given: tuple[Fraction, str]) -> dict[str, Fraction]:
    """Every unit that the given quantities can be brought to; `unit1` is the first statutory unit of the goods."""
    found: dict[str, Fraction] = {}
    for quantity, unit in given:
        found.setdefault(unit, quantity)
        for word, factor in _same_dimension(law, unit):
            found.setdefault(word, quantity * factor)
    first, _ = statutory_units(law, hs, day)
    if first in found:
        found["unit1"] = found[first]
    return found


def statutory_units(law: Law, hs: str, day: str) -> tuple[str, str]:
    """The words of the two statutory units; blank where there is none."""
    for row in law.running("lines", "hs", hs, day):
        return _word(law, row["unit1"]), _word(law, row["unit2"])
    return "", ""


def dutiable(
    goods: Fraction, freight: Fraction, insurance: Fraction | None, rate: Fraction, share: Fraction
) -> Fraction:
    """Yuan: goods, freight and insurance in their currency, exact, converted once (rule A16). An insurance that is not
    known is a share of goods and freight."""
    return (goods + freight + ((goods + freight) * share if insurance is None else insurance)) * rate


def _word(law: Law, code: str) -> str:
    return next((row["word"] for row in law.named("units", "code", code)), "")


def _same_dimension(law: Law, unit: str) -> list[tuple[str, Fraction]]:
    for row in law.named("units", "word", unit):
        if row["dimension"]:
            like = law.named("units", "dimension", row["dimension"])
            return [(other["word"], Fraction(row["factor"]) / Fraction(other["factor"])) for other in like]
    return []
