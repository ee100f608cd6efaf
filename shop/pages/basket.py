"""The cart of a guest lives in the signed session cookie and joins the person's own cart at sign-in."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from flask import Flask, g, session
from flask_security import user_authenticated

from core.accounts import Actor
from core.errors import NOT_FOUND, Problem, declare
from core.money import plain
from shop import carts

KEY = "guest_cart"
GUEST_ITEMS_MOST = 20  # a cookie holds 4 KB

GUEST_CART_FULL = declare("guest_cart_full", 422, "Sign in to put more than 20 listings into the cart")


def items(person: Actor | None) -> list[dict[str, Any]]:
    """`{listing_id, quantity}` of each line, as the quote takes them."""
    if person is not None:
        return list(carts.content(person.id)["items"])
    return [{"listing_id": listing_id, "quantity": amount} for listing_id, amount in _guest().items()]


def count(person: Actor | None) -> int:
    """How many listings the cart holds; asked once a request."""
    if "cart_count" not in g:
        g.cart_count = len(items(person))
    return int(g.cart_count)


def put(person: Actor | None, listing_id: uuid.UUID, quantity: Decimal) -> None:
    """Set the quantity of one listing. Raises Problem `not_found`, `cart_full` or `guest_cart_full`."""
    if person is not None:
        carts.put(person.id, listing_id, quantity)
        return
    kept = {**_guest(), str(listing_id): plain(quantity)}
    if len(kept) > GUEST_ITEMS_MOST:
        raise Problem(GUEST_CART_FULL)
    session[KEY] = kept


def remove(person: Actor | None, listing_id: uuid.UUID) -> None:
    """Take one listing out. Raises Problem `not_found` when it was not in."""
    if person is not None:
        carts.remove(person.id, listing_id)
        return
    kept = _guest()
    if kept.pop(str(listing_id), None) is None:
        raise Problem(NOT_FOUND)
    session[KEY] = kept


def _guest() -> dict[str, str]:
    return dict(session.get(KEY, {}))


def _merge(_app: Flask, user: Any, **_: Any) -> None:
    """What the guest chose joins the cart; a listing that has gone meanwhile is left behind."""
    for listing_id, amount in session.pop(KEY, {}).items():
        try:
            carts.put(user.id, uuid.UUID(listing_id), Decimal(amount))
        except Problem:
            continue


def init_app(app: Flask) -> None:
    user_authenticated.connect(_merge, app)
