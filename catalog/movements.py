"""Goods that come back or are done away with, and the list of all that happened to a lot."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from catalog import receiving
from catalog.models import RECALL, StockMovement
from catalog.receiving import STOCK_RESERVED, UNDER_BOOK, divisible
from core import audit, clock, paging
from core.database import db, transaction
from core.errors import Problem, declare, invalid
from core.money import plain
from customs.zone_stock import book

MOST = Decimal(10**14)  # what the column holds

MOVED_ALREADY = declare("moved_already", 409, "This reference has moved this lot already")


def write(actor: str, merchant_id: uuid.UUID, lot_id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    """Bring goods in again (`return`) or take them out for good (`destruction`, `recall`); answers with the lot.

    Raises Problem `not_found`, `invalid_input`, `stock_reserved` when orders hold what would go, `moved_already`,
    `under_account_book`.
    """
    kind: str = values["kind"]
    sign = 1 if kind == "return" else -1
    quantity: Decimal = values["quantity"]
    weight: Decimal | None = values.get("weight_kg")
    try:
        with transaction() as session:
            lot, listing = receiving.own_lot(session, merchant_id, lot_id)
            if book.keeps(session, lot.warehouse_id, lot.item_record_no):
                raise Problem(UNDER_BOOK, f"item {lot.item_record_no} leaves by an exit and comes back by its check")
            if not divisible(listing.unit) and quantity != quantity.to_integral_value():
                raise invalid("quantity", f"must be whole: the listing is sold by the {listing.unit}")
            if (weight is None) == (listing.priced_by == "kg"):
                raise invalid("weight_kg", "is given for goods priced by the kg, and only for them")
            if kind == RECALL and lot.block_kind != RECALL:
                raise invalid("kind", "the lot is not recalled")
            if sign < 0 and quantity > lot.on_hand - lot.reserved:
                raise Problem(STOCK_RESERVED, f"{plain(lot.on_hand - lot.reserved)} are free of orders")
            if lot.on_hand + sign * quantity >= MOST or (lot.weight_kg or 0) + sign * (weight or 0) >= MOST:
                raise invalid("quantity", "is more than a lot can hold")
            if sign < 0 and weight is not None and weight > (lot.weight_kg or 0):
                raise invalid("weight_kg", f"the lot weighs {plain(lot.weight_kg or Decimal(0))} kg: count it first")
            lot.on_hand += sign * quantity
            if weight is not None:
                lot.weight_kg = (lot.weight_kg or Decimal(0)) + sign * weight
            receiving.move(session, lot, kind, sign * quantity, values["reference"], weight and sign * weight)
            facts = {"kind": kind, "quantity": plain(quantity), "reference": values["reference"]}
            audit.record(session, actor, "stock_moved", "lot", lot.id, **facts)
            session.flush()
            receiving.show(session, listing)
            return receiving.dump(lot)
    except IntegrityError as fault:
        if "uq_stock_movement_" not in str(fault.orig):
            raise
        raise Problem(MOVED_ALREADY, errors={"reference": ["has moved this lot already"]}) from None


def page(merchant_id: uuid.UUID, lot_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """All that happened to an own lot, newest first. Raises Problem `not_found`."""
    receiving.own_one(merchant_id, lot_id)
    key = paging.decode(cursor, int)
    statement = select(StockMovement).where(StockMovement.lot_id == lot_id)
    if key:
        statement = statement.where(StockMovement.id < key[0])
    found = db.session.scalars(statement.order_by(StockMovement.id.desc()).limit(limit + 1)).all()
    rows, after = paging.page(found, limit, lambda row: paging.encode(row.id))
    return {"items": [_dump(row) for row in rows], "next": after}


def _dump(row: StockMovement) -> dict[str, Any]:
    return {
        "at": clock.instant_text(row.at),
        "kind": row.kind,
        "quantity": plain(row.quantity),
        "weight_kg": None if row.weight_kg is None else plain(row.weight_kg),
        "reference": row.reference,
    }
