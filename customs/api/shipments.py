"""The crossings of direct purchases: announced, given orders, arrived and tallied, closed."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.idempotency import idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api import schemas, shipment_schemas
from customs.api.answers import after_id, id_page, ready
from customs.shipments import orders, service, tallies

blueprint = Blueprint("shipments", __name__, url_prefix=f"{API_PREFIX}/customs", description="Border crossings")


@blueprint.route("/shipments")
@requires("customs", "operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Shipments)
def list_shipments(page: dict[str, Any]) -> Response:
    """Border crossings, newest first."""
    rows = service.listing(after_id(page["cursor"]), page["limit"] + 1)
    return ready(id_page(rows, page["limit"]))


@blueprint.route("/shipments", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.arguments(schemas.NewShipment)
@blueprint.response(201, schemas.Shipment)
def add_shipment(body: dict[str, Any]) -> Response:
    """Announce a crossing for a direct purchase site; lists filed from now on name it."""
    return ready(service.add(str(actor().id), body), 201)


@blueprint.route("/shipments/<uuid:shipment_id>")
@requires("customs", "operator")
@blueprint.response(200, shipment_schemas.ShipmentDetail)
def read_shipment(shipment_id: uuid.UUID) -> Response:
    """One crossing with its orders and arrival tallies."""
    return ready(service.detail(shipment_id))


@blueprint.route("/shipments/<uuid:shipment_id>/orders", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.arguments(shipment_schemas.ShipmentOrders)
@blueprint.response(200, shipment_schemas.ShipmentDetail)
def assign_shipment_orders(body: dict[str, Any], shipment_id: uuid.UUID) -> Response:
    """Let these orders go with the crossing, as long as no paper of theirs names another."""
    orders.assign(str(actor().id), shipment_id, body["orders"])
    return ready(service.detail(shipment_id))


@blueprint.route("/shipments/<uuid:shipment_id>/arrive", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.arguments(shipment_schemas.Arrival)
@blueprint.response(200, shipment_schemas.ShipmentDetail)
def arrive_shipment(body: dict[str, Any], shipment_id: uuid.UUID) -> Response:
    """It has arrived: its parcels are tallied (711)."""
    return ready(service.arrive(str(actor().id), shipment_id, body["entry_day"]))


@blueprint.route("/shipments/<uuid:shipment_id>/tallies", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.response(201, shipment_schemas.Tally)
def file_arrival_tally(shipment_id: uuid.UUID) -> Response:
    """Tally the parcels whose lists came after the last tally, or whose tally customs gave back."""
    return ready(tallies.file(str(actor().id), shipment_id), 201)


@blueprint.route("/shipments/<uuid:shipment_id>/close", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.response(200, shipment_schemas.ShipmentDetail)
def close_shipment(shipment_id: uuid.UUID) -> Response:
    """No more orders go with it."""
    return ready(service.close(str(actor().id), shipment_id))
