"""What a table answers on a day: rows as pieces of time, and the pieces in force for a code, inherited by prefix.

An answer leaves out where it is written: one row cut in two, or moved to a longer code, answers the same. A reading
carried beyond its last year (`verified_to`) answers as assumed, and a time of day counts on its own day only, as the
engine has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

from customs.editions.folder import Edition
from customs.tariff.lookup import PREFIXES
from customs.tariff.rates import Staged
from customs.tariff.reading import FOREVER, STANDINGS, Row
from customs.tariff.tables import Table

ASKED_BY = {"positive_list": ("hs",)}  # an edition is what the list says, not what is asked for
ASSUMED = STANDINGS["assumed"]

Subject = tuple[str, ...]  # the key of a row without its code: an agreement, a measure and exporter, a country


@dataclass(frozen=True, slots=True)
class Answer:
    """What one row says: `values` of the columns that are no key, `source`, `standing`; `shown` holds their texts."""

    values: tuple[Any, ...]
    source: str
    standing: int
    shown: tuple[tuple[str, str], ...] = field(compare=False)  # (column, text), in the order of `values`

    @property
    def staged(self) -> bool:
        return any(isinstance(value, Staged) for value in self.values)

    def in_year(self, year: int) -> Answer:
        """The same with rates cut in yearly steps resolved to those of a year."""
        values, shown = list(self.values), list(self.shown)
        for i, value in enumerate(self.values):
            if isinstance(value, Staged):
                values[i] = value.in_year(year)
                shown[i] = (shown[i][0], values[i].text)
        return replace(self, values=tuple(values), shown=tuple(shown))


class Piece(NamedTuple):
    """An answer from `first` to `last`, both days included; None where the row excludes by name."""

    first: int
    last: int
    answer: Answer | None


class Segment(NamedTuple):
    """What is answered from `first` to `last`: all rows of the longest code that has one, and that code."""

    first: int
    last: int
    answers: tuple[Answer, ...]
    code: str


def code_column(table: Table) -> str | None:
    """The column that holds a tariff code, if the table has one."""
    return next((name for name, kind in table.columns.items() if kind in ("hs", "hs!", "line")), None)


def inherits(table: Table) -> bool:
    """True when a code inherits what is written for its prefixes; a line has only what is its own."""
    column = code_column(table)
    return column is not None and table.columns[column] != "line"


def asked_by(table: Table) -> tuple[str, ...]:
    """The columns by which a table is asked: its key, with few exceptions."""
    return ASKED_BY.get(table.name, table.key)


def subject_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table's key but its code."""
    column = code_column(table)
    return tuple(name for name in asked_by(table) if name != column)


def grouped(table: Table, rows: Iterable[Row]) -> dict[Subject, dict[str, list[Row]]]:
    """Subject -> code -> rows. All rows of a table without codes have the code ""."""
    column, columns = code_column(table), subject_columns(table)
    found: dict[Subject, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[tuple([str(row[name]) for name in columns])][row[column] if column else ""].append(row)
    return found


def pieces_of(edition: Edition, table: Table, codes: Mapping[str, Iterable[Row]]) -> dict[str, list[Piece]]:
    """The pieces of time of each code's rows."""
    return {code: [piece for row in rows for piece in _pieces(edition, table, row)] for code, rows in codes.items()}


def _pieces(edition: Edition, table: Table, row: Row) -> Iterator[Piece]:
    first, last = row["first_day"], row["last_day"]
    if "rate" in table.columns and row["rate"] is None:
        yield Piece(first, last, None)
        return
    verified = row.get("verified_to", FOREVER)
    times = [name for name, kind in table.columns.items() if kind == "time" and row[name] >= 0]
    starts = {first, *([verified + 1] if first <= verified < last else [])}
    starts |= {first + 1 if name.startswith("first") else last for name in times}
    days = sorted(day for day in starts if day <= last)
    for begin, following in zip(days, [*days[1:], last + 1], strict=True):
        answer = _answer(edition, table, row, begin == first, following > last)
        yield Piece(begin, following - 1, replace(answer, standing=ASSUMED) if begin > verified else answer)


def _answer(edition: Edition, table: Table, row: Row, opens: bool, closes: bool) -> Answer:
    """The answer of a row on days of which its first is one (`opens`), or its last (`closes`)."""
    written = edition.written(table, row)
    values, shown = [], []
    for name, kind in table.columns.items():
        if name in asked_by(table) or name == "verified_to":
            continue
        value, text = row[name], written[name]
        if kind == "time" and not (opens if name.startswith("first") else closes):
            value, text = -1, ""
        elif kind == "ref:elements":  # the number is our own; the list it stands for is the answer
            value = text = edition.elements[value]
        values.append(value)
        shown.append((name, text))
    return Answer(tuple(values), row["source"], row["standing"], tuple(shown))


def resolve(codes: Mapping[str, Sequence[Piece]], code: str, prefixes: bool) -> list[Segment]:
    """What a code is answered, day by day, from what is written for it and, with `prefixes`, for its prefixes."""
    chain = [code[:width] for width in PREFIXES if width <= len(code)] if prefixes else [code]
    held = [(prefix, codes[prefix]) for prefix in chain if prefix in codes]
    days = sorted({day for _, pieces in held for piece in pieces for day in (piece.first, piece.last + 1)})
    segments: list[Segment] = []
    for begin, end in pairwise(days):
        segment = _in_force(held, begin, end - 1)
        before = segments[-1] if segments else None
        if before is not None and before[2:] == segment[2:]:
            segments[-1] = before._replace(last=segment.last)
        else:
            segments.append(segment)
    return segments


def _in_force(held: Sequence[tuple[str, Sequence[Piece]]], first: int, last: int) -> Segment:
    for prefix, pieces in held:
        here = [piece.answer for piece in pieces if piece.first <= first <= piece.last]
        if here:
            return Segment(first, last, tuple(answer for answer in here if answer), prefix)
    return Segment(first, last, (), "")
