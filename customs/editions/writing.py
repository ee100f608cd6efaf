"""Writing a new edition: a copy of the law's files with rows added and open ends closed, checked before it appears."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from customs.editions.answers import subject_columns
from customs.editions.folder import Cells, numbered
from customs.tariff.tables import Table


@contextmanager
def draft_folder(source: Path, beside: Path) -> Iterator[Path]:
    """A copy of a folder on the disk where it may stay; whatever happens, it is gone afterwards unless it was moved."""
    beside.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=".tariff-import-", dir=beside))
    try:
        shutil.copytree(source, root / "law", copy_function=shutil.copyfile)
        yield root / "law"
    finally:
        shutil.rmtree(root, ignore_errors=True)


def write_table(folder: Path, table: Table, rows: Sequence[Cells], closed: Mapping[int, int]) -> None:
    """Add rows to a table and close the rows of some lines at a day; every other row keeps its bytes and its order."""
    path = folder / f"{table.name}.csv"
    held = numbered(path)
    last_day = table.heading.index("last_day")
    for line, ordinal in closed.items():
        held[line][last_day] = date.fromordinal(ordinal).isoformat()
    heading, *before = held.values()
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([heading, *_inserted(table, before, rows)])
    replace_text(path, out.getvalue())


def _inserted(table: Table, held: list[Cells], rows: Sequence[Cells]) -> list[Cells]:
    """New rows after the last row that sorts before them by key; where the file is not sorted by key, after the last
    row of the same subject (agreement, measure ...), or at the end."""
    places = [i for i, name in enumerate(table.heading) if name in table.key]
    keys = [[cells[i] for i in places] for cells in held]
    subjects = [table.heading.index(name) for name in subject_columns(table)]
    ordered = keys == sorted(keys)
    ends = {tuple(cells[i] for i in subjects): n for n, cells in enumerate(held, start=1)}
    first = table.heading.index("first_day")
    added: dict[int, list[Cells]] = {}
    for cells in sorted(rows, key=lambda cells: ([cells[i] for i in places], cells[first])):
        if ordered:
            place = bisect_right(keys, [cells[i] for i in places])
        else:
            place = ends.get(tuple(cells[i] for i in subjects), len(held))
        added.setdefault(place, []).append(list(cells))
    merged = list(added.get(0, ()))
    for n, cells in enumerate(held, start=1):
        merged.append(cells)
        merged.extend(added.get(n, ()))
    return merged


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader sees the old text or the new one."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    os.replace(name, path)
