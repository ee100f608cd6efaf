"""The law as columns: for every kind of rate, which entry is in force for a line on a day, found by two gathers.

A *schedule* is one kind of rate (MFN, one agreement, one measure ...). For a schedule, lines with the same history
share a *series*; it holds one entry per *slot*, a stretch of days on which nothing in the whole tariff changes. So
the lookup "entry of schedule K for line L on day D" is `series[class[K, L], slot[D]]`, vectorised over any rows.
A code inherits what is written for its prefix of 8, 6, 5, 4, 2 or no digits; the longest prefix wins, day by day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from customs.tariff.rates import Price, Rate
from customs.tariff.reading import FIRST, FOREVER

NONE = -1  # no entry in force

Content = tuple[tuple[int, int, int], ...]  # (first day, last day, entry) of one prefix


class Entry(NamedTuple):
    """What one row says, without where it says it. `until` is the minute of the last day it ends at, `since` the
    minute of the first day it begins at, or -1; `before` is the entry in force until then."""

    rate: Rate
    source: str
    standing: int
    until: int = -1
    since: int = -1
    before: int = NONE
    thresholds: tuple[Price, ...] = ()
    below: Rate | None = None
    note: str = ""
    measure: str = ""


class Stretch(NamedTuple):
    """An entry (NONE: explicitly nothing) for a prefix from `first` to `last`, both days included."""

    prefix: str
    first: int
    last: int
    entry: int
    layer: int = 0  # a higher layer overrides whatever the prefixes say: suspensions


@dataclass(slots=True)
class Entries:
    """The distinct entries; equal ones share an id."""

    all: list[Entry] = field(default_factory=list)
    _ids: dict[Entry, int] = field(default_factory=dict)

    def id(self, entry: Entry) -> int:
        found = self._ids.get(entry)
        if found is None:
            found = self._ids[entry] = len(self.all)
            self.all.append(entry)
        return found


class Slots:
    """The stretches of days on which nothing changes."""

    def __init__(self, boundaries: Iterable[int]) -> None:
        self.first_days = sorted({FIRST, *(day for day in boundaries if FIRST <= day <= FOREVER)})
        spans = np.diff([*self.first_days, FOREVER + 1])
        self.of_day: NDArray[np.int32] = np.repeat(np.arange(len(self.first_days), dtype=np.int32), spans)

    def __len__(self) -> int:
        return len(self.first_days)

    def span(self, first: int, last: int) -> slice:
        """The slots from `first` to `last`; both must be boundaries' edges."""
        return slice(bisect_left(self.first_days, first), bisect_right(self.first_days, last))

    def of(self, day: int) -> int:
        return int(self.of_day[day - FIRST])


class Schedules:
    """All schedules over one list of lines; `add` fills them, `freeze` makes the columns."""

    def __init__(self, keys: NDArray[np.int64], slots: Slots) -> None:
        self.keys = keys
        self._keys: list[int] = keys.tolist()
        self.slots = slots
        self.names: dict[str, int] = {}
        self._rows: list[NDArray[np.int32]] = [np.full(len(slots), NONE, np.int32)]
        self._known: dict[tuple[int, Content], int] = {}
        self._same: dict[bytes, int] = {self._rows[0].tobytes(): 0}
        self._classes: list[list[int]] = []
        self.classes: NDArray[np.int32] = np.zeros(0, np.int32)
        self.series: NDArray[np.int32] = np.zeros(0, np.int32)

    def add(self, name: str, stretches: Sequence[Stretch]) -> int:
        """Write one schedule; returns its number."""
        classes = [0] * len(self.keys)
        grouped: dict[tuple[int, int, str], list[Stretch]] = defaultdict(list)
        for stretch in stretches:
            grouped[(stretch.layer, len(stretch.prefix), stretch.prefix)].append(stretch)
        for (_, _, prefix), group in sorted(grouped.items()):
            low, high = self.range_of(prefix)
            content = tuple((s.first, s.last, s.entry) for s in group)
            for i in range(low, high):
                classes[i] = self._overlay(classes[i], content)
        self.names[name] = len(self._classes)
        self._classes.append(classes)
        return self.names[name]

    def freeze(self) -> None:
        """Turn what was added into flat columns; more may be added and frozen again."""
        self.classes = np.array(self._classes, np.int32).reshape(-1)
        self.series = np.concatenate(self._rows)

    def range_of(self, prefix: str) -> tuple[int, int]:
        """The lines under a prefix, as a half-open range of line numbers."""
        if not prefix:
            return 0, len(self.keys)
        width = 10 ** (10 - len(prefix))
        low = int(prefix) * width
        return bisect_left(self._keys, low), bisect_left(self._keys, low + width)

    def entry(self, schedule: NDArray[np.int64] | int, line: NDArray, slot: NDArray) -> NDArray[np.int32]:
        """The entry in force of `schedule` for each line in each slot; NONE where there is none."""
        kind = self.classes.take(schedule * len(self.keys) + line)
        return self.series.take(kind * len(self.slots) + slot)

    def entry_of(self, schedule: int, line: int, slot: int) -> int:
        """The same for one line."""
        kind = int(self.classes[schedule * len(self.keys) + line])
        return int(self.series[kind * len(self.slots) + slot])

    def _overlay(self, kind: int, content: Content) -> int:
        known = self._known.get((kind, content))
        if known is not None:
            return known
        row = self._rows[kind].copy()
        for first, last, entry in content:
            row[self.slots.span(first, last)] = entry
        found = self._same.setdefault(row.tobytes(), len(self._rows))
        if found == len(self._rows):
            self._rows.append(row)
        self._known[(kind, content)] = found
        return found
