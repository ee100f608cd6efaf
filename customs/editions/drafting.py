"""From the rows of an annex to rows of a table, as text: every column filled, every fault kept with its row number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from customs.editions.annex import Cell, Record
from customs.editions.answers import code_column
from customs.editions.headings import HEADING_WITHIN, Layout, layout_of
from customs.editions.notation import code_of, day_of, rate_of
from customs.editions.plan import OPEN, Plan, verified_to
from customs.tariff.faults import Fault

_EX = {"": "", "ex": "ex"}
_DAYS = ("first_day", "last_day")
_RATE_KINDS = ("rate", "levy")


@dataclass(frozen=True, slots=True)
class Draft:
    """One row to be written: `number` is its row in the annex, `cells` its columns as text."""

    number: int
    cells: dict[str, str]


@dataclass(slots=True)
class Drafting:
    """Turns records into drafts; `faults` and `notes` say what was wrong and what was passed over."""

    plan: Plan
    file: str
    units: Mapping[str, str]
    drafts: list[Draft] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, records: Iterable[Record]) -> None:
        """All records of a file."""
        layout = None
        for record in records:
            if record.blank:
                continue
            if layout is not None:
                self._row(layout, record)
                continue
            if record.number > HEADING_WITHIN:
                break
            layout = self._layout(record)
            if self.faults:
                return  # under a heading that cannot be used every row would be a fault
            if layout is not None and not layout.heading:
                self._row(layout, record)
        if layout is None:
            self.fault(0, f"no heading with a column for {code_column(self.plan.table) or self.plan.table.key[0]} "
                          f"in the first {HEADING_WITHIN} rows, nor the five official columns")  # fmt: skip
        elif not self.drafts and not self.faults:
            self.fault(0, "no row")

    def fault(self, number: int, message: str) -> None:
        self.faults.append(Fault(self.file, number, message))

    def _layout(self, record: Record) -> Layout | None:
        table = self.plan.table
        try:
            layout = layout_of(table, record)
        except ValueError as error:
            self.fault(record.number, str(error))
            return None
        if layout is None:
            return None
        if layout.unused:
            self.notes.append(f"columns not read: {', '.join(layout.unused)}")
        given = {*layout.places, *self.plan.fixed}
        if "rate" in table.columns and "rate" not in given:
            self.fault(record.number, f"no column for the rate of {table.name}")
        said = {*self.plan.fixed, *(name for name in _DAYS if getattr(self.plan, name))}
        for name in _DAYS:
            if name not in given | said:
                self.fault(record.number, f"no column {name}: say --{name.replace('_', '-')}")
        for name in sorted(said & {*layout.places}):
            self.fault(record.number, f"{name} is said for every row, and the file has a column for it")
        return layout

    def _row(self, layout: Layout, record: Record) -> None:
        cells = record.cells
        filled = [cell for cell in cells if cell.text or cell.fault]
        if len(filled) == 1 and layout.width > 2 and not filled[0].fault and code_of(filled[0].text) is None:
            self.notes.append(f"row {record.number} passed over, a heading or a note: {filled[0].text[:60]}")
            return
        if len(cells) > layout.width and any(cell.text or cell.fault for cell in cells[layout.width :]):
            return self.fault(record.number, f"{len(cells)} cells where the heading has {layout.width}")
        short = layout.width - len(cells)
        if short > 0 and not self.file.lower().endswith((".xlsx", ".xlsm")):  # a workbook leaves out blank cells
            return self.fault(record.number, f"{len(cells)} cells where the heading has {layout.width}")
        broken = [f"{self._name(layout, i)}: {cell.fault}" for i, cell in enumerate(cells) if cell.fault]
        for message in broken:
            self.fault(record.number, message)
        if broken:
            return None
        padded = (*cells, *[Cell("")] * short)
        given = {name: padded[place] for name, place in layout.places.items()}
        before = len(self.faults)
        drafted = self._drafted(layout, record.number, given)
        if len(self.faults) == before:
            self.drafts.append(Draft(record.number, drafted))
        return None

    @staticmethod
    def _name(layout: Layout, place: int) -> str:
        return next((name for name, i in layout.places.items() if i == place), f"cell {place + 1}")

    def _drafted(self, layout: Layout, number: int, given: Mapping[str, Cell]) -> dict[str, str]:
        plan = self.plan
        texts = {name: cell.text for name, cell in given.items()} | dict(plan.fixed)
        row = {name: texts.get(name, "") for name in plan.table.columns}
        self._code(number, given, texts, row)
        for name, kind in plan.table.columns.items():
            if kind.rstrip("?") in _RATE_KINDS:
                row[name] = self._rate(layout, number, name, row[name], optional=kind.endswith("?"))
        first, last = (self._day(number, name, texts) for name in _DAYS)
        if "verified_to" in row:
            row["verified_to"] = day_of(row["verified_to"]) or verified_to(plan, first, last)
        source = texts.get("source", "")
        if source not in ("", plan.source):
            self.fault(number, f"source: {source!r} is not the source of this import, {plan.source!r}")
        standing = texts.get("standing", "") or plan.standing
        return {**row, "first_day": first, "last_day": last, "source": plan.source, "standing": standing}

    def _code(self, number: int, given: Mapping[str, Cell], texts: Mapping[str, str], row: dict[str, str]) -> None:
        """The code, without dots and spaces; what is marked ex goes into the part of the code, where there is one."""
        column = code_column(self.plan.table)
        if column is None:
            return
        text = texts.get(column, "")
        if not text:
            return self.fault(
                number, f"{column}: blank; of merged cells only the first holds a value, fill in the rest"
            )
        found = code_of(text)
        if found is None:
            zeros = "; as a number it may have lost its leading zero, store it as text"
            number_cell = column in given and given[column].number
            return self.fault(number, f"{column}: {text!r} is not a tariff code{zeros if number_cell else ''}")
        code, marked = found
        if column in given and given[column].number and len(code) not in (8, 10):
            return self.fault(
                number, f"{column}: {text!r} as a number may have lost its leading zero, store it as text"
            )
        row[column] = code
        mark = _EX.get((texts.get("part", "") or texts.get("ex", "")).strip().lower().rstrip("*①②③"))
        if mark is None:
            return self.fault(number, f"ex mark: {texts.get('part') or texts.get('ex')!r} is neither ex nor blank")
        self._part(number, bool(mark) or marked, row)
        return None

    def _part(self, number: int, marked: bool, row: dict[str, str]) -> None:
        if "part" not in row:
            if marked:
                self.fault(number, f"marked ex: {self.plan.table.name} has no parts of codes")
            return
        row["part"] = "ex" if marked else ""
        if not marked:
            row["part_name"] = ""  # the name of a whole code is that of its line
        elif not row["part_name"]:
            self.fault(number, "marked ex: the name of the part is blank")

    def _rate(self, layout: Layout, number: int, name: str, text: str, *, optional: bool) -> str:
        if not text:
            if not optional:
                self.fault(number, f"{name}: blank; of merged cells only the first holds a value, fill in the rest")
            return ""
        try:
            return rate_of(text, self.units, self.plan.marks, layout.own or name in layout.percent)
        except ValueError as error:
            self.fault(number, f"{name}: {error}")
            return ""

    def _day(self, number: int, name: str, texts: Mapping[str, str]) -> str:
        """A day of the row: its own, where the file has the column, else the plan's."""
        text = day_of(texts.get(name, "")) or getattr(self.plan, name)
        if not text and name == "first_day":
            self.fault(number, "first_day: blank")
        return "" if text == OPEN else text
