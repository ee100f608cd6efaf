"""Weight caps in retail files: one order must stay within the weight of a person's year (rule A24)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from customs.assessments.caps import WEIGHT_CAP, caps_of
from customs.assessments.files.columns import Bools, Ints
from customs.assessments.files.faults import Fault
from customs.assessments.files.given import Given
from customs.assessments.files.single import OneByOne
from customs.duty.wording import Phrase, said
from customs.tariff import Tariff
from customs.tariff.problems import QUANTITY_NEEDED


def overweight(tariff: Tariff, alone: OneByOne, given: Given, of_row: Ints, capped: Bools) -> Iterator[Fault]:
    """Of the `capped` rows those whose order is too heavy and those whose weight is not known; `of_row` is the number
    of each row's order."""
    rows = np.flatnonzero(capped)
    for same in np.split(rows, np.flatnonzero(np.diff(of_row[rows])) + 1):
        if len(same):
            yield from _of_order(tariff, alone, given, same.tolist())


def _of_order(tariff: Tariff, alone: OneByOne, given: Given, rows: list[int]) -> Iterator[Fault]:
    day = date.fromordinal(int(given.day[rows[0]]))
    lines = [alone.line(given, row) for row in rows]
    group_of = [getattr(tariff.positive_list(line.hs[:8], day), "cap_group", None) for line in lines]
    for cap in caps_of(tariff, day, lines):
        for i in cap.unweighed:
            wanted = with_hint(["cap_needs_kg", {**cap.figures, "hs": lines[i].hs}], ["hint_kg"])
            yield Fault(rows[i], "quantity", QUANTITY_NEEDED, wanted)
        heavy = with_hint(["above_weight_cap", cap.figures], ["hint_weight", cap.figures])
        for i, group in enumerate(group_of):
            if cap.exceeded and group == cap.entry.cap_group and i not in cap.unweighed:
                yield Fault(rows[i], "quantity", WEIGHT_CAP, heavy)


def with_hint(detail: Phrase, hint: Phrase) -> str:
    """A retail refusal as the single assessment words it."""
    words = said(detail=detail, hint=hint)
    return f"{words['detail']}; {words['hint']}"
