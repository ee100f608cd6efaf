"""Reading the tables: every cell is checked against its column's kind, every fault is kept with file and line."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from customs.tariff.faults import Fault
from customs.tariff.rates import Rate, Staged, parse_price, parse_rate
from customs.tariff.tables import REFERENCE_TABLES, TABLES, Table

FOREVER = date(2099, 12, 31).toordinal()
FIRST = date(1990, 1, 1).toordinal()
STANDINGS = {"official": 0, "secondary": 1, "assumed": 2}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z", re.ASCII)
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z", re.ASCII)

Row = dict[str, Any]

_BAD = object()  # a cell that broke its column's rule


class Reader:
    """Reads one folder of the law's files; `tables` holds the parsed rows, `faults` all that is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self.tables: dict[str, list[Row]] = {}
        self.sources: dict[str, dict[str, Any]] = self._toml("sources.toml")
        self.coverage: dict[str, Any] = self._toml("coverage.toml")
        self._known: dict[str, dict[str, Any]] = {}
        self._broken: dict[tuple[str, str], str] = {}
        self._ids: dict[str, set[str]] = {}

    def read(self) -> None:
        """Read every table of the law, then check what only whole tables show: references, overlaps, gaps."""
        by_name = {table.name: table for table in TABLES}
        order = ["countries", "units", "currencies", "elements", "agreements", "measures", "quotas", "vat_rates"]
        for name in [*order, *(n for n in by_name if n not in order)]:
            self._table(by_name[name])
        self._check_coverage()

    def read_reference(self, *names: str) -> None:
        """Read the reference tables of these names, or all of them. Raises KeyError for a name that is none."""
        by_name = {table.name: table for table in REFERENCE_TABLES}
        for name in names or by_name:
            self._table(by_name[name])

    def fault(self, file: str, line: int, message: str) -> None:
        self.faults.append(Fault(file, line, message))

    def _toml(self, name: str) -> dict[str, Any]:
        try:
            with open(self.folder / name, "rb") as file:
                return tomllib.load(file, parse_float=Decimal)
        except FileNotFoundError:
            self.fault(name, 0, "the file is missing")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.fault(name, 0, f"not readable as TOML: {error}")
        return {}

    def _table(self, table: Table) -> None:
        file = f"{table.name}.csv"
        rows = self.tables[table.name] = []
        try:
            text = (self.folder / file).read_text("utf-8")
        except FileNotFoundError:
            return self.fault(file, 0, "the file is missing")
        except UnicodeDecodeError:
            return self.fault(file, 0, "not UTF-8 text")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        heading = tuple(next(reader, ()))
        if heading != table.heading:
            return self.fault(file, 1, f"the heading must be {','.join(table.heading)}")
        self._rows(table, file, reader, rows)
        first = table.heading[0]
        self._ids[table.name] = {row[first] for row in rows}
        if table.name == "vat_rates":
            self._ids["vat_rates.class"] = self._ids["vat_rates"]
        if table.name == "currencies":
            self._ids["currencies.code"] = {row["code"] for row in rows}
        self._periods(table, file, rows)
        return None

    def _rows(self, table: Table, file: str, reader: Any, rows: list[Row]) -> None:
        """Cells are parsed a column at a time, each distinct text once: the tables hold few distinct texts."""
        kinds = [*table.columns.values(), "day", "day?", "source", "standing"]
        heading = (*table.heading, "line")
        records: list[list[str]] = []
        lines: list[int] = []
        try:
            for cells in reader:
                if len(cells) != len(kinds):
                    self.fault(file, reader.line_num, f"{len(cells)} cells where the heading has {len(kinds)}")
                    continue
                records.append(cells)
                lines.append(reader.line_num)
        except csv.Error as error:
            self.fault(file, reader.line_num, f"not readable as CSV: {error}")
        if not records:
            return
        columns = [
            self._column(column, kind, file, lines, name)
            for column, kind, name in zip(zip(*records, strict=True), kinds, table.heading, strict=True)
        ]
        for values in zip(*columns, lines, strict=True):
            if _BAD in values:
                continue
            row = dict(zip(heading, values, strict=True))
            if row["last_day"] < row["first_day"]:
                self.fault(file, row["line"], "the period ends before it begins")
                continue
            rows.append(row)

    def _column(self, column: Sequence[str], kind: str, file: str, lines: list[int], name: str) -> list[Any]:
        """The parsed values of one column; _BAD, and a fault per place, where a text breaks the column's rule."""
        known = self._known.setdefault(kind, {})
        base, _, argument = kind.partition(":")
        for text in set(column).difference(known):
            try:
                known[text] = self._parse(base, argument, text)
            except ValueError as error:
                known[text] = _BAD
                self._broken[(kind, text)] = str(error)
        values = [known[text] for text in column]
        if self._broken and _BAD in values:
            for text, value, line in zip(column, values, lines, strict=True):
                if value is _BAD:
                    self.fault(file, line, f"{name}: {self._broken[(kind, text)]}")
        return values

    def parse(self, kind: str, cell: str) -> Any:
        """One cell by the kind of its column (tables.py), once the tables are read. Raises ValueError."""
        base, _, argument = kind.partition(":")
        return self._parse(base, argument, cell)

    def _parse(self, base: str, argument: str, cell: str) -> Any:
        if base.endswith("?") and cell == "":
            return FOREVER if base == "day?" else "" if base == "ref?" else None
        return _KINDS[base.rstrip("?")](self, cell, argument)

    def _periods(self, table: Table, file: str, rows: list[Row]) -> None:
        names = table.key
        keys = [tuple([row[name] for name in names]) for row in rows]
        if len(set(keys)) == len(keys):
            return
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for key, row in zip(keys, rows, strict=True):
            groups[key].append(row)
        for key, group in groups.items():
            group.sort(key=lambda row: row["first_day"])
            for before, after in pairwise(group):
                what = " ".join(map(str, key)) or "the table"
                if after["first_day"] <= before["last_day"] and not _hands_over(before, after):
                    self.fault(file, after["line"], f"{what}: in force on the same day as line {before['line']}")
                elif table.gapless and after["first_day"] > before["last_day"] + 1:
                    self.fault(file, after["line"], f"{what}: days without a row after line {before['line']}")

    def _check_coverage(self) -> None:
        if not isinstance(self.coverage.get("read_from"), date):
            self.fault("coverage.toml", 0, "read_from must be a day")
        for gap in self.coverage.get("gap", []):
            name = gap.get("id", "a gap without id")
            if gap.get("source") not in self.sources:
                self.fault("coverage.toml", 0, f"{name}: unknown source {gap.get('source')!r}")
            if not isinstance(gap.get("first_day"), date) or not isinstance(gap.get("hs"), list):
                self.fault("coverage.toml", 0, f"{name}: needs first_day and a list of hs prefixes")
            if gap.get("origin") not in self._ids.get("countries", ()):
                self.fault("coverage.toml", 0, f"{name}: unknown country {gap.get('origin')!r}")


def _hands_over(before: Row, after: Row) -> bool:
    """True when two rows meet within a day: one ends at the minute the other begins (rule A19)."""
    met = before["last_day"] == after["first_day"]
    return met and "first_time" in after and 0 <= before["last_time"] == after["first_time"]


def _day(_: Reader, cell: str, __: str) -> int:
    if not _DAY.match(cell):
        raise ValueError(f"{cell!r} is not a day such as 2026-11-23")
    try:
        ordinal = date.fromisoformat(cell).toordinal()
    except ValueError:
        raise ValueError(f"{cell!r} is not a day of the calendar") from None
    if not FIRST <= ordinal <= FOREVER:
        raise ValueError(f"{cell!r} is outside 1990 to 2099")
    return ordinal


def _hs(_: Reader, cell: str, __: str) -> str:
    if cell and not (cell.isascii() and cell.isdigit() and len(cell) in (2, 4, 5, 6, 8, 10)):
        raise ValueError(f"{cell!r} is not a tariff code of 2, 4, 6, 8 or 10 digits")
    return cell


def _given_hs(reader: Reader, cell: str, argument: str) -> str:
    if not cell:
        raise ValueError("a tariff code is needed")
    return _hs(reader, cell, argument)


def _line(reader: Reader, cell: str, argument: str) -> str:
    if len(cell) not in (8, 10):
        raise ValueError(f"{cell!r} is not a tariff line of 8 or 10 digits")
    return _hs(reader, cell, argument)


def _text(_: Reader, cell: str, __: str) -> str:
    return cell


def _given_text(_: Reader, cell: str, __: str) -> str:
    if not cell:
        raise ValueError("must not be blank")
    return cell


def _choice(_: Reader, cell: str, argument: str) -> str:
    if cell not in argument.split("|"):
        raise ValueError(f"{cell!r} is not one of {argument.replace('|', ', ')}")
    return cell


def _reference(reader: Reader, cell: str, argument: str) -> str:
    if cell not in reader._ids.get(argument, ()):
        raise ValueError(f"{cell!r} is not in {argument}")
    return cell


def _country(reader: Reader, cell: str, _: str) -> str:
    if cell not in reader._ids.get("countries", ()):
        raise ValueError(f"unknown country {cell!r}")
    return cell


def _any_country(reader: Reader, cell: str, argument: str) -> str:
    return cell if cell == "*" else _country(reader, cell, argument)


def _source(reader: Reader, cell: str, _: str) -> str:
    if cell not in reader.sources:
        raise ValueError(f"unknown source {cell!r}")
    return cell


def _standing(_: Reader, cell: str, __: str) -> int:
    if cell not in STANDINGS:
        raise ValueError(f"{cell!r} is not official, secondary or assumed")
    return STANDINGS[cell]


def _number(_: Reader, cell: str, __: str) -> Decimal:
    if not _NUMBER.match(cell):
        raise ValueError(f"{cell!r} is not a number")
    return Decimal(cell)


def _signed(_: Reader, cell: str, __: str) -> Decimal:
    return -_number(_, cell[1:], "") if cell.startswith("-") else _number(_, cell, "")


def _time(_: Reader, cell: str, __: str) -> int:
    if not cell:
        return -1
    match = _TIME.match(cell)
    if match is None:
        raise ValueError(f"{cell!r} is not a time of day such as 13:01")
    return int(match[1]) * 60 + int(match[2])


def _levy(_: Reader, cell: str, __: str) -> Rate | None:
    """A rate that is no choice between two and does not slide: what may be added to a duty or charged as a tax."""
    rate = parse_rate(cell)
    if isinstance(rate, Staged) or (rate is not None and (rate.other is not None or rate.sliding is not None)):
        raise ValueError(f"{cell!r} is a choice of rates; here stands one")
    return rate


def _given_levy(reader: Reader, cell: str, argument: str) -> Rate:
    rate = _levy(reader, cell, argument)
    if rate is None:
        raise ValueError("'none' is no rate of a tax")
    return rate


_KINDS: dict[str, Callable[[Reader, str, str], Any]] = {
    "day": _day,
    "on": _day,
    "hs": _hs,
    "hs!": _given_hs,
    "line": _line,
    "text": _text,
    "text!": _given_text,
    "choice": _choice,
    "ref": _reference,
    "country": _country,
    "country*": _any_country,
    "source": _source,
    "standing": _standing,
    "number": _number,
    "signed": _signed,
    "time": _time,
    "rate": lambda _, cell, __: parse_rate(cell),
    "levy": _levy,
    "levy!": _given_levy,
    "amounts": lambda _, cell, __: tuple(parse_price(part) for part in cell.split("; ")) if cell else (),
}
