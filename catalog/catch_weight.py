"""Catch weight: sold by the piece, priced by the kilogram.

A piece is sold at its nominal weight, so that price, card, quote and order know one amount; what it really weighs is
found when it is picked, within the tolerance the listing tells. Lighter is paid back, heavier is the merchant's gift:
nobody is charged more than was agreed. A card may be authorised for `MARGIN` percent instead: then the real weight is
charged, up to that. Goods of cross-border retail are declared and taxed by the real weight, so they are weighed first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from catalog import categories
from catalog.lots import MEASURES
from catalog.models import GENERAL, PRICE_MOST, RETAIL, Listing
from core.errors import invalid
from core.money import fen_text, plain, round_to_fen

MARGIN = 110  # percent of the nominal goods that a card is authorised for
KILOGRAM = "035"  # customs' code
GOODS = (GENERAL, RETAIL)
FIELDS = ("kg_price_fen", "piece_weight_kg", "weight_tolerance")
_NAMES = {"kg_price_fen": "price_per_kg"}


def settle(row: Listing, values: Mapping[str, Any]) -> None:
    """Write what follows from a price by the kilogram into a listing's row, or empty what only such a price has.

    Raises Problem `invalid_input` when something is missing or does not go together.
    """
    row.priced_by = row.priced_by or "unit"
    if row.priced_by == "unit":
        for name in FIELDS:
            if values.get(name) is not None:
                raise invalid(_NAMES.get(name, name), "belongs to goods priced by the kg")
            setattr(row, name, None)
        return
    for name in FIELDS:
        if getattr(row, name) is None:
            raise invalid(_NAMES.get(name, name), "is required for goods priced by the kg")
    if row.route not in GOODS:
        raise invalid("priced_by", "only goods are priced by the kg")
    if row.category in categories.between_companies():
        raise invalid("priced_by", "what is sold by quotation has the price of its offer")
    if row.unit in MEASURES:
        raise invalid("unit", f"goods sold by the {row.unit} have no pieces to weigh")
    price_fen = amount_fen(row.kg_price_fen or 0, row.piece_weight_kg or Decimal(0))
    if values.get("price_fen") not in (None, price_fen):
        raise invalid("price", f"is reckoned from price_per_kg and piece_weight_kg: {fen_text(price_fen)}")
    if not 1 <= price_fen <= PRICE_MOST:
        raise invalid(
            "price_per_kg", f"makes a piece cost {fen_text(price_fen)}: must be 0.01 to {fen_text(PRICE_MOST)}"
        )
    row.price_fen, row.net_weight_kg = price_fen, row.piece_weight_kg


def is_priced(facts: Mapping[str, Any]) -> bool:
    """Whether the copy of a listing is one of catch weight."""
    return facts.get("priced_by") == "kg"


def at_weight(facts: Mapping[str, Any], units: Sequence[str], weight_kg: Decimal) -> dict[str, Any]:
    """The copy of a listing for a line that weighs so much: its statutory quantities in kilograms are the real ones.

    `units` are the statutory units of its code; a kilogram there is the net weight (see `compliance`).
    """
    names = ("unit1_quantity", "unit2_quantity")
    whole = {name: str(weight_kg) for name, unit in zip(names, units, strict=False) if unit == KILOGRAM}
    return {**facts, "whole_statutory": whole}


def statutory(facts: Mapping[str, Any], name: str, quantity: Decimal) -> Decimal | None:
    """A statutory quantity of a whole line: the real one where it was weighed, else that of a unit times `quantity`."""
    weighed = facts.get("whole_statutory", {}).get(name)
    if weighed is not None:
        return Decimal(weighed)
    per_unit = facts["statutory"].get(name)
    return None if per_unit is None else Decimal(per_unit) * quantity


def amount_fen(kg_price_fen: int, weight_kg: Decimal) -> int:
    """What a weight costs, rounded half-up once."""
    return round_to_fen(Decimal(kg_price_fen) * weight_kg / 100)


def bounds(piece_weight_kg: Decimal, tolerance: int, pieces: Decimal) -> tuple[Decimal, Decimal]:
    """The least and the most that so many pieces may weigh together."""
    nominal = piece_weight_kg * pieces
    return nominal * (100 - tolerance) / 100, nominal * (100 + tolerance) / 100


def told(facts: Mapping[str, Any], pieces: Decimal) -> dict[str, Any] | None:
    """What a quote and an order say of a line's weight, from the copy of the listing; None if priced by the unit."""
    if facts.get("priced_by") != "kg":
        return None
    piece, tolerance = Decimal(str(facts["piece_weight_kg"])), int(facts["weight_tolerance"])
    least, most = bounds(piece, tolerance, pieces)
    return {
        "price_per_kg": fen_text(int(facts["kg_price_fen"])),
        "nominal_weight_kg": plain(piece * pieces),
        "tolerance_percent": tolerance,
        "least_weight_kg": plain(least),
        "most_weight_kg": plain(most),
    }


def of_a_piece(row: Listing) -> dict[str, Any] | None:
    """What a listing's page says of the weight of one piece."""
    return told({name: getattr(row, name) for name in ("priced_by", *FIELDS)}, Decimal(1))


def dump(row: Listing) -> dict[str, Any]:
    """A listing's own fields, as a client wrote them."""
    return {
        "priced_by": row.priced_by or "unit",
        "price_per_kg": None if row.kg_price_fen is None else fen_text(row.kg_price_fen),
        "piece_weight_kg": None if row.piece_weight_kg is None else plain(row.piece_weight_kg),
        "weight_tolerance": row.weight_tolerance,
        "least_life": least_life(row),
    }


def least_life(row: Listing) -> dict[str, int] | None:
    """How much life must be left of the goods when they are delivered: {days} or {percent}, or nothing said."""
    if row.least_life_percent is not None:
        return {"percent": row.least_life_percent}
    return None if row.least_life_days is None else {"days": row.least_life_days}
