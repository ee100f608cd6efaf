"""What one edition of the law changes against another, by code and day.

For every code that either edition writes, what it is answered is compared day by day, prefixes inherited. A change is
reported once, at the code where it is written, with the number of lines it reaches: a line that a longer code answers
is not reached. Where no answer changes, nothing is reported, however differently the rows are cut.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from customs.editions import answers
from customs.editions.answers import Answer, Segment, Subject
from customs.editions.folder import Edition
from customs.tariff.lookup import PREFIXES
from customs.tariff.reading import FIRST, FOREVER, Row
from customs.tariff.tables import TABLES, Table

NOTHING = Segment(FIRST, FOREVER, (), "")
Lines = Sequence[tuple[str, int, int]]  # (code, first day, last day), sorted: the lines of both editions


@dataclass(slots=True)
class Change:
    """One stretch of days on which the answer for a code differs; `before` and `after` are empty where there is none.

    `lines` holds the tariff lines it reaches on any of its days, None for a table without codes; the days are None for
    what is not dated.
    """

    table: str
    subject: Subject
    code: str
    first_day: int | None
    last_day: int | None
    before: tuple[Answer, ...]
    after: tuple[Answer, ...]
    lines: set[str] | None = None

    @property
    def kind(self) -> str:
        """added, removed, changed, or restated: the same answer on another source or standing."""
        if not self.before or not self.after:
            return "removed" if self.before else "added"
        same = [answer.values for answer in self.before] == [answer.values for answer in self.after]
        return "restated" if same else "changed"


class _Stretch(NamedTuple):
    """A difference at one code; `written` is the longer of the codes at which the two answers are written."""

    first: int
    last: int
    before: tuple[Answer, ...]
    after: tuple[Answer, ...]
    written: str


def difference(old: Edition, new: Edition) -> list[Change]:
    """Every change of `new` against `old`, in order of table, subject, code and day."""
    lines = _lines(old, new)
    found = [change for table in TABLES if table.name != "elements" for change in _table(table, old, new, lines)]
    return [*found, *_undated("sources", old.sources, new.sources), *_coverage(old, new)]


def _table(table: Table, old: Edition, new: Edition, lines: Lines) -> Iterator[Change]:
    before = answers.grouped(table, old.tables[table.name])
    after = answers.grouped(table, new.tables[table.name])
    moved = table.name == "lines" and old.elements != new.elements
    for subject in sorted({*before, *after}):
        rows = before.get(subject, {}), after.get(subject, {})
        dirty = {code for code in {*rows[0], *rows[1]} if moved or _cells(rows[0], code) != _cells(rows[1], code)}
        if dirty:
            yield from _subject(table, subject, dirty, (old, new), rows, lines)


def _cells(codes: Mapping[str, Iterable[Row]], code: str) -> list[Row]:
    return [{**row, "line": 0} for row in codes.get(code, ())]


def _subject(
    table: Table,
    subject: Subject,
    dirty: set[str],
    editions: tuple[Edition, Edition],
    rows: tuple[Mapping[str, Iterable[Row]], Mapping[str, Iterable[Row]]],
    lines: Lines,
) -> Iterator[Change]:
    """The changes of one agreement, measure, country ...: first where answers differ, then which lines they reach."""
    prefixes = answers.inherits(table)
    before, after = (answers.pieces_of(edition, table, codes) for edition, codes in zip(editions, rows, strict=True))
    codes = {*before, *after}
    differing = {
        code: list(_compare(answers.resolve(before, code, prefixes), answers.resolve(after, code, prefixes)))
        for code in sorted(codes)
        if code in dirty or (prefixes and any(code[:width] in dirty for width in PREFIXES if width < len(code)))
    }
    own = {code: [s for s in stretches if s.written == code] for code, stretches in differing.items()}
    reached = _reached(codes, differing, own, lines) if prefixes else {}
    for code, stretches in own.items():
        for i, s in enumerate(stretches):
            there = reached[code][i] if prefixes else None
            if there is None or there or not _lines_of(code, s, lines):
                yield Change(table.name, subject, code, s.first, s.last, s.before, s.after, there)


def _compare(before: Sequence[Segment], after: Sequence[Segment]) -> Iterator[_Stretch]:
    """The stretches on which two resolved histories of one code answer differently."""
    open_stretch: _Stretch | None = None
    for first, last, old, new in _aligned(before, after):
        same = old.answers == new.answers
        stretch = None if same else _Stretch(first, last, old.answers, new.answers, max(old.code, new.code, key=len))
        if open_stretch and stretch and open_stretch.last + 1 == first and open_stretch[2:] == stretch[2:]:
            open_stretch = open_stretch._replace(last=last)
            continue
        if open_stretch:
            yield open_stretch
        open_stretch = stretch
    if open_stretch:
        yield open_stretch


def _aligned(before: Sequence[Segment], after: Sequence[Segment]) -> Iterator[tuple[int, int, Segment, Segment]]:
    """Both histories cut at the same days; where one is staged and the other differs, at the turn of years too."""
    days = sorted({day for segments in (before, after) for s in segments for day in (s.first, s.last + 1)})
    i = j = 0
    for begin, end in pairwise(days):
        while i < len(before) and before[i].last < begin:
            i += 1
        while j < len(after) and after[j].last < begin:
            j += 1
        old = before[i] if i < len(before) and before[i].first <= begin else NOTHING
        new = after[j] if j < len(after) and after[j].first <= begin else NOTHING
        if old.answers == new.answers or not (old.answers and new.answers and _staged(old, new)):
            yield begin, end - 1, old, new
            continue
        for first, last, year in _years(begin, end - 1):
            yield first, last, _in_year(old, year), _in_year(new, year)


def _staged(*segments: Segment) -> bool:
    return any(answer.staged for segment in segments for answer in segment.answers)


def _in_year(segment: Segment, year: int) -> Segment:
    return segment._replace(answers=tuple(answer.in_year(year) for answer in segment.answers))


def _years(first: int, last: int) -> Iterator[tuple[int, int, int]]:
    while first <= last:
        year = date.fromordinal(first).year
        end = min(last, date(year, 12, 31).toordinal())
        yield first, end, year
        first = end + 1


# Lines


def _lines(old: Edition, new: Edition) -> Lines:
    rows = [*old.tables["lines"], *new.tables["lines"]]
    return sorted({(row["hs"], row["first_day"], row["last_day"]) for row in rows})


def _under(lines: Lines, prefix: str) -> Lines:
    """The lines under a prefix."""
    low = bisect_left(lines, (prefix, 0, 0))
    return lines[low : bisect_left(lines, (prefix + ":", 0, 0))]  # ":" sorts after every digit


def _reached(
    codes: set[str],
    differing: Mapping[str, Sequence[_Stretch]],
    own: Mapping[str, Sequence[_Stretch]],
    lines: Lines,
) -> dict[str, list[set[str]]]:
    """Per code the lines reached by each stretch of its own: a line asks the longest code written for it in either
    edition, and what differs there may be written for a shorter one."""
    reached: dict[str, list[set[str]]] = {code: [set() for _ in stretches] for code, stretches in own.items()}
    tops = [code for code in differing if not any(code[:width] in differing for width in PREFIXES if width < len(code))]
    for line, first, last in (line for top in tops for line in _under(lines, top)):
        asked = next(line[:width] for width in PREFIXES if width <= len(line) and line[:width] in codes)
        for stretch in differing.get(asked, ()):
            if stretch.first <= last and first <= stretch.last:
                for held, there in zip(own[stretch.written], reached[stretch.written], strict=True):
                    if held.first <= stretch.last and stretch.first <= held.last:
                        there.add(line)
    return reached


def _lines_of(code: str, stretch: _Stretch, lines: Lines) -> bool:
    """True when a line under the code is in force on some day of a stretch. When none of these is reached, longer codes
    answer for all of them, and nobody is told anything else."""
    return any(first <= stretch.last and stretch.first <= last for _, first, last in _under(lines, code))


# What is no table


def _undated(table: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Change(table, (name,), "", None, None, _told(before.get(name)), _told(after.get(name)))


def _told(value: object) -> tuple[Answer, ...]:
    """An entry of a TOML file as an answer without source and standing of its own."""
    if value is None:
        return ()
    pairs = value.items() if isinstance(value, Mapping) else [("value", value)]
    shown = tuple((str(key), str(each)) for key, each in pairs)
    return (Answer(tuple(text for _, text in shown), "", 0, shown),)


def _coverage(old: Edition, new: Edition) -> Iterator[Change]:
    """The known gaps by id, the days read from, and what is verified by chapter."""
    yield from _undated("coverage", _told_of(old), _told_of(new))


def _told_of(edition: Edition) -> dict[str, object]:
    given = edition.coverage
    return {
        "read_from": given.get("read_from"),
        **{f"verified {' '.join(each['chapters'])}": each for each in given.get("verified", ())},
        **{f"gap {each['id']}": each for each in given.get("gap", ())},
    }
