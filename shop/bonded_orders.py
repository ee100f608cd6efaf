"""Orders of bonded goods, for the account book of customs: what `customs.zone_stock.floors.Orders` asks."""

from __future__ import annotations

import uuid
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from customs.zone_stock.floors import Place
from shop.models import Order, OrderAllocation, OrderLine, Return


class BondedOrders:
    """The shop's side of the account book."""

    def cleared(self, session: Session) -> dict[Place, Decimal]:
        query = (
            select(
                OrderAllocation.warehouse_id,
                OrderAllocation.item_record_no,
                func.sum(OrderAllocation.quantity - OrderAllocation.sent),
            )
            .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.status == "released", OrderAllocation.item_record_no.is_not(None))
            .group_by(OrderAllocation.warehouse_id, OrderAllocation.item_record_no)
        )
        return {(place, number): quantity for place, number, quantity in session.execute(query) if place and number}

    def lot_of(self, session: Session, order_number: str, line: int) -> uuid.UUID | None:
        query = (
            select(OrderAllocation.lot_id)
            .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.number == order_number, OrderLine.position == line)
        )
        return session.scalars(query.order_by(OrderAllocation.lot_id)).first()

    def never_left(self, session: Session, number: str) -> bool:
        return bool(session.scalar(select(Return.unsent).where(Return.number == number)))
