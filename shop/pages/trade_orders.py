"""A merchant's single order: what is left to send, parcels, and what cannot be supplied."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import merchants, rights
from catalog.api.acting import task
from core import clock
from core.database import db, new_id
from core.errors import NOT_FOUND, Problem, invalid
from core.schemas import Id, Quantity, Text
from core.web import actor, requires
from shop import fulfilment, orders, shortages
from shop.pages.forms import load, read_form, take

pages = Blueprint("trade_orders_pages", __name__, url_prefix="/trade/orders")


class _Count(Schema):
    quantity = Quantity(required=True)


class _Attempt(Schema):
    attempt = Id(required=True)


class _Reason(_Attempt):
    reason = Text(200, required=True)


@pages.get("/<uuid:order_id>")
@requires("merchant")
def show(order_id: uuid.UUID) -> str:
    """An order to the own merchant. Raises Problem `not_found`."""
    order = orders.one(actor(), order_id)
    own = merchants.merchant_of(db.session(), actor().id)
    if order["merchant"]["id"] != str(own):
        raise Problem(NOT_FOUND, "no such order")
    domestic = order["route"] == "general_trade" and order["status"] == "paid"
    weighed = any(line["catch_weight"] for line in order["lines"])
    return render_template("trade/order.html", order=order, in_parts=domestic and not weighed, attempt=new_id())


@pages.post("/<uuid:order_id>/parcels")
@requires("merchant")
@task(rights.ORDERS)
def send(order_id: uuid.UUID) -> Any:
    """A parcel with the filled quantities leaves now."""

    def step() -> None:
        fulfilment.ship(actor(), order_id, clock.now(), _lines(), read_form(_Attempt())["attempt"])

    return _tell(order_id, step, _("The parcel is on its way."))


@pages.post("/<uuid:order_id>/shortages")
@requires("merchant")
@task(rights.ORDERS)
def fall_short(order_id: uuid.UUID) -> Any:
    """The filled quantities cannot be supplied: they are paid back."""

    def step() -> None:
        form = read_form(_Reason())
        shortages.report(actor(), order_id, _lines(), form["reason"], form["attempt"])

    return _tell(order_id, step, _("The buyer is told and gets the money back."))


def _lines() -> list[dict[str, Any]]:
    """The boxes that were filled, as the services take them. Raises Problem `invalid_input`."""
    lines: list[dict[str, Any]] = []
    for name, text in request.form.items():
        number = name.removeprefix("line-")
        if (
            number != name
            and len(number) < 5
            and number.isascii()
            and number.isdigit()
            and text.strip() not in ("", "0")
        ):
            lines.append({"line": int(number), "quantity": load(_Count(), {"quantity": text.strip()})["quantity"]})
    if not lines:
        raise invalid("lines", "say how much of what")
    return lines


def _tell(order_id: uuid.UUID, step: Callable[[], None], done: str) -> Any:
    return take(step, done, url_for("trade_orders_pages.show", order_id=order_id))
