"""CSV, read as a stream: UTF-8 with or without byte order mark, else GB18030 (what spreadsheets in China write)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from catalog.imports.block import Block, Record, fitted
from catalog.imports.header import read_header
from customs.assessments.files.csv_source import survey
from customs.assessments.files.problems import unreadable

LINE_MOST = 1 << 20  # bytes; a longer line is not one of ours, and must not be held in the memory


class CsvSource:
    """See `catalog.imports.reader.Source`."""

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, path.stat().st_size
        self._encoding, lines = survey(path, LINE_MOST)
        self.rows = max(lines - 1, 0)
        with self._open() as text:
            self.layout = read_header(_header(csv.reader(text, strict=True)))

    def _open(self) -> io.TextIOWrapper:
        return self._path.open(encoding=self._encoding, newline="")

    def blocks(self, most: int) -> Iterator[Block]:
        first = 1
        with self._open() as text:
            reader = csv.reader(text, strict=True)
            _header(reader)
            while records := _records(reader, most, self.layout.width):
                yield Block(first, records, 100 * _position(text) // self._size)
                first += len(records)


def _position(text: io.TextIOWrapper) -> int:
    """How many bytes were taken from the file; the text stream itself cannot tell while it is read by lines."""
    raw: Any = text.buffer
    return int(raw.tell())


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader, [])
    except csv.Error as fault:
        raise unreadable(f"the header: {fault}") from None


def _records(reader: Iterator[list[str]], most: int, width: int) -> list[Record]:
    """At most `most` records; one that quotes badly is told as such, and the next one read."""
    found: list[Record] = []
    while len(found) < most:
        before = len(found)
        try:
            found.extend(islice(reader, most - before))
        except csv.Error as fault:
            found.append(f"cannot be read: {fault}")
        if len(found) == before:
            break
    for i, cells in enumerate(found):
        if len(cells) != width and not isinstance(cells, str):
            found[i] = fitted(cells, width)
    return found
