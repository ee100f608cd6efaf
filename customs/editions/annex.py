"""An annex as it comes: the rows of a CSV or XLSX file with their numbers, every cell as the text its reader sees.

CSV may be UTF-8 (with or without a byte order mark), UTF-16 with one, or GB18030, separated by commas, semicolons or
tabs. Of a workbook one sheet is read; a formula is refused, since its value is what some program once made of it.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from customs.tariff.faults import Fault

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ZEROS = re.compile(r"0{2,}\Z")


class Cell(NamedTuple):
    """One cell: `number` tells that a workbook holds it as a number, `fault` why it cannot be read."""

    text: str
    number: bool = False
    fault: str = ""


class Record(NamedTuple):
    """One row; `number` is its row in the file, counted from 1. `cells` end where the row ends."""

    number: int
    cells: tuple[Cell, ...]

    @property
    def blank(self) -> bool:
        return not any(cell.text or cell.fault for cell in self.cells)


class Unreadable(Exception):
    """The file cannot be read as an annex; `faults` says why."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(map(str, self.faults)))


class Annex(NamedTuple):
    """`total` is about how many rows there are; `records` can be read once."""

    total: int
    records: Iterator[Record]


def open_annex(path: Path, sheet: str = "") -> Annex:
    """The rows of a file. Raises Unreadable."""
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _workbook(path, sheet)
    if path.suffix.lower() == ".xls":
        raise Unreadable(Fault(path.name, 0, "the old XLS format is not read: save it as XLSX or CSV"))
    text = _decoded(path)
    return Annex(text.count("\n") + 1, _lines(path, text))


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(Fault(path.name, 0, "not text in UTF-8, UTF-16 or GB18030"))


def _lines(path: Path, text: str) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for cells in reader:
            read = (cell.strip() for cell in cells)
            yield Record(reader.line_num, tuple(Cell(t, fault="a formula" if t.startswith("=") else "") for t in read))
    except csv.Error as error:
        raise Unreadable(Fault(path.name, reader.line_num, f"not readable as CSV: {error}")) from None


def _delimiter(text: str) -> str:
    """What separates the cells: of comma, tab and semicolon the one that the first lines hold most often."""
    head = text[:4096]
    return max(",\t;", key=head.count)


def _workbook(path: Path, name: str) -> Annex:
    from openpyxl import load_workbook  # only here: the web process never reads a workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Unreadable(Fault(path.name, 0, f"not readable as XLSX: {error}")) from None
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not name and len(sheets) > 1:
        raise Unreadable(Fault(path.name, 0, f"several sheets, name one of them: {', '.join(sheets)}"))
    if name and name not in sheets:
        raise Unreadable(Fault(path.name, 0, f"no sheet {name!r}, it has {', '.join(sheets)}"))
    sheet = sheets[name] if name else next(iter(sheets.values()))
    total = sheet.max_row or 0
    sheet.reset_dimensions()  # what the file says of its own size may be wrong, and rows would be lost
    return Annex(total, _rows(book, sheet))


def _rows(book: Any, sheet: Any) -> Iterator[Record]:
    try:
        for number, row in enumerate(sheet.iter_rows(), start=1):
            cells = [_cell(cell) for cell in row]
            while cells and cells[-1] == Cell(""):
                cells.pop()
            yield Record(number, tuple(cells))
    finally:
        book.close()


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return Cell("")
    if cell.data_type == "f":
        return Cell("", fault="a formula")
    if cell.data_type == "e":
        return Cell("", fault=f"an error of the workbook, {value}")
    if isinstance(value, datetime):
        return Cell(value.date().isoformat())
    if isinstance(value, date):
        return Cell(value.isoformat())
    if isinstance(value, (bool, str)):
        return Cell(str(value).strip())
    return Cell(_number(Decimal(format(value, ".15g")), str(cell.number_format)), number=True)


def _number(value: Decimal, form: str) -> str:
    """A number as the workbook shows it: "20%" for 0.2 in a percent format, "02013000" in a format of zeros."""
    if "%" in form:
        return f"{_plain(value * 100)}%"
    return _plain(value).zfill(len(form)) if _ZEROS.match(form) else _plain(value)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
