"""The cart: what is in it, and what it would cost today with every tax, order by order."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog.sale import sale_facts
from core.accounts import Actor
from core.errors import Problem
from core.schemas import Flag, Id, Quantity
from core.web import maybe_actor, public
from shop import quotes
from shop.pages import basket
from shop.pages.account import addresses_of
from shop.pages.forms import read_form, tell

pages = Blueprint("cart_pages", __name__, url_prefix="/cart")

# What the next step, the checkout, can settle by itself.
SETTLED_LATER = ("identity_required", "not_delivered", "province_unknown", "life_too_short")


class _Line(Schema):
    listing_id = Id(required=True)
    quantity = Quantity(required=True)
    set = Flag(load_default=False)


class _Listing(Schema):
    listing_id = Id(required=True)


@pages.get("")
@public
def show() -> str:
    """The cart with its quote; guests too see every tax."""
    person = maybe_actor()
    lines = lines_of(person)
    address_id = chosen_address(addresses_of(person.id)) if person else None
    quote, problem = quote_of(lines, person, address_id)
    waiting = [row for row in quote["blocked"] if row["code"] not in SETTLED_LATER] if quote else []
    return render_template(
        "cart/cart.html",
        lines=lines,
        quote=quote,
        problem=problem,
        blocked=waiting,
        identity_asked=bool(quote and any(row["code"] == "identity_required" for row in quote["blocked"])),
        ready=bool(quote and quote["orders"] and not waiting),
    )


@pages.post("")
@public
def put() -> Any:
    """Add a quantity of a listing, or with `set` make it exactly that."""
    person = maybe_actor()
    try:
        form = read_form(_Line())
        held = Decimal(0) if form["set"] else _held(person, form["listing_id"])
        basket.put(person, form["listing_id"], form["quantity"] + held)
    except Problem as problem:
        if problem.status == 404:
            raise
        tell(problem)
    else:
        if not form["set"]:
            flash(_("It is in the cart."), "success")
    return redirect(url_for("cart_pages.show"), 303)


@pages.post("/remove")
@public
def remove() -> Any:
    """Take a listing out."""
    basket.remove(maybe_actor(), read_form(_Listing())["listing_id"])
    return redirect(url_for("cart_pages.show"), 303)


def _held(person: Actor | None, listing_id: uuid.UUID) -> Decimal:
    found = [row["quantity"] for row in basket.items(person) if row["listing_id"] == str(listing_id)]
    return Decimal(found[0]) if found else Decimal(0)


def lines_of(person: Actor | None) -> list[dict[str, Any]]:
    """The lines of the cart, each with its listing as it stands now, or None when it has left the shop."""
    rows = basket.items(person)
    facts = sale_facts([uuid.UUID(row["listing_id"]) for row in rows])
    return [{**row, "card": facts.get(uuid.UUID(row["listing_id"]))} for row in rows]


def chosen_address(known: list[dict[str, Any]], asked: uuid.UUID | None = None) -> uuid.UUID | None:
    """The address asked for when it is the person's, else the newest: cart and checkout reckon with the same."""
    ids = [uuid.UUID(row["id"]) for row in known]
    return asked if asked in ids else (ids[-1] if ids else None)


def quote_of(
    lines: list[dict[str, Any]], person: Actor | None, address_id: uuid.UUID | None, coupon: str | None = None
) -> tuple[dict[str, Any] | None, Problem | None]:
    """The quote of these lines, or the refusal that kept it from being made."""
    wanted = [quotes.Item(uuid.UUID(line["listing_id"]), Decimal(line["quantity"])) for line in lines]
    if not wanted:
        return None, None
    try:
        return quotes.quote(wanted, person.id if person else None, address_id, coupon), None
    except Problem as problem:
        return None, problem
