"""What is wrong with single rows: collected, in the order of the form, for the error report."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from customs.assessments.files.columns import Bools, Ints


class Fault(NamedTuple):
    """One line of the error report; `row` counts from 0 inside its piece."""

    row: int
    field: str
    code: str
    message: str


class Faults:
    """`bad` says which rows have one."""

    def __init__(self, count: int) -> None:
        self.bad: Bools = np.zeros(count, bool)
        self._found: list[Fault] = []

    def add(self, rows: Ints | Iterable[int], field: str, code: str, message: str) -> None:
        """The same fault on some rows."""
        for row in rows:
            self.one(int(row), field, code, message)

    def one(self, row: int, field: str, code: str, message: str) -> None:
        self.bad[row] = True
        self._found.append(Fault(row, field, code, message))

    def by_row(self) -> list[Fault]:
        """Row by row; of one row, the order in which they were found."""
        return sorted(self._found, key=attrgetter("row"))
