"""Checking drafts against the law: cells by the loader's own rules, codes in force, overlaps, rows already there.

A past row is never edited. Where a new row would be in force on a day on which the law has one already, it is refused,
unless the earlier row has an open end and the plan lets it end the day before (`supersede`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from customs.editions.answers import asked_by, code_column, inherits
from customs.editions.drafting import Draft
from customs.editions.folder import Edition
from customs.editions.plan import Plan, told
from customs.tariff.faults import Fault
from customs.tariff.reading import FOREVER, Row

Key = tuple[Any, ...]


@dataclass(slots=True)
class Checked:
    """What is to be written: `rows` as cells in heading order, `closed` the new last day (an ordinal) by line of the
    table's file; `there` counts rows that the law holds already."""

    rows: list[list[str]] = field(default_factory=list)
    closed: dict[int, int] = field(default_factory=dict)
    there: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Checker:
    """Checks the drafts of one annex against one edition."""

    def __init__(self, edition: Edition, plan: Plan, file: str) -> None:
        self.edition, self.plan, self.table, self.file = edition, plan, plan.table, file
        self.code = code_column(plan.table) or ""  # blank: a table without codes
        self.known = edition.tables[plan.table.name]
        self.by_key: dict[Key, list[Row]] = defaultdict(list)
        for row in self.known:
            self.by_key[self._key(row)].append(row)
        self.lines = sorted((row["hs"], row["first_day"], row["last_day"]) for row in edition.tables["lines"])
        self.checked = Checked()

    def check(self, drafts: Sequence[Draft]) -> Checked:
        """All drafts; the result holds every fault, or what to write."""
        taken: dict[Key, list[Row]] = defaultdict(list)
        fresh: list[tuple[Draft, Row]] = []
        for draft in drafts:
            row = self._parsed(draft)
            if row is None or not self._in_force(row) or self._twice(row, taken[self._key(row)]):
                continue
            taken[self._key(row)].append(row)
            if self._there(row):
                self.checked.there += 1
            else:
                fresh.append((draft, row))
        for _, row in fresh:
            self._against_the_law(row)
        if self.plan.whole and fresh:
            self._close_the_rest(taken, min(row["first_day"] for _, row in fresh))
        self._longer_codes([row for _, row in fresh])
        self.checked.rows = [[draft.cells[name] for name in self.table.heading] for draft, _ in fresh]
        return self.checked

    def fault(self, number: int, message: str) -> None:
        self.checked.faults.append(Fault(self.file, number, message))

    def _key(self, row: Row) -> Key:
        return tuple([row[name] for name in asked_by(self.table)])

    def _parsed(self, draft: Draft) -> Row | None:
        """The row as the loader reads it; None, and a fault per cell, where it would refuse."""
        kinds = {
            **self.table.columns,
            "first_day": "day",
            "last_day": "day?",
            "source": "text!",
            "standing": "standing",
        }
        row: Row = {"line": draft.number}
        for name, kind in kinds.items():
            try:
                row[name] = self.edition.reader.parse(kind, draft.cells[name])
            except ValueError as error:
                self.fault(draft.number, f"{name}: {error}")
        if len(row) <= len(kinds):
            return None
        if row["last_day"] < row["first_day"]:
            self.fault(draft.number, "the period ends before it begins")
            return None
        return row

    def _in_force(self, row: Row) -> bool:
        """Whether the code is a line, or the beginning of one, on some day of the row's validity."""
        if not inherits(self.table):
            return True
        code = row[self.code]
        lines = list(self._under(code)) or (list(self._under(code[:8], exactly=True)) if len(code) == 10 else [])
        if not lines:
            self.fault(row["line"], f"{code}: no tariff line is or begins so (lines.csv)")
            return False
        if not any(first <= row["last_day"] and row["first_day"] <= last for _, first, last in lines):
            days = f"{told(row['first_day'])} to {told(row['last_day'])}"
            self.fault(row["line"], f"{code}: no such tariff line is in force from {days} (lines.csv)")
            return False
        return True

    def _under(self, code: str, exactly: bool = False) -> Iterator[tuple[str, int, int]]:
        for i in range(bisect_left(self.lines, (code, 0, 0)), len(self.lines)):
            hs = self.lines[i][0]
            if not hs.startswith(code) or (exactly and hs != code):
                return
            yield self.lines[i]

    def _twice(self, row: Row, others: Sequence[Row]) -> bool:
        for other in others:
            if _meet(other, row):
                self.fault(row["line"], f"{self._named(row)}: in force on the same day as row {other['line']}")
                return True
        return False

    def _there(self, row: Row) -> bool:
        bare = {**row, "line": 0}
        return any({**known, "line": 0} == bare for known in self.by_key[self._key(row)])

    def _against_the_law(self, row: Row) -> None:
        for known in self.by_key[self._key(row)]:
            if not _meet(known, row):
                continue
            closable = known["last_day"] == FOREVER and known["first_day"] < row["first_day"]
            if closable and self.plan.supersede:
                self._close(known, row["first_day"] - 1)
                continue
            days = f"{told(known['first_day'])} to {told(known['last_day'])}"
            hint = "; --supersede ends it the day before" if closable else ""
            place = f"line {known['line']} of {self.table.name}.csv ({days})"
            self.fault(row["line"], f"{self._named(row)}: in force on the same day as {place}{hint}")

    def _close(self, known: Row, last_day: int) -> None:
        self.checked.closed[known["line"]] = min(last_day, self.checked.closed.get(known["line"], last_day))

    def _close_the_rest(self, taken: dict[Key, list[Row]], first_day: int) -> None:
        """The annex is the whole list: what it does not name ends. Rows of other subjects are not its business."""
        subjects = {self._subject(rows[0]) for rows in taken.values() if rows}
        for known in self.known:
            if self._subject(known) not in subjects or taken.get(self._key(known)) or known["last_day"] < FOREVER:
                continue
            if known["first_day"] < first_day:
                self._close(known, first_day - 1)

    def _subject(self, row: Row) -> Key:
        return tuple(row[name] for name in asked_by(self.table) if name != self.code)

    def _longer_codes(self, rows: Sequence[Row]) -> None:
        """Say which rows of longer codes stay in force and win over a new row."""
        if not self.code:
            return
        codes = sorted({(row[self.code], row["line"]) for row in self.known})
        by_line = {row["line"]: row for row in self.known}
        for row in rows:
            code = row[self.code]
            held = []
            for i in range(bisect_left(codes, (code, 0)), len(codes)):
                longer, line = codes[i]
                if not longer.startswith(code):
                    break
                known = by_line[line]
                ends = self.checked.closed.get(line, known["last_day"])
                if longer != code and self._subject(known) == self._subject(row) and ends >= row["first_day"]:
                    held.append(f"{longer} (line {line})")
            if held:
                more = f" and {len(held) - 3} more" if len(held) > 3 else ""
                self.checked.notes.append(f"{code}: longer codes keep their own rows: {', '.join(held[:3])}{more}")

    def _named(self, row: Row) -> str:
        return " / ".join(str(row[name]) for name in asked_by(self.table) if row[name] != "") or self.table.name


def _meet(one: Row, other: Row) -> bool:
    """Whether two rows are in force on one day; a row that ends at the minute the other begins is not (rule A19)."""
    before, after = sorted((one, other), key=lambda row: int(row["first_day"]))
    if after["first_day"] != before["last_day"]:
        return bool(after["first_day"] < before["last_day"])
    return not 0 <= before.get("last_time", -1) == after.get("first_time", -2)
