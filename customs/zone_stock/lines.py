"""How much of an item of the account book a line of a list means."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import Problem, declare
from customs import edition
from customs.zone_stock_models import BookItem

UNIT_DIFFERS = declare("account_book_unit", 409, "The account book counts these goods in another unit")


def quantity_of(item: BookItem, line: Mapping[str, Any]) -> Decimal:
    """A line's quantity in the unit of its item: its own, converted, or one of its statutory ones."""
    tariff = edition.tariff()
    factor = tariff.units.factor(line["unit"], item.unit) if line["unit"] != item.unit else Decimal(1)
    if factor is not None:
        return Decimal(line["quantity"]) * factor
    units = line["statutory_units"] or tariff.statutory_units(line["hs"])
    for unit, quantity in zip(units, line["statutory"], strict=False):
        factor = tariff.units.factor(unit, item.unit) if unit else None
        if factor is not None:
            return Decimal(quantity) * factor
    raise Problem(UNIT_DIFFERS, f"{item.record_no} is counted by the {item.unit}, the line by the {line['unit']}")
