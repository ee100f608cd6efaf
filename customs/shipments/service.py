"""What the desk does with a crossing: announce it, tell its arrival, close it, look at it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select, update

from core import audit, clock
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, invalid
from customs import codes
from customs.models import Shipment, Warehouse
from customs.shipments import crossings, orders, tallies
from customs.zone_stock_models import ArrivalTally


def add(actor: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Announce a crossing for a direct purchase site: orders that are declared from now on go with it, those that wait
    for one too, and the one before is closed.

    Raises Problem `invalid_input` for another kind of warehouse or a country without a number.
    """
    codes.country_number(values["dispatch_country"])
    with transaction() as session:
        place = session.get(Warehouse, values["warehouse_id"], with_for_update={"key_share": True})
        if place is None or place.mode != crossings.DIRECT:
            raise invalid("warehouse_id", "must be a warehouse of mode 9610")
        session.execute(
            update(Shipment).where(Shipment.warehouse_id == place.id, Shipment.closed.is_(False)).values(closed=True)
        )
        row = Shipment(id=new_id(), closed=False, **values)
        session.add(row)
        session.flush()
        orders.take_waiting(session, row)
        audit.record(session, actor, "shipment_announced", "shipment", row.id, bill_no=row.bill_no)
        return dump(row)


def arrive(actor: str, shipment_id: uuid.UUID, day: date | None) -> dict[str, Any]:
    """The crossing has arrived: its parcels are tallied before customs inspects them.

    Raises Problem `not_found`, `invalid_input` for a day in the future.
    """
    when = day or clock.today()
    if when > clock.today():
        raise invalid("entry_day", "lies in the future")
    with transaction() as session:
        row = crossings.locked(session, shipment_id)
        row.entry_day = when
        tallies.open_tally(session, actor, row)
        audit.record(session, actor, "shipment_arrived", "shipment", row.id, day=when.isoformat())
    return detail(shipment_id)


def close(actor: str, shipment_id: uuid.UUID) -> dict[str, Any]:
    """No more orders go with it. Closed twice it stays closed. Raises Problem `not_found`."""
    with transaction() as session:
        row = crossings.locked(session, shipment_id)
        row.closed = True
        audit.record(session, actor, "shipment_closed", "shipment", row.id, bill_no=row.bill_no)
    return detail(shipment_id)


def listing(after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """Crossings, newest first."""
    query = select(Shipment).order_by(Shipment.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Shipment.id < after)
    return [dump(row) for row in db.session.scalars(query)]


def detail(shipment_id: uuid.UUID) -> dict[str, Any]:
    """A crossing with its orders and tallies. Raises Problem `not_found`."""
    row = db.session.get(Shipment, shipment_id)
    if row is None:
        raise Problem(NOT_FOUND, "no such crossing")
    query = select(ArrivalTally).where(ArrivalTally.shipment_id == row.id).order_by(ArrivalTally.id)
    told = [tallies.dump(tally) for tally in db.session.scalars(query)]
    return {**dump(row), "orders": orders.listing(db.session(), row.id), "tallies": told}


def dump(row: Shipment) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "warehouse_id": str(row.warehouse_id),
        "traf_mode": row.traf_mode,
        "traf_no": row.traf_no,
        "voyage_no": row.voyage_no,
        "bill_no": row.bill_no,
        "dispatch_country": row.dispatch_country,
        "entry_day": row.entry_day.isoformat() if row.entry_day else None,
        "closed": row.closed,
    }
