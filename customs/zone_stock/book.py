"""The account book: a balance for each item, changed by one conditional UPDATE and explained by an append-only entry.

A balance never goes below zero and never below what filed lists have claimed (`ck_account_book_item_...`), however many
ask at once. Items are changed in the order of their ids.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from itertools import count

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core import clock
from core.errors import Problem, declare, invalid
from core.money import plain
from customs.models import Warehouse
from customs.zone_stock import telling
from customs.zone_stock.floors import Goods, floors
from customs.zone_stock_models import BookEntry, BookItem

SHORT = declare("account_book_short", 409, "The account book holds less than that")
DIFFERS = declare("account_book_differs", 409, "The account book names other goods under this number")

_MOST = Decimal(10**14)  # what the column holds
_SERIAL_MOST = 9  # digits of a serial number of an account book


def item_of(session: Session, place: Warehouse, goods: Goods, record_no: str | None) -> BookItem:
    """The item of these goods, opened under `record_no` or the book's next serial number.

    The caller has locked the warehouse. Raises Problem `account_book_differs` when the book names other goods, or these
    goods under another number.
    """
    found = session.scalars(
        select(BookItem).where(BookItem.warehouse_id == place.id, BookItem.goods_id == goods.goods_id)
    ).first()
    if found is not None:
        if record_no not in (None, found.record_no):
            raise Problem(DIFFERS, f"the book has these goods under {found.record_no}")
        if (found.hs, found.origin, found.unit) != (goods.hs, goods.origin, goods.unit):
            raise Problem(DIFFERS, f"{found.record_no} is {found.hs} of {found.origin} by the {found.unit}")
        return found
    number = record_no or _next_serial(session, place.id)
    if numbered(session, place.id, number) is not None:
        raise Problem(DIFFERS, f"{number} is an item of other goods")
    item = BookItem(
        warehouse_id=place.id,
        record_no=number,
        goods_id=goods.goods_id,
        merchant_id=goods.merchant_id,
        hs=goods.hs,
        origin=goods.origin,
        name=goods.name[:250],
        unit=goods.unit,
        on_book=Decimal(0),
        reserved=Decimal(0),
    )
    session.add(item)
    session.flush()
    return item


def _next_serial(session: Session, warehouse_id: uuid.UUID) -> str:
    """The serial number after the book's last; not one under which goods lie there without an entry."""
    numbers = session.scalars(select(BookItem.record_no).where(BookItem.warehouse_id == warehouse_id))
    serials = [int(number) for number in numbers if number.isdecimal() and len(number) <= _SERIAL_MOST]
    loose = {number for place, number in floors.stock.on_hand(session) if place == warehouse_id}
    return next(number for number in map(str, count(max(serials, default=0) + 1)) if number not in loose)


def numbered(session: Session, warehouse_id: uuid.UUID, record_no: str | None) -> BookItem | None:
    """The item of the book of a warehouse under a number."""
    query = select(BookItem).where(BookItem.warehouse_id == warehouse_id, BookItem.record_no == record_no)
    return session.scalars(query).first()


def keeps(session: Session, warehouse_id: uuid.UUID | None, record_no: str | None) -> bool:
    """Whether the book of a warehouse has this item: then its stock changes by entries and exits only."""
    return balance(session, warehouse_id, record_no) is not None


def balance(session: Session, warehouse_id: uuid.UUID | None, record_no: str | None) -> Decimal | None:
    """What the book of a warehouse has of an item; None when it does not know it."""
    if warehouse_id is None or record_no is None:
        return None
    item = numbered(session, warehouse_id, record_no)
    return None if item is None else item.on_book


def lock(session: Session, item_ids: set[uuid.UUID]) -> dict[uuid.UUID, BookItem]:
    """The items behind their locks, in id order."""
    query = select(BookItem).where(BookItem.id.in_(item_ids)).order_by(BookItem.id).with_for_update(key_share=True)
    return {item.id: item for item in session.scalars(query.execution_options(populate_existing=True))}


def add(
    session: Session, wanted: Mapping[uuid.UUID, Decimal], kind: str, reference: str, *, keep: bool = False
) -> None:
    """Bring quantities onto the book; with `keep` they are claimed at once (goods that wait to be destroyed)."""
    for item_id, quantity in sorted(wanted.items()):
        more = {"on_book": BookItem.on_book + quantity}
        if keep:
            more["reserved"] = BookItem.reserved + quantity
        room = update(BookItem).where(BookItem.id == item_id, BookItem.on_book + quantity < _MOST)
        if not _changed(session, room.values(**more)):
            raise invalid("quantity", "is more than an account book can hold")
        _explain(session, item_id, kind, quantity, reference)


def reserve(session: Session, wanted: Mapping[uuid.UUID, Decimal]) -> None:
    """Claim quantities, so that nobody else uses them. Raises Problem `account_book_short`; all of it or nothing."""
    for item_id, quantity in sorted(wanted.items()):
        free = update(BookItem).where(BookItem.id == item_id, BookItem.on_book - BookItem.reserved >= quantity)
        if not _changed(session, free.values(reserved=BookItem.reserved + quantity)):
            raise _short(session, item_id, quantity)


def release(session: Session, claimed: Mapping[uuid.UUID, Decimal]) -> None:
    """Give claims back unused."""
    for item_id, quantity in sorted(claimed.items()):
        own = update(BookItem).where(BookItem.id == item_id, BookItem.reserved >= quantity)
        if not _changed(session, own.values(reserved=BookItem.reserved - quantity)):
            raise RuntimeError("refused to free more of the account book than is claimed")


def draw(session: Session, item_id: uuid.UUID, quantity: Decimal, kind: str, reference: str, *, claimed: bool) -> bool:
    """Take a quantity off the book, of what was claimed or of what is free; False when there is not so much."""
    statement = update(BookItem).where(BookItem.id == item_id)
    left = {"on_book": BookItem.on_book - quantity}
    if claimed:
        statement = statement.where(BookItem.reserved >= quantity)
        left["reserved"] = BookItem.reserved - quantity
    else:
        statement = statement.where(BookItem.on_book - BookItem.reserved >= quantity)
    if not _changed(session, statement.values(**left)):
        return False
    _explain(session, item_id, kind, -quantity, reference)
    return True


def _changed(session: Session, statement: object) -> bool:
    change = statement.execution_options(synchronize_session=False)  # type: ignore[attr-defined]
    return session.execute(change.returning(BookItem.id)).first() is not None


def _explain(session: Session, item_id: uuid.UUID, kind: str, quantity: Decimal, reference: str) -> None:
    facts = {"item_id": item_id, "at": clock.now(), "kind": kind, "quantity": quantity, "reference": reference}
    entry_id = session.execute(insert(BookEntry).values(facts).returning(BookEntry.id)).scalar_one()
    telling.changed(session, entry_id, item_id, kind)


def _short(session: Session, item_id: uuid.UUID, quantity: Decimal) -> Problem:
    item = session.get_one(BookItem, item_id, populate_existing=True)
    left = plain(item.on_book - item.reserved)
    said = f"item {item.record_no}: {left} {item.unit} free, {plain(quantity)} needed"
    return Problem(SHORT, said, available={item.record_no: left})
