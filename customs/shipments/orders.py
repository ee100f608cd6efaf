"""Which crossing carries which order: fixed when the declaration is opened, since the waybill and the list name it.

An order without a crossing waits as a failed filing; the next crossing of its site takes it along and files it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit
from core.database import db, end_read, transaction
from core.errors import Problem, declare, invalid
from core.jobs import defer, task
from customs import filing
from customs.declarations import UNSENT
from customs.models import Declaration, Shipment, WindowDocument
from customs.shipments import crossings
from customs.zone_stock_models import ShipmentOrder

FIXED = declare("shipment_fixed", 409, "Papers of the order name another crossing already")
CLOSED = declare("shipment_closed", 409, "The crossing is closed")

_MOST = 1000


def take_waiting(session: Session, shipment: Shipment) -> None:
    """The orders of the site that wait for a crossing go with this one, and those that failed are filed again."""
    assigned = exists(select(ShipmentOrder.declaration_id).where(ShipmentOrder.declaration_id == Declaration.id))
    waiting = (
        select(Declaration.id)
        .where(Declaration.warehouse_id == shipment.warehouse_id, Declaration.kind == "retail")
        .where(Declaration.status.in_(UNSENT), ~assigned)
        .order_by(Declaration.id)
    )
    found = session.scalars(waiting).all()
    for start in range(0, len(found), _MOST):
        some = found[start : start + _MOST]
        rows = [{"declaration_id": each, "shipment_id": shipment.id} for each in some]
        session.execute(insert(ShipmentOrder).on_conflict_do_nothing(), rows)
        defer(session, "customs.file_waiting", declaration_ids=[str(each) for each in some])


@task("customs.file_waiting")
def file_waiting(declaration_ids: list[str]) -> None:
    """File orders that failed for want of a crossing and have one now. Run again it finds none."""
    query = select(Declaration.id).where(Declaration.id.in_([uuid.UUID(each) for each in declaration_ids]))
    found = db.session.scalars(query.where(Declaration.status == "failed").order_by(Declaration.id)).all()
    end_read()
    for declaration_id in found:
        try:
            filing.file_again(declaration_id, "shipment")
        except Problem:
            continue  # cancelled since, or filed by somebody


def assign(actor: str, shipment_id: uuid.UUID, numbers: Sequence[str]) -> None:
    """Let these orders, whose filing failed, go with a crossing and be filed again; all of them or none.

    Raises Problem `not_found`, `shipment_closed`, `invalid_input` for an order of another site, `shipment_fixed` when
    its waybill has been built or its filing is under way.
    """
    with transaction() as session:
        shipment = crossings.locked(session, shipment_id)
        if shipment.closed:
            raise Problem(CLOSED)
        moved: list[str] = []
        for at, number in sorted(enumerate(numbers), key=lambda pair: pair[1]):  # locked in one order
            declaration = session.scalars(_of_order(number)).first()
            if declaration is None or declaration.warehouse_id != shipment.warehouse_id:
                raise invalid(f"orders.{at}", "is no declared order of that site")
            if _carried_by(session, declaration.id) == shipment.id:
                continue
            if declaration.status != "failed" or _is_built(session, declaration.id):
                raise Problem(FIXED, f"{number}: its waybill is made, or being made")
            _put(session, declaration.id, shipment.id)
            moved.append(str(declaration.id))
        defer(session, "customs.file_waiting", declaration_ids=moved)
        audit.record(session, actor, "orders_assigned", "shipment", shipment.id, orders=list(numbers))


def _of_order(number: str) -> Select[Declaration]:
    query = select(Declaration).where(Declaration.order_number == number, Declaration.kind == "retail")
    return query.with_for_update().execution_options(populate_existing=True)


def _is_built(session: Session, declaration_id: uuid.UUID) -> bool:
    query = select(WindowDocument.id).where(
        WindowDocument.declaration_id == declaration_id, WindowDocument.kind == "511", WindowDocument.xml.is_not(None)
    )
    return session.scalar(query) is not None


def _carried_by(session: Session, declaration_id: uuid.UUID) -> uuid.UUID | None:
    return session.scalar(select(ShipmentOrder.shipment_id).where(ShipmentOrder.declaration_id == declaration_id))


def _put(session: Session, declaration_id: uuid.UUID, shipment_id: uuid.UUID) -> None:
    row = {"declaration_id": declaration_id, "shipment_id": shipment_id}
    again = {"shipment_id": shipment_id}
    session.execute(
        insert(ShipmentOrder).values(row).on_conflict_do_update(index_elements=["declaration_id"], set_=again)
    )


def listing(session: Session, shipment_id: uuid.UUID) -> list[dict[str, object]]:
    """The orders of a crossing with where their declarations stand."""
    query = (
        select(Declaration.order_number, Declaration.status, Declaration.id, ShipmentOrder.tallied)
        .join(ShipmentOrder, ShipmentOrder.declaration_id == Declaration.id)
        .where(ShipmentOrder.shipment_id == shipment_id)
        .order_by(Declaration.id)
        .limit(_MOST)
    )
    return [
        {"order": number, "declaration": str(declaration_id), "status": status, "tallied": tallied}
        for number, status, declaration_id, tallied in session.execute(query)
    ]
