"""Weight caps of the retail import list: kilograms a person and year of a group of lines (rule A24).

What one order holds is known here; what the person's other orders of the year held is a ledger's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import declare
from core.money import plain
from customs.assessments.request import Line
from customs.duty.bounds import QUANTITY_PARTS
from customs.duty.phrases import PHRASES
from customs.duty.valuation import Quantities
from customs.duty.wording import Phrase, said
from customs.tariff import ListEntry, Tariff

WEIGHT_CAP = declare("weight_cap", 422, "The order is above the weight that a person may import in a year")


@dataclass(frozen=True, slots=True)
class Cap:
    """A group of capped lines in one order: the list's entry, the number of the first line, the kg of all of them, and
    the lines whose weight nothing given tells."""

    entry: ListEntry
    first: int
    kg: Decimal
    unweighed: tuple[int, ...]

    @property
    def exceeded(self) -> bool:
        return self.entry.cap_kg is not None and self.kg > self.entry.cap_kg

    @property
    def figures(self) -> dict[str, Phrase]:
        group = self.entry.cap_group
        cap = "" if self.entry.cap_kg is None else plain(self.entry.cap_kg)
        return {"group": [group] if group in PHRASES else group, "cap": cap, "kg": plain(self.kg)}


def caps_of(tariff: Tariff, day: date, lines: Sequence[Line]) -> list[Cap]:
    """The caps that the lines of each order fall under, in the order of their first lines; a line under a cap whose
    weight is not known is named and counts nothing."""
    groups: dict[tuple[str, str], list[tuple[int, ListEntry]]] = {}
    for i, line in enumerate(lines):
        entry = tariff.positive_list(line.hs[:8], day)
        if entry is not None and entry.cap_kg is not None:
            groups.setdefault((line.order, entry.cap_group), []).append((i, entry))
    return [_cap(tariff, lines, members) for members in groups.values()]


def _cap(tariff: Tariff, lines: Sequence[Line], members: Sequence[tuple[int, ListEntry]]) -> Cap:
    weights = [(i, _kg(tariff, lines[i])) for i, _ in members]
    first, entry = members[0]
    return Cap(entry, first, sum((kg for _, kg in weights if kg is not None), Decimal(0)),
               tuple(i for i, kg in weights if kg is None))  # fmt: skip


def _kg(tariff: Tariff, line: Line) -> Decimal | None:
    word = tariff.units.word_of
    first, second = tariff.statutory_units(line.hs)
    quantities = Quantities(line.quantity, line.unit, word(first), line.unit1_quantity, word(second),
                            line.unit2_quantity, line.net_content)  # fmt: skip
    parts = quantities.of(tariff.units, "kg")
    return Decimal(parts) / QUANTITY_PARTS if parts >= 0 else None


def cap_requirement(tariff: Tariff, day: date, lines: Sequence[Line], i: int) -> Iterator[dict[str, Any]]:
    """What one line must know of its cap: the group, the cap, and what this order holds of it."""
    entry = tariff.positive_list(lines[i].hs[:8], day)
    if entry is None or entry.cap_kg is None:
        return
    same = [line for line in lines if line.order == lines[i].order]
    for cap in caps_of(tariff, day, same):
        if cap.entry.cap_group == entry.cap_group:
            figures = cap.figures
            yield {"code": WEIGHT_CAP, **said(detail=["weight_cap", figures], group=figures["group"]),
                   "cap_kg": figures["cap"], "order_kg": figures["kg"], "source": entry.source,
                   "standing": entry.standing}  # fmt: skip
