"""Which crossing a declaration of a direct purchase names; nothing here files anything."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NOT_FOUND, Problem
from customs.models import Shipment, Warehouse
from customs.zone_stock_models import ShipmentOrder

DIRECT = "9610"


def board(session: Session, declaration_id: uuid.UUID, place: Warehouse) -> None:
    """A new declaration goes with the open crossing of its site, if there is one."""
    if place.mode != DIRECT:
        return
    query = select(Shipment.id).where(Shipment.warehouse_id == place.id, Shipment.closed.is_(False))
    shipment_id = session.scalars(query.order_by(Shipment.id.desc()).limit(1)).first()
    if shipment_id is not None:
        session.add(ShipmentOrder(declaration_id=declaration_id, shipment_id=shipment_id))


def crossing_of(session: Session, declaration_id: uuid.UUID) -> Shipment | None:
    """The crossing that carries a declaration's goods."""
    query = select(Shipment).join(ShipmentOrder, ShipmentOrder.shipment_id == Shipment.id)
    return session.scalars(query.where(ShipmentOrder.declaration_id == declaration_id)).first()


def locked(session: Session, shipment_id: uuid.UUID) -> Shipment:
    """A crossing behind its lock. Raises Problem `not_found`."""
    query = select(Shipment).where(Shipment.id == shipment_id).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such crossing")
    return row
