"""A person's orders: the list, one order with its way through customs, cancelling and sending back."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from core.database import new_id
from core.errors import invalid
from core.paging import PageArguments
from core.schemas import Id, Quantity, Text
from core.web import actor, requires
from shop import cancellation, moves, returns
from shop import orders as orders_service
from shop.pages.forms import load, read_form, read_query, take

pages = Blueprint("orders_pages", __name__)

CANCELLABLE = ("awaiting_payment", "payment_review", "paid", "declared", "held", "rejected")
RETURNABLE = ("released", "shipped", "delivered", "completed")


class _Return(Schema):
    attempt = Id(required=True)
    reason = Text(200, required=True)


class _Returned(Schema):
    quantity = Quantity(required=True)


@pages.get("/orders")
@requires()
def listing() -> str:
    """Own orders, newest first."""
    result = orders_service.page_of(actor().id, **read_query(PageArguments()))
    return render_template("orders/list.html", result=result)


@pages.get("/orders/<uuid:order_id>")
@requires()
def show(order_id: uuid.UUID) -> str:
    """One own order."""
    order = orders_service.one(actor(), order_id)
    return render_template(
        "orders/order.html",
        order=order,
        mark=_mark(order),
        final=_final(order),
        cancellable=_cancellable(order),
        returnable=order["status"] in RETURNABLE,
        attempt=new_id(),
    )


@pages.get("/orders/<uuid:order_id>/news")
@requires()
def news(order_id: uuid.UUID) -> Response:
    """What the open order page asks for: whether anything changed, and the changed part."""
    order = orders_service.one(actor(), order_id)
    html = render_template("orders/_progress.html", order=order, cancellable=_cancellable(order))
    answer = jsonify(mark=_mark(order), html=html, final=_final(order))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _mark(order: dict[str, Any]) -> str:
    """Changes when what the page shows of the way changes."""
    seen = repr((order["status"], len(order["timeline"]), order["declaration"], order["waybill_no"]))
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def _cancellable(order: dict[str, Any]) -> bool:
    return order["status"] in CANCELLABLE and not order["parcels"]


def _final(order: dict[str, Any]) -> bool:
    return not moves.MOVES.get(order["status"])


@pages.post("/orders/<uuid:order_id>/cancel")
@requires()
def cancel(order_id: uuid.UUID) -> Any:
    """Cancel before release."""
    return take(
        lambda: cancellation.cancel(actor(), order_id),
        _("The order is being cancelled; what you paid comes back in full."),
        url_for("orders_pages.show", order_id=order_id),
    )


@pages.post("/orders/<uuid:order_id>/returns")
@requires()
def send_back(order_id: uuid.UUID) -> Any:
    """Ask to send lines back."""
    form = read_form(_Return())
    return take(
        lambda: returns.request_return(actor(), order_id, _returned_lines(), form["reason"], form["attempt"]),
        _("The return is registered."),
        url_for("orders_pages.show", order_id=order_id),
    )


def _returned_lines() -> list[dict[str, Any]]:
    """The boxes that were filled, as the service takes them. Raises Problem `invalid_input`."""
    lines: list[dict[str, Any]] = []
    for name, text in request.form.items():
        number = name.removeprefix("line-")
        if number != name and len(number) < 5 and number.isascii() and number.isdigit() and text.strip():
            lines.append({"line": int(number), "quantity": load(_Returned(), {"quantity": text.strip()})["quantity"]})
    if not lines:
        raise invalid("lines", "say how much of what you send back")
    return lines
