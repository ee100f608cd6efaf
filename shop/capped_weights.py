"""The kilograms of goods under a weight cap (rule A24) that lines of an order hold, by group; mostly none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from customs import edition
from customs.assessments.caps import caps_of
from customs.weight_caps import Weight
from shop.models import OrderLine
from shop.offers import OfferLine
from shop.taxing import RETAIL, engine_line


def of_lines(day: date, lines: Iterable[OfferLine | OrderLine]) -> dict[str, Weight]:
    """What lines weigh under the caps of a day. A weight that the label does not tell is the listing's net weight."""
    return _weights(day, [(line, Decimal(1)) for line in lines])


def of_part(day: date, lines: Sequence[OrderLine], part: Iterable[Sequence[Any]]) -> dict[str, Decimal]:
    """What a part of an order's lines, [[position, quantity], ..], weighs."""
    by_position = {line.position: line for line in lines}
    taken = [(by_position[position], Decimal(quantity)) for position, quantity in part]
    shares = [(line, quantity / line.quantity) for line, quantity in taken]
    return {group: weight.kg for group, weight in _weights(day, shares).items()}


def _weights(day: date, lines: Iterable[tuple[OfferLine | OrderLine, Decimal]]) -> dict[str, Weight]:
    tariff, found = edition.tariff(), dict[str, Weight]()
    for line, share in lines:
        if line.facts["route"] != RETAIL:
            continue
        entry = tariff.positive_list(str(line.facts["hs"])[:8], day)
        if entry is None or entry.cap_kg is None:
            continue
        [cap] = caps_of(tariff, day, [engine_line(line)])
        kg = line.quantity * Decimal(line.facts["net_weight_kg"] or 0) if cap.unweighed else cap.kg
        held = found.setdefault(entry.cap_group, Weight(Decimal(0), entry.cap_kg))
        found[entry.cap_group] = replace(held, kg=held.kg + round(kg * share, 5))
    return found
