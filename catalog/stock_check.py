"""Whether the stock adds up: on hand is the sum of the movements, what is reserved is what orders hold."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalog.models import Lot, StockMovement
from core.money import plain

# Who knows what is held of lots: each answers {lot: quantity} for those of which it holds something.
_holders: list[Callable[[Session], dict[uuid.UUID, Decimal]]] = []


def ask_also(holder: Callable[[Session], dict[uuid.UUID, Decimal]]) -> None:
    """Count what `holder` knows to be held."""
    _holders.append(holder)


def check(session: Session) -> Iterator[str]:
    """Every lot that does not add up, in words. The caller sees to it that all is read at one instant."""
    moved = func.coalesce(func.sum(StockMovement.quantity), 0)
    weighed = func.coalesce(func.sum(StockMovement.weight_kg), 0)
    sums = (
        select(Lot.id, Lot.on_hand, moved, Lot.weight_kg, weighed)
        .outerjoin(StockMovement, StockMovement.lot_id == Lot.id)
        .group_by(Lot.id)
        .having(or_(Lot.on_hand != moved, func.coalesce(Lot.weight_kg, 0) != weighed))
        .order_by(Lot.id)
    )
    for lot_id, on_hand, quantity, weight, weights in session.execute(sums):
        if on_hand != quantity:
            yield f"lot {lot_id}: {plain(on_hand)} on hand, but its movements sum to {plain(quantity)}"
        known = weight or Decimal(0)
        if known != weights:
            yield f"lot {lot_id}: {plain(known)} kg on hand, but its movements sum to {plain(weights or Decimal(0))} kg"
    yield from _holds(session)


def _holds(session: Session) -> Iterator[str]:
    held: dict[uuid.UUID, Decimal] = {}
    for holder in _holders:
        for lot_id, quantity in holder(session).items():
            held[lot_id] = held.get(lot_id, Decimal(0)) + quantity
    rows = session.execute(select(Lot.id, Lot.reserved).where(Lot.reserved > 0))
    reserved = {lot_id: quantity for lot_id, quantity in rows}
    for lot_id in sorted(reserved.keys() | held.keys()):
        ours, theirs = reserved.get(lot_id, Decimal(0)), held.get(lot_id, Decimal(0))
        if ours != theirs:
            yield f"lot {lot_id}: {plain(ours)} reserved, but orders hold {plain(theirs)}"
