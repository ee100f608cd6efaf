"""A folder for one test's files, and a way to assess a few rows in it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from customs.assessments.files import CSV, Options, Outcome, assess_file
from tests.cases.law import tariff
from tests.customs.files.lines import Row


@dataclass
class Desk:
    """Assesses files in one folder."""

    folder: Path

    def file(self, rows: Iterable[Row], name: str = "lines.csv") -> Path:
        rows = list(rows)
        names = list(dict.fromkeys(name for row in rows for name in row))
        with (self.folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        return self.folder / name

    def text(self, text: str | bytes, name: str = "lines.csv") -> Path:
        raw = text if isinstance(text, bytes) else text.encode()
        (self.folder / name).write_bytes(raw)
        return self.folder / name

    def assess(self, path: Path, form: str = CSV, **options: Any) -> Outcome:
        return assess_file(tariff(), path, self.folder / "result", self.folder / "errors", Options(**options), form)

    @property
    def result(self) -> list[dict[str, str]]:
        return list(csv.DictReader((self.folder / "result").open(newline="", encoding="utf-8")))

    @property
    def errors(self) -> list[tuple[str, str, str]]:
        """(row, field, code) of every line of the error report."""
        rows = csv.DictReader((self.folder / "errors").open(newline="", encoding="utf-8"))
        return [(row["row"], row["field"], row["code"]) for row in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def line() -> Callable[..., Row]:
    """A plain line, with cells changed as given."""

    def make(**cells: str) -> Row:
        return {"hs": "0202300090", "origin": "BR", "day": "2026-02-01", "value": "1000.00", **cells}

    return make
