"""Quantities of rows in the units that rates ask for; as `customs.duty.valuation.Quantities` does it for one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from customs.assessments.files.columns import Bools, Ints
from customs.assessments.files.given import MISSING, Given
from customs.assessments.files.index import Index
from customs.duty.bounds import QUANTITY_MAX, QUANTITY_PARTS
from customs.duty.valuation import COUNTED, SINGLE

_MOST = QUANTITY_MAX * QUANTITY_PARTS
_FACTOR_SAFE = (2**63 - 1) // _MOST  # of a quantity within the bounds, in int64
_LABELLED = ("ml", "g", "piece")  # for these the label goes before the declared quantities

# A quantity (parts, MISSING where not given) with the unit word of each row, as numbers of `_Measure.words`.
_Amount = tuple[Any, Ints]


def measured(index: Index, given: Given, rows: Ints, lines: Ints) -> tuple[dict[str, Ints], Bools]:
    """By unit the parts of each row, MISSING where nothing given tells it; and where one is beyond the bounds. `lines`
    are the tariff lines of `rows`."""
    measure = _Measure(index, given, rows, lines)
    beyond: Bools = np.zeros(len(rows), bool)
    columns = {}
    for unit in index.units:
        parts = measure.of(unit)
        over = np.array(parts > _MOST, bool)
        beyond |= over
        columns[unit] = np.where(over, MISSING, parts).astype(np.int64)
    return columns, beyond


class _Measure:
    def __init__(self, index: Index, given: Given, rows: Ints, lines: Ints) -> None:
        self._units = index.tariff.units
        self.words: list[str] = [""]
        self._ids: dict[str, int] = {"": 0}
        first, second = self._statutory(index, lines)
        sold, label = given.unit.map(self._id, 0)[rows], given.content_unit.map(self._id, 0)[rows]
        sold = np.where(given.quantity[rows] == MISSING, 0, sold)  # a unit without a quantity says nothing
        self._first: _Amount = (given.unit1_quantity[rows], first)
        self._second: _Amount = (given.unit2_quantity[rows], second)
        self._sold: _Amount = (given.quantity[rows], sold)
        single = np.array([word in SINGLE for word in self.words])
        self._sold_single, self._first_single = single[sold], single[first]
        self._sold_counted = np.array([word in COUNTED for word in self.words])[sold]
        self._label: _Amount = (self._whole_label(given.content[rows]), label)

    def _statutory(self, index: Index, lines: Ints) -> tuple[Ints, Ints]:
        """The words of both statutory units of each row."""
        distinct, row_of = np.unique(lines, return_inverse=True)
        table = [index.tariff.rows[line] for line in distinct.tolist()]
        first, second = (np.array([self._id(self._units.word_of(row[name])) for row in table], np.int64)[row_of]
                         for name in ("unit1", "unit2"))  # fmt: skip
        return first, second

    def of(self, unit: str) -> Any:
        """The parts of each row in one unit."""
        if unit == "unit1":
            return self._of_first()
        given = (self._first, self._second, self._sold)
        order = (self._label, *given) if unit in _LABELLED else given
        result: Any = np.full(len(self._sold[1]), MISSING, np.int64)
        for amount in order:
            result = _fill(result, self._converted(amount, unit))
        if unit in SINGLE:
            result = _fill(result, np.where(self._sold_single, self._sold[0], MISSING))
        return _fill(result, self._converted(self._label, unit))

    def _of_first(self) -> Any:
        """The first statutory quantity, else the quantity sold where it is in that unit or both count one by one."""
        result = _fill(self._first[0], self._converted_to_first())
        both = self._sold_single & self._first_single
        return _fill(result, np.where(both, self._sold[0], MISSING))

    def _converted_to_first(self) -> Any:
        result: Any = np.full(len(self._sold[1]), MISSING, np.int64)
        for unit in np.unique(self._first[1]).tolist():
            here = self._first[1] == unit
            result = np.where(here, self._converted(self._sold, self.words[unit]), result)
        return result

    def _whole_label(self, content: Ints) -> Any:
        """The content of the whole line in 1 / 10^10: of one sales unit times the units sold, where goods are counted.
        Python integers, since few lines have one."""
        times = np.where(self._sold_counted, self._sold[0], QUANTITY_PARTS)
        known = (content != MISSING) & (times != MISSING)
        return np.where(known, content.astype(object) * times, MISSING)

    def _converted(self, amount: _Amount, wanted: str) -> Any:
        """Cut off after five decimals: what lies beyond cannot be declared."""
        parts, units = amount
        finer = QUANTITY_PARTS if amount is self._label else 1
        result: Any = np.full(len(units), MISSING, np.int64)
        for unit in np.unique(units).tolist():
            factor = self._units.factor(self.words[unit], wanted) if self.words[unit] else None
            if factor is None:
                continue
            numerator, denominator = factor.as_integer_ratio()
            at = np.flatnonzero((units == unit) & (parts != MISSING))
            # Beyond these bounds, and for labels, the product needs Python integers.
            narrow = numerator <= _FACTOR_SAFE and finer == 1
            exact = parts[at].astype(np.int64 if narrow else object) * numerator // (denominator * finer)
            result[at] = np.minimum(exact, _MOST + 1).astype(np.int64)
        return result

    def _id(self, word: str) -> int:
        found = self._ids.get(word)
        if found is None:
            found = self._ids[word] = len(self.words)
            self.words.append(word)
        return found


def _fill(result: Any, other: Any) -> Any:
    return np.where(result == MISSING, other, result)
