"""The crossings of direct purchases for the desk: announced, arrived and tallied, closed."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from core.paging import PageArguments
from core.schemas import Text
from core.web import actor, requires
from customs import warehouses
from customs.api import schemas
from customs.api.answers import after_id, id_page
from customs.api.shipment_schemas import Arrival
from customs.shipments import orders, service, tallies
from shop.pages.forms import read_form, read_query, take

pages = Blueprint("crossing_pages", __name__, url_prefix="/desk/shipments")


class _Order(Schema):
    order = Text(20, required=True)


@pages.get("")
@requires("customs", "operator")
def listing() -> str:
    """Crossings, newest first, and the form to announce one."""
    query = read_query(PageArguments())
    rows = service.listing(after_id(query["cursor"]), query["limit"] + 1)
    places = [(place["id"], place["name"]) for place in warehouses.listing() if place["mode"] == "9610"]
    return render_template("zone/crossings.html", result=id_page(rows, query["limit"]), places=places)


@pages.post("")
@requires("customs")
def announce() -> Any:
    """Announce a crossing."""
    return take(
        lambda: service.add(str(actor().id), read_form(schemas.NewShipment())),
        _("The crossing is announced."),
        url_for("crossing_pages.listing"),
    )


@pages.get("/<uuid:shipment_id>")
@requires("customs", "operator")
def crossing(shipment_id: uuid.UUID) -> str:
    """One crossing with its orders and tallies."""
    return render_template("zone/crossing.html", crossing=service.detail(shipment_id))


@pages.post("/<uuid:shipment_id>/orders")
@requires("customs")
def assign(shipment_id: uuid.UUID) -> Any:
    """Let an order go with it."""
    return _do(shipment_id, lambda who: orders.assign(who, shipment_id, [read_form(_Order())["order"]]))


@pages.post("/<uuid:shipment_id>/arrive")
@requires("customs")
def arrive(shipment_id: uuid.UUID) -> Any:
    """It has arrived; its parcels are tallied."""
    return _do(shipment_id, lambda who: service.arrive(who, shipment_id, read_form(Arrival())["entry_day"]))


@pages.post("/<uuid:shipment_id>/tallies")
@requires("customs")
def tally(shipment_id: uuid.UUID) -> Any:
    """Tally what has come since."""
    return _do(shipment_id, lambda who: tallies.file(who, shipment_id))


@pages.post("/<uuid:shipment_id>/close")
@requires("customs")
def close(shipment_id: uuid.UUID) -> Any:
    """No more orders go with it."""
    return _do(shipment_id, lambda who: service.close(who, shipment_id))


def _do(shipment_id: uuid.UUID, deed: Any) -> Any:
    there = url_for("crossing_pages.crossing", shipment_id=shipment_id)
    return take(lambda: deed(str(actor().id)), _("It is done."), there)
