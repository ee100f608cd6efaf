"""One folder of the law's files: its rows as parsed, and the same rows as they are written."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from customs.tariff.faults import TariffFault
from customs.tariff.loader import edition_of
from customs.tariff.reading import Reader, Row
from customs.tariff.tables import Table

Cells = list[str]


@dataclass
class Edition:
    """A folder without fault. `name` is its hash; `written` gives a row's cells as they stand in the file."""

    folder: Path
    name: str
    reader: Reader

    @property
    def tables(self) -> dict[str, list[Row]]:
        return self.reader.tables

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        return self.reader.sources

    @property
    def coverage(self) -> dict[str, Any]:
        return self.reader.coverage

    def written(self, table: Table, row: Row) -> dict[str, str]:
        """Column -> text of one row, exactly as in the file: what users recognise."""
        texts = self._texts.get(table.name)
        if texts is None:
            texts = self._texts[table.name] = numbered(self.folder / f"{table.name}.csv")
        return dict(zip(table.heading, texts[row["line"]], strict=True))

    @cached_property
    def elements(self) -> dict[str, str]:
        """The declaration elements by the number under which lines point at them."""
        return {row["id"]: row["elements"] for row in self.tables["elements"]}

    @cached_property
    def _texts(self) -> dict[str, dict[int, Cells]]:
        return {}


def read_edition(folder: Path) -> Edition:
    """The rows of a folder. Raises TariffFault with every fault of its files."""
    reader = Reader(folder)
    reader.read()
    if reader.faults:
        raise TariffFault(reader.faults)
    return Edition(folder, edition_of(folder), reader)


def numbered(path: Path) -> dict[int, Cells]:
    """The rows of one table by line number, counted as the loader counts them; line 1 is the heading."""
    reader = csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True)
    found: dict[int, Cells] = {}
    for cells in reader:
        found[reader.line_num] = cells
    return found
