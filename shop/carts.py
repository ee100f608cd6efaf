"""The signed-in person's cart: one row per listing, written by upsert, so two tabs never make two rows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.sale import sale_facts
from core import clock
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem, declare
from core.money import fen_text, plain
from core.prepared import Statement
from shop.models import CartItem

ITEMS_MOST = 100

CART_FULL = declare("cart_full", 422, "A cart holds at most 100 listings")


def content(account_id: uuid.UUID) -> dict[str, Any]:
    """The cart with what each listing is now; a listing that left the shop stays visible as not available."""
    rows = db.session.scalars(
        select(CartItem).where(CartItem.account_id == account_id).order_by(CartItem.added_at, CartItem.listing_id)
    ).all()
    facts = sale_facts([row.listing_id for row in rows])
    return {"items": [_dump(row, facts.get(row.listing_id)) for row in rows]}


def _dump(row: CartItem, facts: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"listing_id": str(row.listing_id), "quantity": plain(row.quantity), "available": False}
    if facts is not None:
        item |= {
            "available": facts.on_sale,
            "title": facts.title,
            "unit": facts.unit,
            "route": facts.route,
            "price": fen_text(facts.price_fen),
            "merchant": {"id": str(facts.merchant_id), "name": facts.merchant_name},
        }
    return item


def put(account_id: uuid.UUID, listing_id: uuid.UUID, quantity: Decimal) -> None:
    """Set the quantity of one listing. Raises Problem `not_found` for a listing that is not sold, `cart_full`."""
    _check_known([listing_id])
    with transaction() as session:
        _upsert(session, account_id, {listing_id: quantity})
        if session.scalars(select(func.count()).where(CartItem.account_id == account_id)).one() > ITEMS_MOST:
            raise Problem(CART_FULL)


def replace(account_id: uuid.UUID, items: Mapping[uuid.UUID, Decimal]) -> None:
    """Make the cart hold exactly `items`. Raises Problem `not_found`."""
    _check_known(list(items))
    with transaction() as session:
        others = CartItem.listing_id.not_in(items)
        session.execute(delete(CartItem).where(CartItem.account_id == account_id, others))
        _upsert(session, account_id, items)


def remove(account_id: uuid.UUID, listing_id: uuid.UUID) -> None:
    """Take one listing out. Raises Problem `not_found` when it was not in."""
    with transaction() as session:
        own = (CartItem.account_id == account_id, CartItem.listing_id == listing_id)
        if session.execute(delete(CartItem).where(*own).returning(CartItem.listing_id)).first() is None:
            raise Problem(NOT_FOUND, "the cart does not hold this listing")


def taking_out(account_id: uuid.UUID, listing_ids: list[uuid.UUID]) -> Statement:
    """The statement by which what was ordered leaves the cart, in the transaction of the order."""
    return _TAKE_OUT, {"account": account_id, "listings": listing_ids}


_TAKE_OUT = "DELETE FROM cart_item WHERE account_id = %(account)s AND listing_id = ANY(%(listings)s) RETURNING 1"


def _upsert(session: Session, account_id: uuid.UUID, items: Mapping[uuid.UUID, Decimal]) -> None:
    """Rows are written in listing order, so that two tabs of one person cannot wait for each other in a ring."""
    rows = [
        {"account_id": account_id, "listing_id": listing_id, "quantity": items[listing_id], "added_at": clock.now()}
        for listing_id in sorted(items)
    ]
    if rows:
        statement = insert(CartItem).values(rows)
        key = [CartItem.account_id, CartItem.listing_id]
        session.execute(
            statement.on_conflict_do_update(index_elements=key, set_={"quantity": statement.excluded.quantity})
        )


def _check_known(listing_ids: list[uuid.UUID]) -> None:
    known = sale_facts(listing_ids)
    for listing_id in listing_ids:
        if listing_id not in known:
            raise Problem(NOT_FOUND, f"no listing {listing_id} is sold here")
