"""What cross-border retail asks of the rows of a piece before taxes: the list, the mode, the limits of each order.

The lines of one order stand side by side and have one day; a line without an order is an order of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from core.errors import INVALID, Problem
from core.money import fen_text
from customs.assessments.files.columns import Bools, Ints
from customs.assessments.files.engine import Asked
from customs.assessments.files.given import Given
from customs.assessments.files.index import Memo
from customs.assessments.files.single import Refused
from customs.assessments.files.weights import with_hint
from customs.assessments.retail import RETAIL_MODES
from customs.assessments.service import LINES_MAX
from customs.duty.wording import Phrase
from customs.tariff import RetailLimits, Tariff
from customs.tariff.problems import SINGLE_LIMIT

_NOT_LISTED, _LISTED, _CAPPED = range(3)


@dataclass(slots=True)
class Orders:
    """Rows by order: `of_row` is the number of the row's order; per order its first row and size. `above`: above the
    single limit; `refused`: so, with more lines than the one indivisible item of rule A6, or with too many lines.
    `total` is its value in fen, rows that cannot be valued left out."""

    of_row: Ints
    total: Ints
    first: Ints
    size: Ints
    above: Bools
    refused: Bools


class Rules:
    """The retail rules of one tariff, each asked once for what it depends on."""

    def __init__(self, tariff: Tariff, mode: str | None) -> None:
        self._tariff, self._mode = tariff, mode
        self._limits, self._allowed = Memo(), Memo()

    def orders(self, asked: Asked) -> Orders:
        """The orders of a piece and where they stand to the single limit; rows that cannot be read count nothing."""
        given = asked.given
        ids: dict[str, int] = {}
        order = given.order.map(lambda word: ids.setdefault(word, len(ids)), -1)
        begins = np.ones(given.count, bool)
        begins[1:] = (order[1:] < 0) | (order[1:] != order[:-1]) | (given.day[1:] != given.day[:-1])
        first = np.flatnonzero(begins)
        size = np.diff(np.append(first, given.count))
        total = np.add.reduceat(np.where(asked.values.sure, asked.values.fen, 0), first)
        limit = self._per_day(given.day[first], "single_fen")
        above = (limit > 0) & (total > limit)
        return Orders(np.cumsum(begins) - 1, total, first, size, above, (above & (size > 1)) | (size > LINES_MAX))

    def listed(self, given: Given) -> tuple[Ints, Bools]:
        """The percentage of the taxes levied inside the limits, 0 where the row may not enter by this route; and which
        rows fall under a weight cap."""
        share = self._per_day(given.day, "tax_share")
        mode = given.mode.map(lambda word: RETAIL_MODES.index(word) if word in RETAIL_MODES else -1, -1)
        # One number for each code, mode and day, so that each is asked once.
        key = (given.hs.codes.astype(np.int64) * (len(RETAIL_MODES) + 1) + mode + 1) * 2**22 + given.day
        _, example, row_of = np.unique(key, return_index=True, return_inverse=True)
        found = np.array([self._enters(given, row) for row in example.tolist()], np.int64)[row_of]
        return np.where(found == _NOT_LISTED, 0, share), found == _CAPPED

    def refusal(self, given: Given, orders: Orders, row: int) -> Refused:
        """Why the order of a row is refused as a whole."""
        number = int(orders.of_row[row])
        if orders.size[number] > LINES_MAX:
            return Refused("order", INVALID, f"an order has at most {LINES_MAX} lines")
        limit = self._number(int(given.day[row]), "single_fen")
        facts: dict[str, Phrase] = {"total": fen_text(int(orders.total[number])), "limit": fen_text(limit)}
        return Refused("value", SINGLE_LIMIT, with_hint(["above_single_limit", facts], ["hint_orders"]))

    def _per_day(self, day: Ints, name: str) -> Ints:
        """A number of the limits of each day, 0 before there were any."""
        days, row_of = np.unique(day, return_inverse=True)
        return np.array([self._number(each, name) for each in days.tolist()], np.int64)[row_of]

    def _number(self, day: int, name: str) -> int:
        limits: RetailLimits | None = self._limits.get(day, lambda: self._limits_of(day))
        if limits is None:
            return 0
        return limits.single_fen if name == "single_fen" else limits.share

    def _limits_of(self, day: int) -> RetailLimits | None:
        try:
            return self._tariff.retail_limits(date.fromordinal(day))
        except Problem:
            return None

    def _enters(self, given: Given, row: int) -> int:
        hs8, day, mode = given.hs.word(row)[:8], int(given.day[row]), given.mode.word(row) or self._mode
        return self._allowed.get((hs8, day, mode), lambda: self._listed(hs8, day, mode))

    def _listed(self, hs8: str, day: int, mode: str | None) -> int:
        entry = self._tariff.positive_list(hs8, date.fromordinal(day))
        if entry is None or (mode is not None and mode not in (entry.modes or RETAIL_MODES)):
            return _NOT_LISTED
        return _LISTED if entry.cap_kg is None else _CAPPED
