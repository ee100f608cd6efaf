"""Entries as columns: what arithmetic needs of each entry, as integer arrays indexed by entry number."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from customs.tariff.faults import Fault, TariffFault
from customs.tariff.rates import Rate
from customs.tariff.schedules import NONE, Amount, Entry
from customs.tariff.units import Units

BASE_UNITS = ("kg", "l", "m2", "m")


class EntryColumns:
    """Per entry, and for NONE: `ad_valorem` (0.001 %), `specific` (0.0001 CNY per base unit), `unit`, `lower`
    and `below` (entry numbers of the other arm and of the rate under a price threshold, or NONE), `until` (minute),
    `plain` (a share of the value and nothing else), `known`."""

    def __init__(self, entries: Sequence[Entry], units: Units) -> None:
        self._units_table = units
        self.units: list[str] = [""]
        self.entries: list[Entry] = list(entries)
        arms = [(i, e.rate.lower, e.below) for i, e in enumerate(entries)]
        self.lower = np.full(len(entries), NONE, np.int64)
        self.below = np.full(len(entries), NONE, np.int64)
        for i, lower, below in arms:
            if lower is not None:
                self.lower[i] = self._arm(entries[i], lower)
            if below is not None and (below.ad_valorem or below.specific):
                self.below[i] = self._arm(entries[i], below)
        grown = (0, len(self.entries) - len(entries) + 1)
        self.lower = np.pad(self.lower, grown, constant_values=NONE)
        self.below = np.pad(self.below, grown, constant_values=NONE)
        self.thresholds: list[tuple[Amount, ...]] = [e.thresholds for e in self.entries]
        bases = [self._base(e) for e in self.entries]
        # The last element stands for NONE, which is -1: no rate, no unit, nothing known.
        self.ad_valorem = np.array([*(e.rate.ad_valorem for e in self.entries), 0], np.int64)
        self.specific = np.array([*(amount for amount, _ in bases), 0], np.int64)
        self.unit = np.array([*(unit for _, unit in bases), 0], np.int64)
        self.until = np.array([*(e.until for e in self.entries), -1], np.int64)
        self.known = np.array([*(e.rate.known for e in self.entries), False], bool)
        self.threshold = np.array([*(bool(e.thresholds) for e in self.entries), False], bool)
        self.plain = (self.specific == 0) & (self.lower == NONE) & self.known & ~self.threshold
        self.plain[NONE] = True

    def _arm(self, entry: Entry, rate: Rate) -> int:
        self.entries.append(entry._replace(rate=rate, below=None, thresholds=()))
        return len(self.entries) - 1

    def _base(self, entry: Entry) -> tuple[int, int]:
        """A specific rate per base unit: 240 CNY/t is 0.24 CNY/kg."""
        rate = entry.rate
        if not rate.specific or rate.unit is None:
            return 0, 0
        for base in BASE_UNITS:
            factor = self._units_table.factor(rate.unit, base)
            if factor is not None:
                per_base = Decimal(rate.specific) / factor
                if per_base != int(per_base):
                    raise TariffFault([Fault("units.csv", 0, f"{rate.text}: not a whole 0.0001 CNY per {base}")])
                return int(per_base), self._unit(base)
        return rate.specific, self._unit(rate.unit)

    def _unit(self, word: str) -> int:
        if word not in self.units:
            self.units.append(word)
        return self.units.index(word)
