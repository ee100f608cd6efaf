"""Opening a file of lines: which form it has, how much there is of it, and how far the reading is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from customs.assessments.files.columns import Piece
from customs.assessments.files.csv_source import CsvSource
from customs.assessments.files.parquet_source import open_parquet
from customs.assessments.files.problems import unreadable

PIECE = 65_536  # rows that are in memory at a time
_MAGIC = {b"PK\x03\x04": "a workbook or archive: save the sheet as CSV", b"\x1f\x8b": "compressed: unpack it first"}


class Source(Protocol):
    """A file that was opened and whose header was found right. `rows` is the number of rows, for CSV an estimate;
    `size` is where `Piece.position` ends."""

    form: str
    rows: int
    size: int

    def pieces(self, rows: int) -> Iterator[Piece]:
        """The rows in their order, at most `rows` at a time. Raises Problem file_unreadable where the bytes end it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is assessed; `percent` is whole."""

    done: int
    failed: int
    rows: int
    percent: int


def open_source(path: Path) -> Source:
    """The file by its first bytes. Raises Problem file_unreadable, file_columns_wrong or archive_extra_missing."""
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise unreadable("the file is empty")
    if start == b"PAR1":
        return open_parquet(path)
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise unreadable(f"the file is {what}")
    return CsvSource(path)
