"""The answers to one piece, as columns; and their sums over the whole file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from customs.assessments.files.columns import BLANK, Bools, Ints, Words
from customs.assessments.files.faults import Fault
from customs.assessments.files.given import Given
from customs.assessments.files.index import Index
from customs.assessments.files.layout import AMOUNTS, RESULT
from customs.assessments.files.single import Answer

PARTS = AMOUNTS[:-1]  # the tax is their sum without the value


@dataclass(slots=True)
class Result:
    """`amounts` (fen) holds a column for each of `layout.AMOUNTS`; rows that are not `done` bear nothing and have a
    fault. The rates are numbers of `texts`."""

    first: int
    hs: Words
    origin: Words
    day: Words
    amounts: dict[str, Ints]
    done: Bools
    duty_rate: Ints
    vat_rate: Ints
    texts: list[str]
    faults: list[Fault]

    def __len__(self) -> int:
        return len(self.done)


class Answers:
    """Collects the amounts of a piece, columns at a time or row by row."""

    def __init__(self, index: Index, given: Given) -> None:
        self._index, self._given = index, given
        self._amounts = {name: np.zeros(given.count, np.int64) for name in PARTS}
        self.done: Bools = np.zeros(given.count, bool)
        self._duty_rate, self._vat_rate = np.zeros(given.count, np.int64), np.zeros(given.count, np.int64)

    def put(self, rows: Ints, amounts: Iterable[Ints], duty_rate: Ints, vat_rate: Ints) -> None:
        """Columns for some rows; `amounts` in the order of PARTS."""
        for name, column in zip(PARTS, amounts, strict=True):
            self._amounts[name][rows] = column
        self._duty_rate[rows], self._vat_rate[rows] = duty_rate, vat_rate
        self.done[rows] = True

    def put_one(self, row: int, answer: Answer) -> None:
        for name, fen in zip(PARTS, answer.amounts, strict=True):
            self._amounts[name][row] = fen
        text_id = self._index.text_id
        self._duty_rate[row], self._vat_rate[row] = text_id(answer.duty_rate), text_id(answer.vat_rate)
        self.done[row] = True

    def result(self) -> Result:
        given, amounts = self._given, self._amounts
        tax = amounts["duty"] + amounts["additional_duty"] + amounts["consumption_tax"] + amounts["vat"]
        return Result(given.first, given.hs, given.origin, given.day_words, {**amounts, "tax": tax}, self.done,
                      self._duty_rate, self._vat_rate, [*self._index.texts], given.faults.by_row())  # fmt: skip


@dataclass(slots=True)
class Totals:
    """Counts and sums (fen) of the rows that bear amounts."""

    rows: int = 0
    failed: int = 0
    amounts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(AMOUNTS, 0))

    def add(self, result: Result) -> None:
        self.rows += len(result)
        self.failed += len(result) - int(result.done.sum())
        for name, column in result.amounts.items():
            # Halves apart: a column of the largest values would not fit one int64.
            self.amounts[name] += (int((column >> 20).sum()) << 20) + int((column & 0xFFFFF).sum())


@dataclass(slots=True)
class Money:
    """A column of amounts in fen; blank where not `given`."""

    fen: Ints
    given: Bools


def shown(result: Result) -> dict[str, Ints | Words | Money]:
    """The columns of `layout.RESULT`; of a row's faults the first."""
    rates = np.where(result.done, result.duty_rate, BLANK), np.where(result.done, result.vat_rate, BLANK)
    code, field_, message = _first_faults(result)
    columns: dict[str, Ints | Words | Money] = {
        "row": np.arange(result.first, result.first + len(result), dtype=np.int64),
        "hs": result.hs,
        "origin": result.origin,
        "day": result.day,
        "duty_rate": Words(rates[0].astype(np.int32), result.texts),
        "vat_rate": Words(rates[1].astype(np.int32), result.texts),
        "error_code": code,
        "error_field": field_,
        "error_message": message,
    }
    columns |= {name: Money(column, result.done) for name, column in result.amounts.items()}
    return {name: columns[name] for name in RESULT}


def _first_faults(result: Result) -> tuple[Words, Words, Words]:
    firsts = {fault.row: fault for fault in reversed(result.faults)}
    count = len(result)
    return (_coded(count, {row: fault.code for row, fault in firsts.items()}),
            _coded(count, {row: fault.field for row, fault in firsts.items()}),
            _coded(count, {row: fault.message for row, fault in firsts.items()}))  # fmt: skip


def _coded(count: int, texts: dict[int, str]) -> Words:
    """A column of texts of which only some rows have one."""
    words = {text: i for i, text in enumerate(dict.fromkeys(texts.values()))}
    codes = np.full(count, BLANK, np.int32)
    codes[list(texts)] = [words[text] for text in texts.values()]
    return Words(codes, [*words])
