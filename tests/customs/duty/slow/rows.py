"""The law's files read as text: the rows that are written for a code, longest prefix first, and those in force on a day.

Days are ISO texts, which compare as days do. Nothing here comes from `customs`: an error of the engine would have to be
made a second time, in another form, to go unseen.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

Row = dict[str, str]


def in_force(row: Row, day: str) -> bool:
    return row["first_day"] <= day and (not row["last_day"] or day <= row["last_day"])


class Law:
    """One folder of the law. What was read of a table, and which rows touch a code, is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[str, list[Row]] = {}
        self._by_prefix: dict[str, dict[str, list[Row]]] = {}
        self._of_code: dict[tuple[str, str], list[Row]] = {}
        self._named: dict[tuple[str, str], dict[str, list[Row]]] = {}

    def table(self, name: str) -> list[Row]:
        if name not in self._tables:
            with open(self.folder / f"{name}.csv", encoding="utf-8", newline="") as file:
                self._tables[name] = list(csv.DictReader(file))
        return self._tables[name]

    def of_code(self, name: str, hs: str) -> list[Row]:
        """All rows of a table written for a code or a prefix of it, of any day, longest prefix first."""
        found = self._of_code.get((name, hs))
        if found is None:
            prefixes = self._prefixes(name)
            found = [row for width in range(len(hs), -1, -1) for row in prefixes.get(hs[:width], ())]
            self._of_code[name, hs] = found
        return found

    def one(self, name: str, hs: str, day: str, **same: str) -> Row | None:
        """The row in force of the longest prefix that has one; `same` are columns that must hold these texts."""
        for row in self.of_code(name, hs):
            if in_force(row, day) and all(row[column] == text for column, text in same.items()):
                return row
        return None

    def named(self, name: str, column: str, text: str) -> list[Row]:
        """All rows of a table with a text in a column."""
        if (name, column) not in self._named:
            found: dict[str, list[Row]] = defaultdict(list)
            for row in self.table(name):
                found[row[column]].append(row)
            self._named[name, column] = found
        return self._named[name, column].get(text, [])

    def running(self, name: str, column: str, text: str, day: str) -> Iterator[Row]:
        return (row for row in self.named(name, column, text) if in_force(row, day))

    def _prefixes(self, name: str) -> dict[str, list[Row]]:
        if name not in self._by_prefix:
            found: dict[str, list[Row]] = defaultdict(list)
            for row in self.table(name):
                found[row["hs"]].append(row)
            self._by_prefix[name] = found
        return self._by_prefix[name]


@cache
def law_in(folder: Path) -> Law:
    """The law of a folder, read once per process."""
    return Law(folder)
