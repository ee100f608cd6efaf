"""Checkout: where to, who imports, the quote with every tax, and one button that places the order once."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from marshmallow import Schema

from core.database import new_id
from core.errors import Problem
from core.schemas import Choice, Id, Pattern, Text
from core.web import actor, requires
from shop import checkout as checkout_service
from shop import coupon_terms
from shop.pages.account import addresses_of, known_identity
from shop.pages.cart import chosen_address, lines_of, quote_of
from shop.pages.forms import read_form, read_query

pages = Blueprint("checkout_pages", __name__, url_prefix="/checkout")


class _Where(Schema):
    address_id = Id(load_default=None)
    coupon = Text(40, load_default=None)


class _Order(_Where):
    quote = Pattern("[A-Za-z0-9_.=-]{1,200000}", "is not a quote", required=True)
    attempt = Id(required=True)
    notice = Text(20, load_default=None)
    payment_method = Choice("card", load_default=None)


@pages.get("")
@requires("consumer")
def show() -> Any:
    """Everything the order rests on, before it is placed."""
    return _show(**read_query(_Where()))


def _show(address_id: uuid.UUID | None, coupon: str | None, problem: Problem | None = None) -> Any:
    person = actor()
    lines = lines_of(person)
    if not lines:
        return redirect(url_for("cart_pages.show"), 303)
    known = addresses_of(person.id)
    chosen = chosen_address(known, address_id)
    quote, refused = quote_of(lines, person, chosen, coupon)
    orders = quote["orders"] if quote else []
    return render_template(
        "cart/checkout.html",
        addresses=known,
        address_id=str(chosen) if chosen else None,
        identity=known_identity(person.id),
        by_weight=any(line["catch_weight"] for order in orders for line in order["lines"]),
        needs_identity=any(order["route"] == "cross_border_retail" for order in orders),
        quote=quote,
        coupon=coupon,
        coupon_refused=[row for row in quote["blocked"] if row["code"] in coupon_terms.CODES] if quote else [],
        problem=problem or refused,
        ready=bool(quote and quote["quote"] and orders and chosen and not quote["blocked"]),
        attempt=new_id(),
    )


@pages.post("")
@requires("consumer")
def place() -> Any:
    """Place the order as quoted; the attempt in the form makes a double click one order."""
    form = read_form(_Order())
    try:
        wish = {"quote": form["quote"], "notice": form["notice"], "method": form["payment_method"]}
        purchase_id = checkout_service.place(actor().id, form["attempt"], on_page=True, **wish)
    except Problem as problem:
        if problem.status >= 500:
            raise
        page = _show(form["address_id"], form["coupon"], problem)
        return page if not isinstance(page, str) else (page, problem.status)
    return redirect(url_for("payment_pages.pay", purchase_id=purchase_id), 303)
