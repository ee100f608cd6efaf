"""Answers as CSV: UTF-8, CRLF, amounts as plain numbers, no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from customs.assessments.files.columns import Words
from customs.assessments.files.layout import ERRORS, RESULT
from customs.assessments.files.result import Money, Result, shown
from customs.reports.table import harmless

_END = "\r\n"
_CENTS = [f".{cents:02d}" for cents in range(100)]
Shown = Mapping[str, Any]  # by column of the result: row numbers, Words or Money


class CsvWriter:
    """The result as CSV."""

    def __init__(self, path: Path, edition: str) -> None:
        self._file = path.open("wb")
        self._file.write(header(RESULT))

    def write(self, result: Result) -> None:
        self._file.write(rows(shown(result)))

    def close(self) -> None:
        self._file.close()


class ErrorWriter:
    """The error report: row, field, code, message; every fault of a row."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(header(ERRORS))

    def write(self, result: Result) -> None:
        lines = ([str(result.first + row), field, code, _cell(message)] for row, field, code, message in result.faults)
        self._file.write(_joined(lines))

    def close(self) -> None:
        self._file.close()


def header(names: Sequence[str]) -> bytes:
    return (",".join(names) + _END).encode()


def rows(columns: Shown) -> bytes:
    """The lines of some rows, without a header."""
    return _joined(zip(*(_texts(columns[name]) for name in RESULT), strict=True))


def _joined(lines: Iterable[Iterable[str]]) -> bytes:
    text = _END.join(map(",".join, lines))
    return (text + _END).encode() if text else b""


def _texts(column: Any) -> list[str]:
    if isinstance(column, Words):
        cells = np.array([*map(_cell, column.words), ""], object)
        return cells[column.codes].tolist()  # type: ignore[no-any-return]
    if isinstance(column, Money):
        return _money(column)
    return [str(number) for number in column.tolist()]


def _money(column: Money) -> list[str]:
    whole, cents = np.divmod(column.fen, 100)
    texts = [str(yuan) + _CENTS[rest] for yuan, rest in zip(whole.tolist(), cents.tolist(), strict=True)]
    for blank in np.flatnonzero(~column.given).tolist():
        texts[blank] = ""
    return texts


def _cell(word: str) -> str:
    """One cell, quoted where it must be."""
    word = harmless(word)
    if not any(char in word for char in ',"\r\n'):
        return word
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([word])
    return text.getvalue()
