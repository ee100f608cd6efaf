"""Faults of the data files as values: all are collected, then reported together with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong in one place; line 1 is the heading row, line 0 the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class TariffFault(Exception):
    """The law's files cannot be used; `faults` holds every fault found, in file and line order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = sorted(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(f"{len(self.faults)} {noun} in the tariff data:\n" + "\n".join(map(str, self.faults)))
