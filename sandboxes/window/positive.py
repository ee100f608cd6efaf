"""The positive list: which codes may be imported by retail on a day, from the public law's table."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[2] / "customs" / "data" / "positive_list.csv"


@cache
def _table(file: Path) -> dict[str, list[tuple[str, str, frozenset[str]]]]:
    found: dict[str, list[tuple[str, str, frozenset[str]]]] = {}
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            days = row["first_day"].replace("-", ""), row["last_day"].replace("-", "") or "99991231"
            modes = frozenset(row["modes"].split(";")) - {""}
            found.setdefault(row["hs"], []).append((*days, modes))
    return found


def absences(values: dict[str, Any], file: Path) -> list[str]:
    """The lines of a list whose code is not on the list of its day and mode, in words."""
    day, mode = values["declTime"], values["tradeMode"]
    return [
        f"line {line['gnum']}: {line['gcode']} is not on the positive list of {day} for {mode}"
        for line in values["lines"]
        if not _listed(_table(file), line["gcode"], day, mode)
    ]


def _listed(table: dict[str, list[tuple[str, str, frozenset[str]]]], gcode: str, day: str, mode: str) -> bool:
    rows = [row for length in range(2, 11, 2) for row in table.get(gcode[:length], [])]
    return any(first <= day <= last and (not modes or mode in modes) for first, last, modes in rows)
