"""Goods into a zone over the first line: entry record list, account-book check list, release form, arrival.

The check list opens the items of the account book and gives the lines their record numbers; the balance and the lots
come with the arrival, by what the zone counted. Admission is asked on the day of the entry record list.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import new_id, transaction
from core.errors import NOT_FOUND, Problem, invalid
from core.money import plain
from customs import codes
from customs.models import Warehouse
from customs.reports import access
from customs.zone_stock import book, entry_views, moves
from customs.zone_stock.floors import Batch, Goods, floors
from customs.zone_stock.moves import Told
from customs.zone_stock_models import BookItem, ZoneEntry, ZoneEntryLine

BONDED = "1210"


def create(
    actor: str, merchant_id: uuid.UUID, values: Mapping[str, Any], *, entry_id: uuid.UUID | None = None
) -> dict[str, Any]:
    """Draft an entry of a merchant's goods.

    `values`: `warehouse_id`, `traf_mode`, `traf_no`, `bill_no`, `dispatch_country`, `lines` of {listing_id, quantity,
    value (fen), currency, batch_no, produced_on, expires_on, item_record_no, statutory}. Raises Problem `invalid_input`
    with the field as `lines.0.quantity`, or `not_found` for goods of another merchant.
    """
    codes.country_number(values["dispatch_country"])
    with transaction() as session:
        place = zone_of(session, values["warehouse_id"])
        entry = open_entry(session, place, merchant_id, values, entry_id=entry_id)
        for at, line in enumerate(values["lines"]):
            goods = floors.stock.goods(session, line["listing_id"], merchant_id)
            session.add(_line(entry, at, goods, line))
        audit.record(session, actor, "zone_entry_drafted", "zone_entry", entry.id, number=entry.number)
        session.flush()
        return entry_views.detail(session, entry)


def zone_of(session: Session, warehouse_id: uuid.UUID, field: str = "warehouse_id") -> Warehouse:
    """A bonded warehouse. Raises Problem `invalid_input`."""
    place = session.get(Warehouse, warehouse_id)
    if place is None or place.mode != BONDED:
        raise invalid(field, "must be a warehouse of mode 1210")
    return place


def open_entry(
    session: Session,
    place: Warehouse,
    merchant_id: uuid.UUID,
    values: Mapping[str, Any],
    *,
    entry_id: uuid.UUID | None = None,
    status: str = "draft",
    from_exit_id: uuid.UUID | None = None,
) -> ZoneEntry:
    """The head of an entry. Raises Problem `invalid_input` for a merchant that is not there."""
    name = access.merchant_name(merchant_id)
    if name is None:
        raise invalid("merchant_id", "there is no such merchant")
    identity = entry_id or new_id()
    entry = ZoneEntry(
        id=identity,
        number=f"E{identity.hex[:8].upper()}{identity.hex[-11:].upper()}",
        warehouse_id=place.id,
        merchant_id=merchant_id,
        merchant_name=name,
        ems_no=place.ems_no,
        office=place.customs_code,
        status=status,
        from_exit_id=from_exit_id,
        **{name: values[name] for name in ("traf_mode", "traf_no", "bill_no", "dispatch_country")},
    )
    session.add(entry)
    session.flush()
    return entry


def _line(entry: ZoneEntry, at: int, goods: Goods, line: Mapping[str, Any]) -> ZoneEntryLine:
    quantity: Decimal = line["quantity"]
    if goods.whole and quantity != quantity.to_integral_value():
        raise invalid(f"lines.{at}.quantity", f"must be whole: the goods are counted by the {goods.unit}")
    _check_dates(at, goods, line)
    return ZoneEntryLine(
        entry_id=entry.id,
        position=at + 1,
        goods_id=goods.goods_id,
        hs=goods.hs,
        origin=goods.origin,
        name=goods.name[:250],
        unit=goods.unit,
        quantity=quantity,
        statutory=_statutory(at, goods, quantity, line.get("statutory") or {}),
        value_fen=line["value"],
        currency=line.get("currency") or "CNY",
        batch_no=line["batch_no"],
        produced_on=line.get("produced_on"),
        expires_on=line.get("expires_on"),
        record_no=line.get("item_record_no"),
    )


def _check_dates(at: int, goods: Goods, line: Mapping[str, Any]) -> None:
    produced_on, expires_on = line.get("produced_on"), line.get("expires_on")
    if produced_on is not None and produced_on > clock.today():
        raise invalid(f"lines.{at}.produced_on", "must not be in the future")
    if expires_on is None and goods.dated:
        raise invalid(f"lines.{at}.expires_on", "is required for food")
    if expires_on is not None and expires_on <= clock.today():
        raise invalid(f"lines.{at}.expires_on", "must be after today")
    if produced_on is not None and expires_on is not None and produced_on >= expires_on:
        raise invalid(f"lines.{at}.expires_on", "must be after produced_on")


def _statutory(at: int, goods: Goods, quantity: Decimal, given: Mapping[str, Any]) -> list[str]:
    """The line's quantities in the statutory units of the code: as weighed, else as the goods say of one unit."""
    own = [each * quantity for each in goods.statutory]
    found = []
    for number, name in enumerate(("unit1_quantity", "unit2_quantity")):
        told = given.get(name)
        if told is not None and number >= len(own):
            raise invalid(f"lines.{at}.statutory.{name}", "the code has no such statutory unit")
        if number < len(own):
            found.append(plain(Decimal(told) if told is not None else own[number]))
    return found


def take(
    actor: str,
    role: str,
    entry_id: uuid.UUID,
    step: str,
    told: Told,
    *,
    owner: uuid.UUID | None = None,
    arrived: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Take a step of an entry. `arrived` is what the zone counted, {line, quantity}; a line not named came whole.

    Raises Problem `not_found`, `zone_step_refused`, `forbidden`, `invalid_input`, and of the check the rule of the law
    that refuses the goods or `account_book_differs`.
    """
    with transaction() as session:
        entry = _locked(session, entry_id, owner)
        move = moves.allowed("entry", entry.status, step, role)
        if step == "cancel" and entry.from_exit_id is not None:
            raise Problem(moves.STEP_REFUSED, "the goods have left another zone: they must come in here")
        day = moves.write(session, entry.id, step, move, told, actor)
        lines = lines_of(session, entry.id)
        if step == "record":
            for at, line in enumerate(lines):
                _admit(session, at, line, day)
        elif step == "check":
            _open_items(session, entry, lines)
        elif step == "arrive":
            _arrive(session, entry, lines, arrived)
        entry.status = move.target
        audit.record(session, actor, f"zone_entry_{move.target}", "zone_entry", entry.id, number=told.number)
        session.flush()
        return entry_views.detail(session, entry)


def _locked(session: Session, entry_id: uuid.UUID, owner: uuid.UUID | None) -> ZoneEntry:
    query = select(ZoneEntry).where(ZoneEntry.id == entry_id).with_for_update()
    entry = session.scalars(query.execution_options(populate_existing=True)).first()
    if entry is None or owner not in (None, entry.merchant_id):
        raise Problem(NOT_FOUND, "no such entry")
    return entry


def lines_of(session: Session, entry_id: uuid.UUID) -> list[ZoneEntryLine]:
    query = select(ZoneEntryLine).where(ZoneEntryLine.entry_id == entry_id).order_by(ZoneEntryLine.position)
    return list(session.scalars(query))


def _admit(session: Session, at: int, line: ZoneEntryLine, day: date) -> None:
    """The goods as they were declared may be imported bonded on that day."""
    goods = floors.stock.goods(session, line.goods_id, None)
    if (goods.hs, goods.origin, goods.unit) != (line.hs, line.origin, line.unit):
        raise Problem(book.DIFFERS, f"line {line.position}: the goods are {goods.hs} of {goods.origin} now")
    try:
        floors.stock.admit(session, line.goods_id, day)
    except Problem as refused:
        errors = {f"lines.{at}.{field}": rules for field, rules in refused.errors.items()} if refused.errors else None
        raise Problem(refused.code, f"line {line.position}: {refused.detail}", errors=errors) from None


def _open_items(session: Session, entry: ZoneEntry, lines: Sequence[ZoneEntryLine]) -> None:
    """Every line gets its item of the account book; the warehouse's lock keeps serial numbers apart.

    A batch that could not join the lot of its name on arrival is refused here, before customs releases it.
    """
    place = session.get_one(Warehouse, entry.warehouse_id, with_for_update={"key_share": True})
    days: dict[tuple[uuid.UUID, str], date | None] = {}
    for at, line in enumerate(lines):
        goods = floors.stock.goods(session, line.goods_id, None)
        line.record_no = book.item_of(session, place, goods, line.record_no).record_no
        clash = floors.stock.clash(session, _batch(entry, line, line.record_no))
        if clash is None and days.setdefault((line.goods_id, line.batch_no), line.expires_on) != line.expires_on:
            clash = f"{line.batch_no} is in this entry with another day"
        if clash is not None:
            raise invalid(f"lines.{at}.batch_no", clash)


def _arrive(
    session: Session, entry: ZoneEntry, lines: Sequence[ZoneEntryLine], arrived: Sequence[Mapping[str, Any]]
) -> None:
    """What was counted comes onto the book and into lots. Less than declared may come, never more."""
    counted = _counted(lines, arrived)
    items = {line.position: _item(session, entry, line) for line in lines}
    book.lock(session, {item.id for item in items.values()})
    wanted: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    came = []
    for line in lines:
        line.arrived = counted[line.position]
        if line.arrived > 0:
            wanted[items[line.position].id] += line.arrived
            came.append(line)
    book.add(session, wanted, "entry", entry.number)
    batches = [_batch(entry, line, items[line.position].record_no) for line in came]
    for line, lot_id in zip(came, floors.stock.receive(session, batches), strict=True):
        line.lot_id = lot_id


def _item(session: Session, entry: ZoneEntry, line: ZoneEntryLine) -> BookItem:
    """The item that the check list gave a line; another code or origin of the listing since changes nothing."""
    item = book.numbered(session, entry.warehouse_id, line.record_no)
    if item is None:
        raise RuntimeError("a checked line has no item of the account book")
    goods = floors.stock.goods(session, line.goods_id, None)
    if goods.unit != item.unit:
        raise Problem(book.DIFFERS, f"line {line.position}: counted by the {item.unit}, the goods by the {goods.unit}")
    return item


def _counted(lines: Sequence[ZoneEntryLine], arrived: Sequence[Mapping[str, Any]]) -> dict[int, Decimal]:
    counted = {line.position: line.quantity for line in lines}
    named: set[int] = set()
    for at, told in enumerate(arrived):
        if told["line"] not in counted or told["line"] in named:
            raise invalid(f"arrived.{at}.line", "must be a line of the entry, named once")
        if told["quantity"] > counted[told["line"]]:
            raise invalid(f"arrived.{at}.quantity", f"at most {plain(counted[told['line']])} were declared")
        named.add(told["line"])
        counted[told["line"]] = told["quantity"]
    return counted


def _batch(entry: ZoneEntry, line: ZoneEntryLine, record_no: str) -> Batch:
    return Batch(
        goods_id=line.goods_id,
        warehouse_id=entry.warehouse_id,
        record_no=record_no,
        batch_no=line.batch_no,
        produced_on=line.produced_on,
        expires_on=line.expires_on,
        quantity=line.arrived or Decimal(0),
        reference=f"entry {entry.number}/{line.position}",
    )
