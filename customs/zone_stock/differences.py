"""The account book against what lies in the zones: every item with its balance, and what does not agree.

What was released and has not left the warehouse is off the book and still there; damaged goods that wait to be
destroyed are on the book and in no lot. All else must agree to the last place.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core import clock
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from core.money import plain
from customs.models import Declaration, Warehouse
from customs.zone_stock.floors import Place, floors
from customs.zone_stock_models import BookClaim, BookEntry, BookItem, ZoneExit

_ZERO = Decimal(0)


def listing(owner: uuid.UUID | None, warehouse_id: uuid.UUID | None, after: uuid.UUID | None,
            limit: int) -> list[dict[str, Any]]:  # fmt: skip
    """Items of the account books, newest first; a merchant's own."""
    query = select(BookItem).order_by(BookItem.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(BookItem.merchant_id == owner)
    if warehouse_id is not None:
        query = query.where(BookItem.warehouse_id == warehouse_id)
    if after is not None:
        query = query.where(BookItem.id < after)
    places = _places(db.session())
    return [_item(item, places) for item in db.session.scalars(query)]


def _places(session: Session) -> dict[uuid.UUID, Warehouse]:
    return {place.id: place for place in session.scalars(select(Warehouse).where(Warehouse.mode == "1210"))}


def _item(item: BookItem, places: Mapping[uuid.UUID, Warehouse]) -> dict[str, Any]:
    place = places[item.warehouse_id]
    return {
        "id": str(item.id),
        "warehouse": {"id": str(place.id), "name": place.name},
        "ems_no": place.ems_no,
        "item_record_no": item.record_no,
        "listing_id": str(item.goods_id),
        "hs": item.hs,
        "origin": item.origin,
        "name": item.name,
        "unit": item.unit,
        "on_book": plain(item.on_book),
        "reserved": plain(item.reserved),
        "free": plain(item.on_book - item.reserved),
    }


def one(item_id: uuid.UUID, owner: uuid.UUID | None, limit: int) -> dict[str, Any]:
    """An item with its newest entries. Raises Problem `not_found`."""
    item = db.session.get(BookItem, item_id)
    if item is None or owner not in (None, item.merchant_id):
        raise Problem(NOT_FOUND, "no such item")
    query = select(BookEntry).where(BookEntry.item_id == item.id).order_by(BookEntry.id.desc()).limit(limit)
    rows = [
        {
            "at": clock.instant_text(row.at),
            "kind": row.kind,
            "quantity": plain(row.quantity),
            "reference": row.reference,
        }
        for row in db.session.scalars(query)
    ]
    return {**_item(item, _places(db.session())), "entries": rows}


def report(owner: uuid.UUID | None = None) -> list[dict[str, Any]]:
    """Everything that does not agree, read at one instant; empty when all is well."""
    with transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        return found_in(session, owner)


def found_in(session: Session, owner: uuid.UUID | None = None) -> list[dict[str, Any]]:
    """The same in a snapshot of the caller's."""
    places = _places(session)
    items = session.scalars(select(BookItem).order_by(BookItem.warehouse_id, BookItem.record_no)).all()
    own = [item for item in items if owner in (None, item.merchant_id)]
    found = [*_unequal(session, own, places), *_short(session, own, places)]
    return found if owner is not None else found + _unbooked(session, items, places)


def _unequal(
    session: Session, items: Sequence[BookItem], places: Mapping[uuid.UUID, Warehouse]
) -> list[dict[str, Any]]:
    on_hand, cleared = floors.stock.on_hand(session), floors.orders.cleared(session)
    queued = _queued(session)
    sums = {row.item_id: row.total for row in session.execute(
        select(BookEntry.item_id, func.sum(BookEntry.quantity).label("total")).group_by(BookEntry.item_id)
    )}  # fmt: skip
    found = []
    for item in items:
        place: Place = (item.warehouse_id, item.record_no)
        there = on_hand.get(place, _ZERO) + queued.get(item.id, _ZERO)
        expected = item.on_book + cleared.get(place, _ZERO)
        facts = {
            "physical": plain(there),
            "cleared": plain(cleared.get(place, _ZERO)),
            "difference": plain(there - expected),
        }
        if there != expected:
            found.append({**_item(item, places), "kind": "stock_differs", **facts})
        if sums.get(item.id, _ZERO) != item.on_book:
            found.append({**_item(item, places), "kind": "entries_differ", **facts})
    return found


def _queued(session: Session) -> dict[uuid.UUID, Decimal]:
    """Damaged goods that wait to be destroyed."""
    query = select(ZoneExit.item_id, func.sum(ZoneExit.quantity)).where(
        ZoneExit.return_id.is_not(None), ZoneExit.status.in_(("requested", "approved"))
    )
    return {item_id: quantity for item_id, quantity in session.execute(query.group_by(ZoneExit.item_id))}


def _short(session: Session, items: Sequence[BookItem], places: Mapping[uuid.UUID, Warehouse]) -> list[dict[str, Any]]:
    """Lists that customs released though the book had not enough."""
    known = {item.id: item for item in items}
    query = select(BookClaim.item_id, BookClaim.quantity, Declaration.number).join(
        Declaration, Declaration.id == BookClaim.declaration_id
    )
    rows = session.execute(query.where(BookClaim.state == "short").order_by(Declaration.number))
    return [
        {**_item(known[item_id], places), "kind": "list_short", "difference": f"-{plain(quantity)}", "list": number}
        for item_id, quantity, number in rows
        if item_id in known
    ]


def _unbooked(
    session: Session, items: Sequence[BookItem], places: Mapping[uuid.UUID, Warehouse]
) -> list[dict[str, Any]]:
    """Stock in a zone that no entry brought there."""
    known = {(item.warehouse_id, item.record_no) for item in items}
    return [
        {
            "kind": "not_on_book",
            "warehouse": {"id": str(place), "name": places[place].name},
            "ems_no": places[place].ems_no,
            "item_record_no": record_no,
            "physical": plain(quantity),
            "difference": plain(quantity),
        }
        for (place, record_no), quantity in sorted(floors.stock.on_hand(session).items(), key=str)
        if (place, record_no) not in known and place in places and quantity > 0
    ]
