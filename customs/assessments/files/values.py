"""Dutiable values of a column of rows (Tariff Law art. 24-26, rule A16): goods, freight and insurance summed in the
invoice currency, exact, converted once, rounded once to fen; as `customs.duty.valuation.value` does it for one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from core.money import half_up_magnitude
from customs.assessments.files.columns import Bools, Ints
from customs.assessments.files.given import MISSING, Given
from customs.assessments.files.index import Index
from customs.duty.bounds import VALUE_MAX_FEN
from customs.tariff.reading import FIRST

_RATE_PARTS = 10**8
_SAFE = 2**61  # twice it and a denominator stay below 2^63


@dataclass(slots=True)
class Values:
    """`fen` per row; the exact value is `total * factor / divisor` fen. Not `sure`: no rate is at hand (then the factor
    is 0), or int64 may not carry it; such rows are valued one by one."""

    fen: Ints
    sure: Bools
    total: Ints
    factor: Ints
    divisor: Ints

    def exact(self, row: int) -> Fraction | int:
        """The unrounded value of a row in fen."""
        value = Fraction(int(self.total[row]) * int(self.factor[row]), int(self.divisor[row]))
        return value.numerator if value.denominator == 1 else value


def value(index: Index, given: Given, rates: Mapping[str, Decimal], insured: bool) -> Values:
    """`insured`: unknown insurance is a share of goods and freight (general trade), else nothing (retail)."""
    factor, divisor = _rates(index, given, rates)
    known = given.insurance != MISSING
    total = given.value + given.freight + np.where(known, given.insurance, 0)
    if insured:
        day = given.day - FIRST
        times = np.where(known, 1, index.insured.numerator.take(day, mode="clip"))
        parts = np.where(known, 1, index.insured.denominator.take(day, mode="clip"))
        factor, divisor = _product(factor, times), _product(divisor, parts)
    sure = ~given.faults.bad & (factor > 0) & (divisor < _SAFE) & (total < _SAFE // np.maximum(factor, 1))
    total = np.where(sure, total, 0)
    fen = half_up_magnitude(total * factor, divisor)
    return Values(fen, sure & (fen < VALUE_MAX_FEN), total, factor, divisor)


def _product(one: Ints, other: Ints) -> Ints:
    """The product, or _SAFE where it would be larger."""
    return np.where(one < _SAFE // np.maximum(other, 1), one * other, _SAFE)


def _rates(index: Index, given: Given, rates: Mapping[str, Decimal]) -> tuple[Ints, Ints]:
    """CNY for one unit as a fraction: the row's own, else the file's, else the law's of the day; 0 where none is known
    and for a currency there is not."""
    currency = given.currency
    factor, divisor = np.ones(given.count, np.int64), np.ones(given.count, np.int64)
    for code, word in enumerate(currency.words):
        if word == "CNY":
            continue
        rows = np.flatnonzero(currency.codes == code)
        if word in rates:
            factor[rows], divisor[rows] = rates[word].as_integer_ratio()
        else:
            law, day = index.exchange(word), given.day[rows] - FIRST
            factor[rows] = law.numerator.take(day, mode="clip")
            divisor[rows] = law.denominator.take(day, mode="clip")
    own = (given.rate > 0) & (currency.map(lambda word: word != "CNY", 0) > 0)
    common = np.gcd(given.rate, _RATE_PARTS)
    factor[own], divisor[own] = (given.rate // common)[own], (_RATE_PARTS // common)[own]
    factor[currency.map(lambda word: word not in index.tariff.currencies, 0) > 0] = 0
    return factor, divisor
