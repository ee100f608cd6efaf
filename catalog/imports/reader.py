"""Opening a file of listings: which form it has, how much there is of it, and how far the reading is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from catalog.imports.block import Block
from catalog.imports.csv_reader import CsvSource
from catalog.imports.header import Layout
from catalog.imports.xlsx_reader import XlsxSource
from customs.assessments.files.problems import unreadable

_ZIP = b"PK\x03\x04"
_FOREIGN = {
    b"\x1f\x8b": "compressed: unpack it first",
    b"\xd0\xcf\x11\xe0": "an old XLS workbook: save it as XLSX or CSV",
    b"PAR1": "Parquet: listings come as CSV or XLSX",
}


class Source(Protocol):
    """A file that was opened and whose header was found right; `rows` is an estimate."""

    layout: Layout
    rows: int

    def blocks(self, most: int) -> Iterator[Block]:
        """All records in their order, `most` at a time. Raises Problem file_unreadable where the bytes end it."""


def open_source(path: Path) -> Source:
    """The file by its first bytes. Raises Problem file_unreadable or file_columns_wrong."""
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise unreadable("the file is empty")
    if start == _ZIP:
        return XlsxSource(path)
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise unreadable(f"the file is {what}")
    return CsvSource(path)
