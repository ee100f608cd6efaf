"""Checkout: where to, who imports, the quote with every tax, and one button that places the order once."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from marshmallow import Schema

from core.database import new_id
from core.errors import Problem
from core.schemas import Id, Pattern
from core.web import actor, requires
from shop import checkout as checkout_service
from shop.pages.account import addresses_of, known_identity
from shop.pages.cart import lines_of, quote_of
from shop.pages.forms import read_form, read_query

pages = Blueprint("checkout_pages", __name__, url_prefix="/checkout")


class _Where(Schema):
    address_id = Id(load_default=None)


class _Order(Schema):
    quote = Pattern("[A-Za-z0-9_.=-]{1,200000}", "is not a quote", required=True)
    attempt = Id(required=True)


@pages.get("")
@requires("consumer")
def show() -> Any:
    """Everything the order rests on, before it is placed."""
    return _show(read_query(_Where())["address_id"])


def _show(address_id: uuid.UUID | None, problem: Problem | None = None) -> Any:
    person = actor()
    lines = lines_of(person)
    if not lines:
        return redirect(url_for("cart_pages.show"), 303)
    known = addresses_of(person.id)
    chosen = _chosen(known, address_id)
    quote, refused = quote_of(lines, person, chosen)
    orders = quote["orders"] if quote else []
    return render_template(
        "cart/checkout.html",
        addresses=known,
        address_id=str(chosen) if chosen else None,
        identity=known_identity(person.id),
        needs_identity=any(order["route"] == "cross_border_retail" for order in orders),
        quote=quote,
        problem=problem or refused,
        ready=bool(quote and quote["quote"] and orders and chosen and not quote["blocked"]),
        attempt=new_id(),
    )


def _chosen(known: list[dict[str, Any]], address_id: uuid.UUID | None) -> uuid.UUID | None:
    """The address asked for when it is the person's, else the newest."""
    ids = [uuid.UUID(row["id"]) for row in known]
    return address_id if address_id in ids else (ids[-1] if ids else None)


@pages.post("")
@requires("consumer")
def place() -> Any:
    """Place the order as quoted; the attempt in the form makes a double click one order."""
    form = read_form(_Order())
    try:
        purchase_id = checkout_service.place(actor().id, form["attempt"], quote=form["quote"])
    except Problem as problem:
        if problem.status >= 500:
            raise
        page = _show(None, problem)
        return page if not isinstance(page, str) else (page, problem.status)
    return redirect(url_for("payment_pages.pay", purchase_id=purchase_id), 303)
