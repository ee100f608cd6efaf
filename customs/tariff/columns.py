"""Entries as columns: what arithmetic needs of each entry, as integer arrays indexed by entry number."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from customs.tariff.faults import Fault, TariffFault
from customs.tariff.rates import Price, Rate
from customs.tariff.schedules import NONE, Entry
from customs.tariff.units import Units

BASE_UNITS = ("kg", "l", "m2", "m")


class EntryColumns:
    """Per entry, and for NONE: `ad_valorem` (0.001 %), `specific` (0.0001 CNY per base unit), `unit`, `how` (LOWER,
    HIGHER, FROM, UP_TO or 0) with `other` (entry number of the other arm) and `price`, `slides`, `below` (the rate
    under a price threshold, or NONE), `since` and `until` (minute) with `before` (entry), `plain` (a share of the
    value and nothing else), `known`."""

    def __init__(self, entries: Sequence[Entry], units: Units) -> None:
        self._units_table = units
        self.units: list[str] = [""]
        self.entries: list[Entry] = list(entries)
        other = [NONE if e.rate.other is None else self._arm(e, e.rate.other) for e in entries]
        below = [NONE if e.below is None or e.below == Rate() else self._arm(e, e.below) for e in entries]
        arms = [NONE] * (len(self.entries) - len(entries))  # an arm has no arms
        bases = [self._base(e) for e in self.entries]
        rates = [e.rate for e in self.entries]
        self.thresholds: list[tuple[Price, ...]] = [e.thresholds for e in self.entries]
        # The last element stands for NONE, which is -1: no rate, no unit, nothing known.
        self.ad_valorem = np.array([*(rate.ad_valorem for rate in rates), 0], np.int64)
        self.specific = np.array([*(amount for amount, _ in bases), 0], np.int64)
        self.unit = np.array([*(unit for _, unit in bases), 0], np.int64)
        self.how = np.array([*(rate.how for rate in rates), 0], np.int64)
        self.other = np.array([*other, *arms, NONE], np.int64)
        self.below = np.array([*below, *arms, NONE], np.int64)
        self.slides = np.array([*(rate.sliding is not None for rate in rates), False], bool)
        self.since = np.array([*(e.since for e in self.entries), -1], np.int64)
        self.before = np.array([*(e.before for e in self.entries), NONE], np.int64)
        self.until = np.array([*(e.until for e in self.entries), -1], np.int64)
        self.known = np.array([*(rate.known for rate in rates), False], bool)
        self.threshold = np.array([*(bool(e.thresholds) for e in self.entries), False], bool)
        timed = (self.since >= 0) | (self.until >= 0)
        self.plain = (self.specific == 0) & (self.how == 0) & ~self.slides & self.known & ~self.threshold & ~timed
        self.plain[NONE] = True

    def _arm(self, entry: Entry, rate: Rate) -> int:
        """The number of a further entry that holds one arm of another."""
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
