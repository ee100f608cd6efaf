"""CSV, read as a stream: UTF-8 with or without byte order mark, else GB18030 (what spreadsheets in China write)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.imports.block import ROWS_MOST, TOO_LONG, Block, Record, fitted
from catalog.imports.header import read_header
from customs.assessments.files.csv_source import survey
from customs.assessments.files.problems import unreadable

RECORD_MOST = 1 << 20  # characters of a row, its line breaks among them
LINE_MOST = 1 << 20  # bytes; a longer line is not one of ours, and must not be held in the memory


class CsvSource:
    """See `catalog.imports.reader.Source`."""

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, path.stat().st_size
        self._encoding, lines = survey(path, LINE_MOST)
        self.rows = max(lines - 1, 0)
        if self.rows > ROWS_MOST and not _quotes(path):  # with quotes, many lines may be one row
            raise unreadable(TOO_LONG)
        with self._open() as text:
            self.layout = read_header(_header(_Reader(text)))

    def _open(self) -> io.TextIOWrapper:
        return self._path.open(encoding=self._encoding, newline="")

    def blocks(self, most: int) -> Iterator[Block]:
        first = 1
        with self._open() as text:
            reader = _Reader(text)
            _header(reader)
            while records := _records(reader, most, self.layout.width):
                if first + len(records) > ROWS_MOST + 1:
                    raise unreadable(TOO_LONG)
                yield Block(first, records, 100 * _position(text) // self._size)
                first += len(records)


def _quotes(path: Path) -> bool:
    with path.open("rb") as file:
        return any(b'"' in chunk for chunk in iter(lambda: file.read(LINE_MOST), b""))


class _Lines:
    """The lines of a text. A record of many lines grows twelvefold in the memory, so there is an end to it."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._left = text, 0

    def begin(self) -> None:
        """Another record."""
        self._left = RECORD_MOST

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self._left -= len(line)
        if self._left < 0:
            raise unreadable(f"a row has more than {RECORD_MOST} characters")
        return line


class _Reader:
    """The records of a text, one by one."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._lines = _Lines(text)
        self._records = csv.reader(self._lines, strict=True)

    def record(self) -> list[str] | None:
        """The next one, None at the end. Raises csv.Error."""
        self._lines.begin()
        return next(self._records, None)


def _position(text: io.TextIOWrapper) -> int:
    """How many bytes were taken from the file; the text stream itself cannot tell while it is read by lines."""
    raw: Any = text.buffer
    return int(raw.tell())


def _header(reader: _Reader) -> list[str]:
    try:
        return reader.record() or []
    except csv.Error as fault:
        raise unreadable(f"the header: {fault}") from None


def _records(reader: _Reader, most: int, width: int) -> list[Record]:
    """At most `most` records; one that quotes badly is told as such, and the next one read."""
    found: list[Record] = []
    while len(found) < most:
        try:
            cells = reader.record()
        except csv.Error as fault:
            found.append(f"cannot be read: {fault}")
            continue
        if cells is None:
            break
        found.append(cells if len(cells) == width else fitted(cells, width))
    return found
