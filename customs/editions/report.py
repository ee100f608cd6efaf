"""Changes as people and machines read them: filtered, as a table, as CSV, as JSON."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from customs.editions.answers import Answer
from customs.editions.difference import Change
from customs.editions.folder import Edition
from customs.tariff.reading import FOREVER, STANDINGS

KINDS = ("added", "removed", "changed", "restated")
COLUMNS = ("table", "subject", "code", "lines", "first_day", "last_day", "kind", "before", "before_source",
           "before_standing", "after", "after_source", "after_standing")  # fmt: skip
_STANDINGS = {number: word for word, number in STANDINGS.items()}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which changes are wanted: of some tables, of a code and what it inherits from, in force on a day."""

    tables: tuple[str, ...] = ()
    prefix: str = ""
    day: date | None = None

    def __call__(self, change: Change) -> bool:
        if self.tables and change.table not in self.tables:
            return False
        if self.prefix and not _concerns(change, self.prefix):
            return False
        if self.day is None:
            return True
        if change.first_day is None or change.last_day is None:
            return False
        return change.first_day <= self.day.toordinal() <= change.last_day


def _concerns(change: Change, prefix: str) -> bool:
    if change.lines:
        return any(line.startswith(prefix) for line in change.lines)
    return bool(change.code) and (change.code.startswith(prefix) or prefix.startswith(change.code))


def record(change: Change) -> dict[str, str | int | None]:
    """One change as a flat record; days as ISO text, an open end and what is not dated as None."""
    before, after = _texts(change)
    return {
        "table": change.table,
        "subject": " / ".join(part for part in change.subject if part),
        "code": change.code,
        "lines": None if change.lines is None else len(change.lines),
        "first_day": _day(change.first_day),
        "last_day": _day(change.last_day),
        "kind": change.kind,
        "before": before,
        "before_source": _each(answer.source for answer in change.before),
        "before_standing": _each(_STANDINGS[answer.standing] for answer in change.before),
        "after": after,
        "after_source": _each(answer.source for answer in change.after),
        "after_standing": _each(_STANDINGS[answer.standing] for answer in change.after),
    }


def as_csv(changes: Iterable[Change]) -> str:
    """A heading and one line a change."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record(change) for change in changes)
    return out.getvalue()


def as_json(old: Edition, new: Edition, changes: Sequence[Change]) -> str:
    """Both editions, the counts and every change."""
    document = {
        "old": old.name,
        "new": new.name,
        "summary": summary(changes),
        "changes": [record(change) for change in changes],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_table(old: Edition, new: Edition, changes: Sequence[Change]) -> str:
    """A paragraph per table of the law, then the counts."""
    parts = [f"{old.name} -> {new.name}\n"]
    for table in dict.fromkeys(change.table for change in changes):
        rows = [_shown(change) for change in changes if change.table == table]
        widths = [max(map(_width, column)) for column in list(zip(*rows, strict=True))[:-1]]
        parts.append(f"\n{table}\n")
        for *cells, last in rows:
            aligned = [cell + " " * (wide - _width(cell)) for cell, wide in zip(cells, widths, strict=True) if wide]
            parts.append("  " + "  ".join([*aligned, last]) + "\n")
    return "".join([*parts, "\n" if changes else "", counted(changes)])


def counted(changes: Sequence[Change]) -> str:
    """The counts, a line per table."""
    if not changes:
        return "no change\n"
    told = []
    for table, counts in summary(changes).items():
        words = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
        told.append(f"{table}: {words}" + (f"; {_lines(counts['lines'])}" if "lines" in counts else "") + "\n")
    return "".join(told)


def summary(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """Per table how many changes of each kind, and how many different lines they reach."""
    kinds: dict[str, Counter[str]] = {}
    lines: dict[str, set[str]] = {}
    for change in changes:
        kinds.setdefault(change.table, Counter())[change.kind] += 1
        if change.lines is not None:
            lines.setdefault(change.table, set()).update(change.lines)
    return {
        table: {**counts, **({"lines": len(lines[table])} if table in lines else {})} for table, counts in kinds.items()
    }


def _shown(change: Change) -> tuple[str, ...]:
    flat = record(change)
    before = _with_basis(str(flat["before"]), change.before)
    after = _with_basis(str(flat["after"]), change.after)
    days = "" if change.first_day is None else f"{flat['first_day']} to {flat['last_day'] or 'open end'}"
    lines = "" if change.lines is None else _lines(len(change.lines))
    return str(flat["subject"]), change.code, days, lines, change.kind, f"{before} -> {after}"


def _width(text: str) -> int:
    """The cells of a terminal that a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _with_basis(text: str, answers: Sequence[Answer]) -> str:
    if not answers:
        return "nothing"
    basis = {f"{a.source}, {_STANDINGS[a.standing]}" for a in answers if a.source}
    return f"{text} ({'; '.join(sorted(basis))})" if basis else text


def _texts(change: Change) -> tuple[str, str]:
    """Both answers as text; of one that changed, only the columns that differ."""
    if change.kind == "changed" and len(change.before) == len(change.after) == 1:
        [before], [after] = change.before, change.after
        names = [a[0] for a, old, new in zip(before.shown, before.values, after.values, strict=True) if old != new]
        return _text(before, names), _text(after, names)
    return _each(map(_text, change.before)), _each(map(_text, change.after))


def _text(answer: Answer, names: Sequence[str] | None = None) -> str:
    """The texts of an answer; the first column, which is the rate where there is one, goes without its name."""
    wanted = [(i, name, text) for i, (name, text) in enumerate(answer.shown) if (name in names if names else text)]
    parts = [text if i == 0 else f"{name} {text or 'blank'}" for i, name, text in wanted]
    return "; ".join(parts) or "listed"


def _each(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(texts))


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _day(ordinal: int | None) -> str | None:
    return None if ordinal is None or ordinal == FOREVER else date.fromordinal(ordinal).isoformat()
