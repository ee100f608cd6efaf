"""CSV, read as a stream: UTF-8 with or without byte order mark, else GB18030 (what spreadsheets in China write).

A line that does not fit the header is reported and the next one read; so is one that quotes badly.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from customs.assessments.files.columns import Piece, Typed, Words, trimmed
from customs.assessments.files.layout import check_header
from customs.assessments.files.problems import unreadable

LINE_MOST = 65_536  # bytes; a longer line is not one of ours
_CHUNK = 1 << 20
_AT_ONCE = 1024  # rows
_ENCODINGS = ("utf-8-sig", "gb18030")


class CsvSource:
    """See `customs.assessments.files.source.Source`."""

    form = "csv"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding, lines = survey(path)
        self.rows, self.size = max(lines - 1, 0), path.stat().st_size
        with self._open() as text:
            self._names = _header(csv.reader(text))

    def _open(self) -> io.TextIOWrapper:
        return self._path.open(encoding=self._encoding, newline="")

    def pieces(self, rows: int) -> Iterator[Piece]:
        first = 1
        with self._open() as text:
            reader = csv.reader(text)
            _header(reader)
            while True:
                cells, broken = _cells(reader, rows, len(self._names))
                if not cells[0]:
                    return
                columns: dict[str, Words | Typed] = dict(zip(self._names, map(words_of, cells), strict=True))
                yield Piece(first, len(cells[0]), columns, broken, _position(text))
                first += len(cells[0])


def _position(text: io.TextIOWrapper) -> int:
    """How many bytes were taken from the file; the text stream itself cannot tell while it is read by lines."""
    raw: Any = text.buffer
    return int(raw.tell())


def words_of(cells: Sequence[str]) -> Words:
    """Texts by the words they use, spaces around them left out."""
    index = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    codes = np.fromiter(map(index.__getitem__, cells), np.int32, len(cells))
    return trimmed(codes, list(index))


def survey(path: Path, line_most: int = LINE_MOST) -> tuple[str, int]:
    """(encoding, number of lines). Raises Problem file_unreadable when the text is in neither encoding, or has a line
    that must not be held in the memory."""
    for encoding in _ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            lines = _count_lines(path, decoder, line_most)
        except UnicodeDecodeError:
            continue
        return encoding, lines
    raise unreadable("the text is neither UTF-8 nor GB18030")


def _count_lines(path: Path, decoder: codecs.IncrementalDecoder, line_most: int) -> int:
    lines, begun = 0, 0  # `begun` is the length of the line that goes on in the next chunk
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
            lengths = [*map(len, chunk.replace(b"\r", b"\n").split(b"\n"))]
            lengths[0] += begun
            if max(lengths) > line_most:
                raise unreadable(f"a line has more than {line_most} bytes")
            lines, begun = lines + chunk.count(b"\n"), lengths[-1]
    decoder.decode(b"", final=True)
    return lines + (begun > 0)


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as fault:
        raise unreadable(f"the header: {fault}") from None
    check_header(names)
    return names


def _cells(reader: Iterator[list[str]], most: int, width: int) -> tuple[list[list[str]], dict[int, str]]:
    """The cells of at most `most` rows by column, and what was wrong with rows. Few rows are held as rows at a time:
    many lists would keep the garbage collector busy."""
    columns: list[list[str]] = [[] for _ in range(width)]
    broken: dict[int, str] = {}
    while (done := len(columns[0])) < most:
        records, wrong = _records(reader, min(most - done, _AT_ONCE), width)
        if not records:
            break
        for column, cells in zip(columns, zip(*records, strict=True), strict=True):
            column.extend(cells)
        broken |= {done + row: message for row, message in wrong.items()}
    return columns, broken


def _records(reader: Iterator[list[str]], most: int, width: int) -> tuple[list[list[str]], dict[int, str]]:
    """At most `most` rows, each as wide as the header, and what was wrong with those that were not."""
    records: list[list[str]] = []
    broken: dict[int, str] = {}
    while len(records) < most:
        before = len(records)
        try:
            # Blank lines are no rows.
            records.extend(filter(None, islice(reader, most - before)))
        except csv.Error as fault:
            broken[len(records)] = f"cannot be read: {fault}"
            records.append([""] * width)
        if len(records) == before and _at_end(reader, records):
            break
    if set(map(len, records)) - {width}:
        for i, record in enumerate(records):
            if len(record) != width:
                broken[i] = f"has {len(record)} fields, the header has {width}"
                records[i] = [""] * width
    return records, broken


def _at_end(reader: Iterator[list[str]], records: list[list[str]]) -> bool:
    """True at the end of the file; a run of blank lines is not the end."""
    for record in reader:
        if record:
            records.append(record)
            return False
    return True
