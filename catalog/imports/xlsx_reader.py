"""The first sheet of an XLSX workbook, read as a stream of rows: nothing of it is held but the row that is read and the
table of shared strings.

openpyxl takes two and a half times as long and builds a tree of whatever a row holds; here texts beyond `CELL_MOST` and
rows beyond the sheet's own limits end the reading.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Iterator
from decimal import Context, DecimalException
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from catalog.imports import xlsx_parts
from catalog.imports.block import Block, Record, fitted
from catalog.imports.header import COLUMNS_MOST, read_header
from core.money import plain
from customs.assessments.files.problems import unreadable

ROWS_MOST = 1 << 20  # of a sheet, by the form
CELL_MOST = 1 << 16  # characters
NUMBER_MOST = 40  # of a number; what is remembered must be short
BEFORE_MOST = 4 << 20  # bytes of a sheet before its first row: column widths and views take a few thousand
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_FIFTEEN = Context(prec=15)


class XlsxSource:
    """See `catalog.imports.reader.Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with xlsx_parts.open_workbook(path) as archive:
            self._sheet = xlsx_parts.first_sheet(archive)
            xlsx_parts.shared_strings(archive)
            self.rows = max(_count_rows(archive, self._sheet) - 1, 0)
        header = next(self._rows(), None)
        if header is None:
            raise unreadable("the first sheet of the workbook is empty")
        self._first, cells, _ = header
        self.layout = read_header(cells)

    def _rows(self) -> Iterator[tuple[int, list[str], int]]:
        """(number of the row, its cells, percent read)."""
        with xlsx_parts.open_workbook(self._path) as archive:
            strings = _Strings(archive)
            size = xlsx_parts.size_of(archive, self._sheet)
            rows, begun = _Sheet(strings), False
            with xlsx_parts.open_part(archive, self._sheet) as part:
                for chunk, done in xlsx_parts.chunks(part):
                    rows.xml.feed(chunk)
                    for number, cells in rows.taken():
                        begun = True
                        yield number, cells, 100 * done // size
                    if not begun and done > BEFORE_MOST:
                        raise unreadable(f"the first {BEFORE_MOST >> 20} MiB of the sheet hold no row")

    def blocks(self, most: int) -> Iterator[Block]:
        """Rows that the sheet leaves out stand there as blank ones, so that a row keeps its number."""
        records: list[Record] = []
        first, percent = 1, 0
        for number, cells, percent in self._rows():
            for _ in range(self._first + first + len(records), number):
                records.append([""] * self.layout.width)
                if len(records) == most:
                    yield Block(first, records, percent)
                    first, records = first + most, []
            if number > self._first:
                cells.extend([""] * (self.layout.width - len(cells)))
                records.append(fitted(cells, self.layout.width))
            if len(records) == most:
                yield Block(first, records, percent)
                first, records = first + most, []
        if records:
            yield Block(first, records, percent)


def _count_rows(archive: zipfile.ZipFile, sheet: str) -> int:
    """About as many rows as the sheet has; reads it through, so that a damaged one is known at once."""
    with xlsx_parts.open_part(archive, sheet) as part:
        return sum(chunk.count(b"<row ") for chunk, _ in xlsx_parts.chunks(part))


class _Strings:
    """The shared strings as one run of bytes: a list of a million texts would take three times the room."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._bytes, self._ends = bytearray(), array("I", [0])
        name = xlsx_parts.shared_strings(archive)
        if name is not None:
            with xlsx_parts.open_part(archive, name) as part:
                self._read(part)

    def _read(self, part: IO[bytes]) -> None:
        xml = xlsx_parts.Xml()
        text = _Text(xml.parser)

        def start(tag: str, _attributes: Any) -> None:
            text.start(xlsx_parts.local(tag))

        def end(tag: str) -> None:
            name = xlsx_parts.local(tag)
            text.end(name)
            if name == "si":
                self._bytes += text.taken().encode("utf-8", "surrogatepass")
                self._ends.append(len(self._bytes))

        xml.parser.StartElementHandler, xml.parser.EndElementHandler = start, end
        for chunk, _ in xlsx_parts.chunks(part):
            xml.feed(chunk)

    def __getitem__(self, index: str) -> str:
        at = int(index) if index.isascii() and index.isdigit() and len(index) < 9 else -1
        if not 0 <= at < len(self._ends) - 1:
            raise unreadable(f"the workbook is damaged: it has no string {index[:20]}")
        return self._bytes[self._ends[at] : self._ends[at + 1]].decode("utf-8", "surrogatepass")


class _Text:
    """Collects the text of a cell or string; its reading aid (`rPh`) is none of it."""

    def __init__(self, parser: Any) -> None:
        self._parser, self._length, self._aside = parser, 0, False
        self._parts: list[str] = []

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self._aside = True
        elif tag in ("t", "v") and not self._aside:
            self._parser.CharacterDataHandler = self._add

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._aside = False
        self._parser.CharacterDataHandler = None

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length > CELL_MOST:
            raise unreadable(f"a cell has more than {CELL_MOST} characters")
        self._parts.append(text)

    def taken(self) -> str:
        """The text, and an end to it."""
        parts = self._parts
        self._parts, self._length = [], 0
        text = parts[0] if len(parts) == 1 else "".join(parts)
        return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class _Sheet:
    """Rows out of the events of a parser."""

    def __init__(self, strings: _Strings) -> None:
        self.xml = xlsx_parts.Xml()
        self.xml.parser.StartElementHandler, self.xml.parser.EndElementHandler = self._start, self._end
        self._strings, self._text = strings, _Text(self.xml.parser)
        self._names: dict[str, str] = {}
        self._done: list[tuple[int, list[str]]] = []
        self._row, self._column, self._kind = 0, 0, ""
        self._cells: list[str] = []

    def taken(self) -> list[tuple[int, list[str]]]:
        """The rows that have been read since."""
        done, self._done = self._done, []
        return done

    def _name(self, tag: str) -> str:
        return self._names.get(tag) or self._names.setdefault(tag, xlsx_parts.local(tag))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self._names.get(tag) or self._name(tag)
        if name == "c":
            self._column = _column(attributes["r"].rstrip("0123456789")[:4]) if "r" in attributes else self._column + 1
            self._kind = attributes.get("t", "n")
        elif name == "row":
            self._begin_row(attributes.get("r"))
        else:
            self._text.start(name)

    def _begin_row(self, number: str | None) -> None:
        row = self._row + 1 if number is None else int(number) if number.isascii() and number.isdigit() else 0
        if not self._row < row <= ROWS_MOST:
            raise unreadable(f"the workbook is damaged: row {str(number)[:20]} follows row {self._row}")
        self._row, self._cells, self._column = row, [], 0

    def _end(self, tag: str) -> None:
        name = self._names.get(tag) or self._name(tag)
        if name == "c":
            self._put(self._text.taken())
        elif name == "row":
            self._done.append((self._row, self._cells))
        else:
            self._text.end(name)

    def _put(self, text: str) -> None:
        at = self._column - 1
        if not text or at >= COLUMNS_MOST:
            return
        if self._kind == "s":
            text = self._strings[text]
        elif self._kind == "n":
            text = _number(text)
        elif self._kind == "b":
            text = "true" if text == "1" else "false"
        self._cells.extend([""] * (at + 1 - len(self._cells)))
        self._cells[at] = text


def _number(text: str) -> str:
    """A number as a person reads it: fifteen digits, as the spreadsheet shows them, never an exponent."""
    return _read_number(text) if len(text) <= NUMBER_MOST else text


@lru_cache(4096)
def _read_number(text: str) -> str:
    if text.isascii() and text.isdigit():
        return text
    try:
        number = _FIFTEEN.create_decimal(text)
    except DecimalException:  # no number, or one beyond all bounds
        return text
    return plain(number) if number.is_finite() and -12 < number.adjusted() < 18 else text


@lru_cache(4096)
def _column(letters: str) -> int:
    """The number of a column, A is 1; beyond what is read when it makes no sense."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number if letters.isascii() and letters.isupper() and len(letters) < 4 else COLUMNS_MOST + 1
