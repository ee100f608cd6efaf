"""Goods that come back into a zone: looked at, then sound ones into their lot and onto the book, damaged ones to be
destroyed.

Customs takes goods back that arrive in the zone within the days of the law after release (GACC 2020 No.45; rule A18:
the last day still counts); later ones are no bonded goods any more. What never left the zone is on the book at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import plain
from customs import edition
from customs.models import Declaration
from customs.zone_stock import book, exit_rows
from customs.zone_stock.floors import floors
from customs.zone_stock.lines import quantity_of
from customs.zone_stock_models import BookClaim, BookItem, ZoneReturn

RETURN_CHECKED = declare("zone_return_checked", 409, "These returned goods have been looked at")
LOT_WRONG = declare("zone_lot_wrong", 422, "The lot is not of these goods in this zone")


def expect(session: Session, declaration: Declaration, number: str, lines: Sequence[Sequence[Any]]) -> None:
    """Customs granted a return: its goods are awaited, or back at once when they never left. Nothing is told twice."""
    if declaration.released_on is None:
        return
    days = int(edition.tariff().parameter("return_arrive_days", declaration.released_on)["value"])
    kept = floors.orders.never_left(session, number)
    found = {}
    for position, _ in lines:
        line = declaration.snapshot["lines"][int(position) - 1]
        item = book.numbered(session, declaration.warehouse_id, line.get("item_record_no"))
        if item is not None and _drawn(session, declaration.id, item.id):
            found[position] = item
    book.lock(session, {item.id for item in found.values()})
    for position, text in lines:
        if position not in found:
            continue
        item, line = found[position], declaration.snapshot["lines"][int(position) - 1]
        back = quantity_of(item, line) * Decimal(text) / Decimal(line["quantity"])
        row = ZoneReturn(
            id=new_id(),
            number=number,
            line=int(position),
            order_number=str(declaration.order_number),
            declaration_id=declaration.id,
            item_id=item.id,
            merchant_id=item.merchant_id,
            quantity=back,
            back_by=declaration.released_on + timedelta(days=days),
            status="kept" if kept else "awaited",
            sound=back if kept else Decimal(0),
            damaged=Decimal(0),
            lot_id=floors.orders.lot_of(session, str(declaration.order_number), int(position)),
        )
        session.add(row)
        session.flush()
        if kept:
            book.add(session, {item.id: back}, "return", _reference(row))


def _drawn(session: Session, declaration_id: uuid.UUID, item_id: uuid.UUID) -> bool:
    """Only what was taken off the book can come back onto it."""
    claim = session.get(BookClaim, (declaration_id, item_id))
    return claim is not None and claim.state == "drawn"


def _reference(row: ZoneReturn) -> str:
    return f"{row.number}/{row.line}"


def check(actor: str, return_id: uuid.UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what was found of returned goods: `arrived_on`, `sound`, `damaged`, `lot_id`, `remark`.

    Too late: nothing comes onto the book, the answer's status is `late`. Raises Problem `not_found`,
    `zone_return_checked`, `invalid_input`, `zone_lot_wrong`.
    """
    arrived_on: date = values.get("arrived_on") or clock.today()
    sound, damaged = values["sound"], values["damaged"]
    if arrived_on > clock.today():
        raise invalid("arrived_on", "lies in the future")
    with transaction() as session:
        row = _locked(session, return_id)
        if row.status != "awaited":
            raise Problem(RETURN_CHECKED, f"it is {row.status}")
        released_on = session.get_one(Declaration, row.declaration_id).released_on
        if released_on is not None and arrived_on < released_on:
            raise invalid("arrived_on", f"lies before the release on {released_on}")
        if not 0 < sound + damaged <= row.quantity:
            raise invalid("sound", f"sound and damaged together must be above 0 and at most {plain(row.quantity)}")
        row.arrived_on, row.remark = arrived_on, values.get("remark")
        if arrived_on > row.back_by:
            row.status = "late"
        else:
            _restock(session, row, sound, damaged, values.get("lot_id"))
        audit.record(session, actor, "zone_return_checked", "zone_return", row.id, status=row.status,
                     sound=plain(row.sound), damaged=plain(row.damaged))  # fmt: skip
        session.flush()
        return dump(session, row)


def _restock(session: Session, row: ZoneReturn, sound: Decimal, damaged: Decimal, lot_id: uuid.UUID | None) -> None:
    row.status, row.sound, row.damaged = "checked", sound, damaged
    row.lot_id = lot_id or row.lot_id
    if row.lot_id is None:
        raise invalid("lot_id", "is required: it is not known which lot the goods came from")
    item = book.lock(session, {row.item_id})[row.item_id]
    lot = floors.stock.find(session, row.lot_id, item.merchant_id)
    if (lot.warehouse_id, lot.record_no) != (item.warehouse_id, item.record_no):
        raise Problem(LOT_WRONG, f"lot_id: the goods are item {item.record_no}", errors={"lot_id": ["is another's"]})
    for field, quantity in (("sound", sound), ("damaged", damaged)):
        if lot.goods.whole and quantity != quantity.to_integral_value():
            raise invalid(field, f"must be whole: the goods are counted by the {lot.goods.unit}")
    if sound > 0:
        book.add(session, {item.id: sound}, "return", _reference(row))
        floors.stock.put_back(session, row.lot_id, sound, f"return {_reference(row)}")
    if damaged > 0:
        book.add(session, {item.id: damaged}, "return", f"{_reference(row)}/damaged", keep=True)
        exit_rows.open_destruction(session, item, row.lot_id, damaged, row.remark or row.number, row.id)


def _locked(session: Session, return_id: uuid.UUID) -> ZoneReturn:
    query = select(ZoneReturn).where(ZoneReturn.id == return_id).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such return")
    return row


def listing(owner: uuid.UUID | None, status: str | None, after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """Returned goods, newest first; a merchant's own."""
    query = select(ZoneReturn).order_by(ZoneReturn.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(ZoneReturn.merchant_id == owner)
    if status is not None:
        query = query.where(ZoneReturn.status == status)
    if after is not None:
        query = query.where(ZoneReturn.id < after)
    return [dump(db.session(), row) for row in db.session.scalars(query)]


def dump(session: Session, row: ZoneReturn) -> dict[str, Any]:
    item = session.get_one(BookItem, row.item_id)
    return {
        "id": str(row.id),
        "number": row.number,
        "line": row.line,
        "order": row.order_number,
        "item_record_no": item.record_no,
        "name": item.name,
        "unit": item.unit,
        "quantity": plain(row.quantity),
        "back_by": row.back_by.isoformat(),
        "status": row.status,
        "arrived_on": row.arrived_on.isoformat() if row.arrived_on else None,
        "sound": plain(row.sound),
        "damaged": plain(row.damaged),
        "lot_id": str(row.lot_id) if row.lot_id else None,
        "remark": row.remark,
    }
