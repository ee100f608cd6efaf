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

UNKNOWN, ALONE = 0, -1  # not asked yet; to be selected by itself
UNPROVEN, PROVEN = 0, 1  # no preference claimed, all agreements of the origin proven; from 2 on: one of them


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


_NOTHING = Record(NO_CODE, 0, NONE, NONE, NONE, NONE, (), 0, 0, 0, ())


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
        self._proofs = 2 + len(tariff.origins.preference) if duty else 1
        self._width = self._proofs * (self._states.origins if duty else 1)  # keys of one state of a line
        self._index = np.zeros(self._states.lines * self._width, np.int32)
        self._index.reshape(-1, self._width)[~self._states.plain] = ALONE
        self._known: dict[Record, int] = {}
        self.records: list[Record] = [_NOTHING]  # record 0 stands for what is not known
        self.columns = _columns(self.records, len(tariff.origins.addition))
        self._learning = Lock()

    def find(self, number: Ints, origin: Ints, day: Ints, proof: Ints | None) -> Ints:
        """The record of each line; ALONE where it has to be selected by itself. `number` -1 is an unknown code,
        `proof` as `proofs` gives it."""
        slot = self._tariff.slots.of_day.take(day - FIRST)
        keys = self._keys(number, origin, slot, proof)
        found: Any = self._index.take(keys)
        unknown = np.flatnonzero(found == UNKNOWN)
        if len(unknown):
            _, first = np.unique(keys[unknown], return_index=True)
            rows = unknown[first]
            self._learn(keys[rows], number[rows], origin[rows], day[rows], None if proof is None else proof[rows])
            found = self._index.take(keys)
        return found

    def proofs(self, origin: Ints, proven: NDArray[np.bool_] | None, claim: Ints | None) -> Ints | None:
        """UNPROVEN, PROVEN, or 2 + the place of the agreement claimed among those of the origin."""
        if not self._duty or (proven is None and claim is None):
            return None
        proof = np.zeros(len(origin), np.int64) if proven is None else proven.astype(np.int64)
        if claim is not None:
            for depth, schedules in enumerate(self._tariff.origins.preference):
                proof[(proof == UNPROVEN) & (claim >= 0) & (schedules[origin] == claim)] = 2 + depth
        return proof

    def one(self, number: int, origin: int, day: int, proof: int) -> Record | None:
        """The record of one line of the tariff; None where it has to be selected by itself."""
        states, slots = self._states, self._tariff.slots
        slot = int(slots.of_day[day - FIRST])
        key = int(states.of_line[int(states.profile[number]) * len(slots) + slot]) * self._width
        if self._duty:
            key += int(states.of_origin[origin * len(slots) + slot]) * self._proofs + proof
        found = int(self._index[key])
        if found == UNKNOWN:
            self._learn(np.array([key]), np.array([number]), np.array([origin]), np.array([day]), np.array([proof]))
            found = int(self._index[key])
        return None if found == ALONE else self.records[found]

    def _keys(self, number: Ints, origin: Ints, slot: Any, proof: Ints | None) -> Ints:
        states, slots = self._states, len(self._tariff.slots)
        line = states.profile.take(number)
        line *= slots
        line += slot
        keys = states.of_line.take(line)
        keys *= self._width
        if self._duty:
            place = origin * slots
            place += slot
            own = states.of_origin.take(place)
            own *= self._proofs
            keys += own
            if proof is not None:
                keys += proof
        return keys

    def _learn(self, keys: Ints, number: Ints, origin: Ints, day: Ints, proof: Ints | None) -> None:
        """Ask the selection once for each key. Two threads may ask the same; the answer is the same."""
        states, slots = self._states, self._tariff.slots
        state = states.of_line.take(states.profile.take(number) * len(slots) + slots.of_day.take(day - FIRST))
        lines = Lines(np.maximum(number, 0), origin, day, np.zeros(len(keys), np.int64))
        if proof is not None and self._duty:
            lines.proven = proof == PROVEN
            preference = self._tariff.origins.preference
            lines.claim = np.where(proof > PROVEN, preference[np.maximum(proof - 2, 0), origin], NONE)
        selection = select(self._tariff, lines, duty=self._duty)
        closed = state == CLOSED
        selection.fault[closed], selection.entry[closed], selection.kind[closed] = NO_CODE, NONE, 0
        made, same = _records(self._tariff, selection)
        with self._learning:
            numbers = np.array([self._known.setdefault(record, len(self._known) + 1) for record in made])[same]
            self.records += [*self._known][len(self.records) - 1 :]
            if len(self.records) > len(self.columns.fault):
                more = _columns(self.records[len(self.columns.fault) :], len(self._tariff.origins.addition))
                joined = (np.concatenate(pair, axis=-1) for pair in zip(self.columns, more, strict=True))
                self.columns = Columns(*joined)
            self._index[keys] = numbers  # last, so that whoever finds a number finds its record


def _records(tariff: Tariff, selection: Selection) -> tuple[list[Record], Ints]:
    """The distinct records of a selection of plain lines, and for each line which of them; a line that cannot be
    computed bears nothing."""
    shares = tariff.columns.ad_valorem
    added = np.full((len(selection.added), len(selection.fault)), NONE, np.int64)
    added[:, selection.added_at] = selection.added
    table = np.vstack([selection.fault, selection.kind, selection.entry, selection.agreement, selection.consumption,
                       selection.vat, selection.share, added])  # fmt: skip
    order = np.lexsort(table)
    differs = np.append(True, (np.diff(table[:, order], axis=1) != 0).any(axis=0))
    same = np.empty(len(order), np.int64)
    same[order] = np.cumsum(differs) - 1
    made = []
    for row in table[:, order[differs]].T.tolist():
        fault, kind, entry, agreement, consumption, vat, share = row[:7]
        levied = shares[row[7:]].tolist() if fault == OK and len(row) > 7 else [0] * len(row[7:])
        share, consumed, valued = (share, int(shares[consumption]), int(shares[vat])) if fault == OK else (0, 0, 0)
        made.append(Record(fault, kind, entry, agreement, consumption, vat, tuple(row[7:]), share, consumed, valued,
                           tuple(levied)))  # fmt: skip
    return made, same


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
