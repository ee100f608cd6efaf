"""Delivery addresses of a person. An order copies the address it is placed on, so changing one changes no order."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.database import db, new_id, read, transaction
from core.errors import NOT_FOUND, Problem, declare
from core.prepared import Statement
from shop import cursors
from shop.models import Address

FIELDS = ("recipient", "phone", "province", "city", "district", "district_code", "street", "postcode")
ADDRESSES_MOST = 50

TOO_MANY_ADDRESSES = declare("too_many_addresses", 422, "An account keeps at most 50 addresses")


def dump(row: Any) -> dict[str, Any]:
    return {"id": str(row.id), **{field: getattr(row, field) for field in FIELDS}}


def canonical_text(address: dict[str, Any]) -> str:
    """The one address line used in order (311), waybill (511) and list (621); at most 200 characters by the fields.

    A municipality repeats its name as province and city; it is said once.
    """
    parts = [address["province"], address["city"], address["district"], address["street"]]
    if parts[1] == parts[0]:
        del parts[1]
    return " ".join("".join(parts).split())


def page_of(account_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the person's addresses, oldest first."""
    statement = select(Address).where(Address.account_id == account_id).order_by(Address.id).limit(limit + 1)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Address.id > seen)
    rows, following = cursors.page(db.session.scalars(statement).all(), limit)
    return {"items": [dump(row) for row in rows], "next": following}


def first_of(account_id: uuid.UUID) -> dict[str, Any] | None:
    """The address used when none is named: the oldest."""
    return told(read(*asking(account_id, None)), None)


def asking(account_id: uuid.UUID, address_id: uuid.UUID | None) -> Statement:
    """The statement that finds an own address, or the first one, to be asked together with others."""
    return (_FIRST if address_id is None else _NAMED), {"account": account_id, "address": address_id}


def told(rows: Sequence[Any], address_id: uuid.UUID | None) -> dict[str, Any] | None:
    """What was found. Raises Problem `not_found` when it was named and is not there."""
    if not rows and address_id is not None:
        raise Problem(NOT_FOUND, "no such address")
    return dump(rows[0]) if rows else None


_OWN = f"SELECT id, {', '.join(FIELDS)} FROM address WHERE account_id = %(account)s"  # noqa: S608 - our own names
_FIRST = f"{_OWN} ORDER BY id LIMIT 1"
_NAMED = f"{_OWN} AND id = %(address)s"


def find(session: Session, account_id: uuid.UUID, address_id: uuid.UUID) -> dict[str, Any]:
    """One own address. Raises Problem `not_found` for somebody else's."""
    row = session.scalars(select(Address).where(Address.id == address_id, Address.account_id == account_id)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such address")
    return dump(row)


def one_of(account_id: uuid.UUID, address_id: uuid.UUID) -> dict[str, Any]:
    """One own address, read outside of a transaction. Raises Problem `not_found`."""
    return find(db.session(), account_id, address_id)


def add(account_id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    """Keep a new address. Raises Problem `too_many_addresses`."""
    with transaction() as session:
        if session.scalars(select(func.count()).where(Address.account_id == account_id)).one() >= ADDRESSES_MOST:
            raise Problem(TOO_MANY_ADDRESSES)
        row = Address(id=new_id(), account_id=account_id, **values)
        session.add(row)
        session.flush()  # the defaults must stand in the answer
        return dump(row)


def change(account_id: uuid.UUID, address_id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    """Change the given fields of an own address. Raises Problem `not_found`."""
    with transaction() as session:
        if values:
            own = (Address.id == address_id, Address.account_id == account_id)
            session.execute(update(Address).where(*own).values(**values))
        return find(session, account_id, address_id)


def remove(account_id: uuid.UUID, address_id: uuid.UUID) -> None:
    """Forget an own address; orders keep their copy. Raises Problem `not_found`."""
    with transaction() as session:
        own = (Address.id == address_id, Address.account_id == account_id)
        if session.execute(delete(Address).where(*own).returning(Address.id)).first() is None:
            raise Problem(NOT_FOUND, "no such address")
