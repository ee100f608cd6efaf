"""Origins as columns: the rate class of a country on a day, its agreements, and the measures that single it out.

Base rate class, preferences and measures are independent facts (rule A10): a country can have no MFN and still enter
at zero. Country number 0 stands for an unknown origin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from customs.tariff.reading import Row
from customs.tariff.schedules import Schedules, Slots

NO_CLASS, MFN, GENERAL = 0, 1, 2
_CLASSES = {"mfn": MFN, "general": GENERAL}
ORIGIN_TABLES = ("origin_classes", "agreement_members", "measure_exclusions")


def boundaries(tables: dict[str, list[Row]]) -> Iterator[int]:
    """The days on which a country changes its class or joins or leaves an agreement."""
    for name in ORIGIN_TABLES:
        for row in tables[name]:
            yield row["first_day"]
            yield row["last_day"] + 1


class Origins:
    """Per country and slot its `rate_class`; per country the schedules of its agreements and of duties added to it."""

    def __init__(self, tables: dict[str, list[Row]], schedules: Schedules, slots: Slots) -> None:
        countries = [row["alpha2"] for row in tables["countries"]]
        self.number = {alpha2: i + 1 for i, alpha2 in enumerate(countries)}
        self.alpha2: list[str | None] = [None, *countries]
        size = (len(self.alpha2), len(slots))
        self.rate_class: NDArray[np.int8] = np.zeros(size, np.int8)
        self.rate_class[0] = GENERAL  # rule A10: origin unknown
        self.class_rows: dict[int, list[Row]] = defaultdict(list)
        for row in tables["origin_classes"]:
            country = self.number[row["country"]]
            self.rate_class[country, slots.span(row["first_day"], row["last_day"])] = _CLASSES[row["class"]]
            self.class_rows[country].append(row)
        self._agreements(tables, schedules, slots)
        self._measures(tables, schedules, slots)

    def _agreements(self, tables: dict[str, list[Row]], schedules: Schedules, slots: Slots) -> None:
        self.member_rows: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for row in tables["agreement_members"]:
            self.member_rows[(self.number[row["country"]], row["agreement"])].append(row)
        self.agreements: dict[int, list[str]] = defaultdict(list)
        for country, agreement in sorted(self.member_rows):
            self.agreements[country].append(agreement)
        depth = max(map(len, self.agreements.values()), default=0)
        self.has_agreement = np.zeros(len(self.alpha2), bool)
        self.has_agreement[list(self.agreements)] = True
        self.preference = np.full((depth, len(self.alpha2)), -1, np.int64)
        self.member = np.zeros((depth, len(self.alpha2), len(slots)), bool)
        for country, names in self.agreements.items():
            for k, agreement in enumerate(names):
                self.preference[k, country] = schedules.names[f"agreement:{agreement}"]
                for row in self.member_rows[(country, agreement)]:
                    self.member[k, country, slots.span(row["first_day"], row["last_day"])] = True

    def _measures(self, tables: dict[str, list[Row]], schedules: Schedules, slots: Slots) -> None:
        """Which schedules are added for which country, and in which slots one leaves the country out; an exporter's own
        rate displaces the rate of all others."""
        quota_countries: dict[str, set[str]] = defaultdict(set)
        for row in tables["quotas"]:
            quota_countries[row["measure"]].add(row["country"])
        origin_of = {row["id"]: row["origin"] for row in tables["measures"]}
        self.exporters: dict[str, int] = {"": 0}
        # country -> (schedule, measure, exporter)
        self.added: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
        for name, number in schedules.names.items():
            if not name.startswith("measure:"):
                continue
            measure, exporter, country = name.removeprefix("measure:").split(":")
            code = self.exporters.setdefault(exporter, len(self.exporters))
            for alpha2 in self._countries(country, origin_of[measure], quota_countries[measure]):
                self.added[self.number[alpha2] if alpha2 else 0].append((number, measure, code))
        depth = max(map(len, self.added.values()), default=0)
        self.addition = np.full((depth, len(self.alpha2)), -1, np.int64)
        self.addition_exporter = np.zeros((depth, len(self.alpha2)), np.int64)
        self.bears_addition = np.zeros(len(self.alpha2), bool)
        self.bears_addition[list(self.added)] = True
        for origin, schedules_of in self.added.items():
            for k, (number, _, code) in enumerate(schedules_of):
                self.addition[k, origin] = number
                self.addition_exporter[k, origin] = code
        self.left_out = np.zeros((depth, len(self.alpha2), len(slots)), bool)
        for row in tables["measure_exclusions"]:
            out = self.number[row["country"]]
            for k, (_, measure, _) in enumerate(self.added.get(out, ())):
                if measure == row["measure"]:
                    self.left_out[k, out, slots.span(row["first_day"], row["last_day"])] = True

    def _countries(self, country: str, origin: str, with_quota: set[str]) -> list[str | None]:
        """Whom a schedule reaches. `*` is every origin, the unknown one (None) too, but not China: goods that come home
        are no imports of another origin."""
        if country == "*":  # the quota of all other countries
            return [c for c in self.alpha2 if c not in with_quota and c != "CN"]
        if country:
            return [country]
        return [c for c in self.alpha2 if c != "CN"] if origin == "*" else [origin]
