"""Looking one row up: the row in force for a code on a day, inherited from the longest prefix that has one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from customs.tariff.reading import Row

PREFIXES = (10, 8, 6, 5, 4, 2, 0)
CHAINS_KEPT = 20_000  # codes remembered per table: more than the tariff has, so that strangers' codes cannot fill it


class ByPrefix:
    """Rows of one table by code; made when first asked, since a quote of three lines needs few of them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._by_code: dict[str, list[Row]] | None = None
        self._chains: dict[str, list[Row]] = {}

    def find(self, hs: str, day: int, wanted: Callable[[Row], bool] | None = None) -> Row | None:
        """The row in force on a day for the longest prefix of a code."""
        for row in self.every(hs):
            if row["first_day"] <= day <= row["last_day"] and (wanted is None or wanted(row)):
                return row
        return None

    def all(self, hs: str, day: int) -> list[Row]:
        """Every row in force on a day for a prefix of a code, the longest prefix first."""
        return [row for row in self.every(hs) if row["first_day"] <= day <= row["last_day"]]

    def every(self, hs: str) -> list[Row]:
        """Every row for a prefix of a code, whatever the day, the longest prefix first."""
        chain = self._chains.get(hs)
        if chain is None:
            table = self._table()
            chain = [row for width in PREFIXES if width <= len(hs) for row in table.get(hs[:width], ())]
            if len(self._chains) < CHAINS_KEPT:
                self._chains[hs] = chain
        return chain

    def _table(self) -> dict[str, list[Row]]:
        if self._by_code is None:
            by_code: dict[str, list[Row]] = defaultdict(list)
            for row in self._rows:
                by_code[row["hs"]].append(row)
            self._by_code = by_code
        return self._by_code
