"""Parcels: an order of domestic stock may leave in several, each with a waybill number of its own.

Whoever sends holds the lock on the purchase. What has left is counted on the order's shares of its lots (`sent`), so
that what an order still holds is always the rest. A retail order was declared as one and leaves as one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from catalog.lots import Allocation
from catalog.receiving import divisible
from core import clock
from core.database import db, new_id
from core.errors import Problem, declare, invalid
from core.money import plain
from shop.models import Order, OrderAllocation, OrderLine, table, waybill_numbers
from shop.order_models import Parcel, ParcelLine

SHIPS_WHOLE = declare("ships_whole", 409, "This order is sent whole, in one parcel")

Quantities = dict[int, Decimal]  # by the line's position


def next_waybill(session: Session) -> str:
    """A number of the logistics enterprise's pool; the sequence never gives one twice, rolled back or not."""
    return f"LFW{session.scalar(waybill_numbers.next_value()):012d}"


def refuse_parts(order: Order, lines: Sequence[OrderLine]) -> None:
    """Raises Problem `ships_whole` for an order that cannot be sent, or fall short, in part."""
    if order.route != "general_trade":
        raise Problem(SHIPS_WHOLE, "it was declared, or agreed, as one: it is sent whole or cancelled whole")
    if any(line.facts.get("priced_by") == "kg" for line in lines):
        raise Problem(SHIPS_WHOLE, "goods priced by the kg are weighed and settled together")


def wanted(lines: Sequence[OrderLine], left: Quantities, asked: Sequence[Mapping[str, Any]]) -> Quantities:
    """The asked quantities, each line once and at most what is left. Raises Problem `invalid_input`."""
    units = {line.position: line.unit for line in lines}
    found: Quantities = {}
    for number, wish in enumerate(asked):
        place, quantity = wish["line"], wish["quantity"]
        if place not in units or place in found:
            raise invalid(f"lines.{number}.line", "must be a line of the order, named once")
        if not divisible(units[place]) and quantity != quantity.to_integral_value():
            raise invalid(f"lines.{number}.quantity", "must be a whole number")
        if quantity > left[place]:
            raise invalid(f"lines.{number}.quantity", f"at most {plain(left[place])} can still be sent")
        found[place] = quantity
    return found


def shares_of(session: Session, lines: Sequence[OrderLine]) -> dict[int, list[OrderAllocation]]:
    """Of each line the shares of lots that serve it, as they are behind the lock."""
    places = {line.id: line.position for line in lines}
    statement = select(OrderAllocation).where(OrderAllocation.line_id.in_(places)).order_by(OrderAllocation.lot_id)
    found: dict[int, list[OrderAllocation]] = {line.position: [] for line in lines}
    for share in session.scalars(statement.execution_options(populate_existing=True)):
        found[places[share.line_id]].append(share)
    return found


def left_of(shares: Mapping[int, Sequence[OrderAllocation]]) -> Quantities:
    """How much of each line has not left the warehouse."""
    return {place: sum((share.quantity - share.sent for share in rows), Decimal(0)) for place, rows in shares.items()}


def take(
    lines: Sequence[OrderLine], shares: Mapping[int, Sequence[OrderAllocation]], quantities: Quantities
) -> list[tuple[OrderAllocation, Allocation]]:
    """Which lots the quantities come from; the caller changes the shares."""
    listings = {line.position: line.listing_id for line in lines}
    found = []
    for place, quantity in sorted(quantities.items()):
        for share in shares[place]:
            part = min(quantity, share.quantity - share.sent)
            if part > 0:
                quantity -= part
                where = (share.warehouse_id, share.item_record_no, share.batch_no, share.weight_kg)
                found.append((share, Allocation(share.lot_id, listings[place], part, *where)))
    return found


def sent_before(session: Session, order_id: uuid.UUID, attempt: uuid.UUID) -> bool:
    """Whether an earlier run of this attempt has sent its parcel."""
    mine = (Parcel.order_id == order_id, Parcel.attempt_id == attempt)
    return session.scalar(select(Parcel.id).where(*mine)) is not None


def write(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    quantities: Quantities,
    actor: str,
    at: datetime,
    attempt: uuid.UUID,
) -> Parcel:
    """The next parcel of an order with what lies in it; the first bears the waybill number given at payment."""
    number = (session.scalar(select(func.max(Parcel.number)).where(Parcel.order_id == order.id)) or 0) + 1
    waybill = order.waybill_no if number == 1 and order.waybill_no else next_waybill(session)
    facts = {"attempt_id": attempt, "waybill_no": waybill, "at": clock.now(), "happened_at": at, "actor": actor}
    parcel = Parcel(id=new_id(), order_id=order.id, number=number, **facts)
    session.add(parcel)
    session.flush()
    ids = {line.position: line.id for line in lines}
    rows = [{"parcel_id": parcel.id, "line_id": ids[place], "quantity": each} for place, each in quantities.items()]
    if rows:
        session.execute(insert(table(ParcelLine)), rows)
    return parcel


def last_sent(session: Session, order_id: uuid.UUID) -> datetime | None:
    """When the last parcel of the order left, as it was told; None when none has."""
    return session.scalar(select(func.max(Parcel.happened_at)).where(Parcel.order_id == order_id))


def any_sent(session: Session, order_id: uuid.UUID) -> bool:
    """Whether a parcel of the order has left."""
    return session.scalar(select(Parcel.id).where(Parcel.order_id == order_id).limit(1)) is not None


def dump(order_id: uuid.UUID) -> list[dict[str, Any]]:
    """The parcels of an order, in the order sent. One statement."""
    statement = (
        select(Parcel, OrderLine.position, ParcelLine.quantity)
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .join(OrderLine, OrderLine.id == ParcelLine.line_id)
        .where(Parcel.order_id == order_id)
        .order_by(Parcel.number, OrderLine.position)
    )
    found: dict[int, dict[str, Any]] = {}
    for parcel, place, quantity in db.session.execute(statement):
        told = found.setdefault(
            parcel.number,
            {
                "number": parcel.number,
                "waybill_no": parcel.waybill_no,
                "at": clock.instant_text(parcel.at),
                "happened_at": clock.instant_text(parcel.happened_at),
                "lines": [],
            },
        )
        told["lines"].append({"line": place, "quantity": plain(quantity)})
    return list(found.values())
