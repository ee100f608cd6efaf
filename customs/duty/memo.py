"""What the selection says of each state of a line and an origin, kept once it was asked.

`customs.duty.selection` is the law; here its answers are kept for lines whose taxes are mere shares of the value and
hang on nothing but code, origin, day and proof. The next such line is a few gathers. All other lines are selected anew.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from customs.duty.columns import NO_CODE, OK, Ints, Lines, Selection
from customs.duty.selection import select
from customs.tariff.reading import FIRST
from customs.tariff.schedules import NONE
from customs.tariff.states import CLOSED

if TYPE_CHECKING:
    from customs.tariff.tariff import Tariff

UNKNOWN, ALONE = -2, -1  # not asked yet; to be selected by itself


class Record(NamedTuple):
    """One answer: entries, and the rates in 0.001 % (of `added` one per addition levied)."""

    fault: int
    kind: int
    entry: int
    agreement: int
    consumption: int
    vat: int
    added_entries: tuple[int, ...]
    share: int
    consumption_share: int
    vat_share: int
    added: tuple[int, ...]


class Columns(NamedTuple):
    """The answers as columns, by record number."""

    fault: Ints
    kind: Ints
    entry: Ints
    share: Ints
    consumption: Ints
    vat: Ints
    added: NDArray[np.int64]  # a row per possible addition
    bears: NDArray[np.bool_]


class Memo:
    """The answers for one edition and one way of asking: with duty (general trade) or without (retail limits)."""

    def __init__(self, tariff: Tariff, duty: bool) -> None:
        self._tariff, self._duty = tariff, duty
        self._states = tariff.states
        self._origins = self._states.origins if duty else 1
        self._index = np.full(self._states.lines * self._origins * 2, UNKNOWN, np.int32)
        plain = np.repeat(self._states.plain, self._origins * 2)
        self._index[~plain] = ALONE
        self.records: list[Record] = []
        self._known: dict[Record, int] = {}
        self.columns = _columns([], len(tariff.origins.addition))
        self._learning = Lock()

    def find(self, number: Ints, origin: Ints, day: Ints, proven: NDArray[np.bool_] | None) -> Ints:
        """The record of each line; ALONE where it has to be selected by itself. `number` -1 is an unknown code."""
        slot = self._tariff.slots.of_day.take(day - FIRST)
        keys = self._keys(number, origin, slot, proven)
        found: Any = self._index.take(keys)
        unknown = np.flatnonzero(found == UNKNOWN)
        if len(unknown):
            _, first = np.unique(keys[unknown], return_index=True)
            rows = unknown[first]
            self._learn(keys[rows], number[rows], origin[rows], day[rows], None if proven is None else proven[rows])
            found = self._index.take(keys)
        return found

    def one(self, number: int, origin: int, day: int, proven: bool) -> Record | None:
        """The record of one line of the tariff; None where it has to be selected by itself."""
        states, slots = self._states, self._tariff.slots
        slot = int(slots.of_day[day - FIRST])
        key = int(states.of_line[int(states.profile[number]) * len(slots) + slot]) * self._origins * 2
        if self._duty:
            key += int(states.of_origin[origin * len(slots) + slot]) * 2 + proven
        found = int(self._index[key])
        if found == UNKNOWN:
            self._learn(np.array([key]), np.array([number]), np.array([origin]), np.array([day]), np.array([proven]))
            found = int(self._index[key])
        return None if found == ALONE else self.records[found]

    def _keys(self, number: Ints, origin: Ints, slot: Any, proven: NDArray[np.bool_] | None) -> Ints:
        states, slots = self._states, len(self._tariff.slots)
        line = states.profile.take(number)
        line *= slots
        line += slot
        keys = states.of_line.take(line)
        keys *= self._origins * 2
        if self._duty:
            place = origin * slots
            place += slot
            own = states.of_origin.take(place)
            own *= 2
            keys += own
            if proven is not None:
                keys += proven
        return keys

    def _learn(self, keys: Ints, number: Ints, origin: Ints, day: Ints, proven: Any) -> None:
        """Ask the selection once for each key. Two threads may ask the same; the answer is the same."""
        closed = self._states.of_line.take(
            self._states.profile.take(number) * len(self._tariff.slots) + self._tariff.slots.of_day.take(day - FIRST)
        ) == CLOSED  # fmt: skip
        lines = Lines(np.maximum(number, 0), origin, day, np.zeros(len(keys), np.int64), proven)
        selection = select(self._tariff, lines, duty=self._duty)
        selection.fault[closed] = NO_CODE
        made = _records(self._tariff, selection)
        with self._learning:
            numbers = [self._known.setdefault(record, len(self._known)) for record in made]
            self.records += [*self._known][len(self.records) :]
            if len(self.records) > len(self.columns.fault):
                self.columns = _columns(self.records, len(self._tariff.origins.addition))
            self._index[keys] = numbers  # last, so that whoever finds a number finds its record


def _records(tariff: Tariff, selection: Selection) -> list[Record]:
    """One record per line of a selection of plain lines; a line that cannot be computed bears nothing."""
    shares = tariff.columns.ad_valorem
    added = np.full((len(selection.added), len(selection.fault)), NONE, np.int64)
    added[:, selection.added_at] = selection.added
    columns = (selection.fault, selection.kind, selection.entry, selection.agreement, selection.consumption,
               selection.vat, selection.share)  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), added.T.tolist() or [[]] * len(selection.fault), strict=True)
    made = []
    for fault, kind, entry, agreement, consumption, vat, share, entries in rows:
        ok = fault == OK
        levied = tuple(int(shares[e]) if ok else 0 for e in entries)
        made.append(Record(fault, kind, entry, agreement, consumption, vat, tuple(entries), share if ok else 0,
                           int(shares[consumption]) if ok else 0, int(shares[vat]) if ok else 0, levied))  # fmt: skip
    return made


def _columns(records: list[Record], depth: int) -> Columns:
    """The records as columns."""
    size = len(records)
    added = np.zeros((depth, size), np.int64)
    for i, record in enumerate(records):
        added[: len(record.added), i] = record.added

    def column(name: str) -> Ints:
        return np.array([getattr(record, name) for record in records], np.int64)

    return Columns(column("fault"), column("kind"), column("entry"), column("share"), column("consumption_share"),
                   column("vat_share"), added, np.asarray((added > 0).any(axis=0)))  # fmt: skip
