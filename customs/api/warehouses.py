"""Warehouses and the crossings of direct purchases."""

from __future__ import annotations

from typing import Any

from flask import Response

from core.idempotency import idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, requires
from customs import warehouses
from customs.api import schemas
from customs.api.answers import after_id, id_page, ready

blueprint = Blueprint(
    "warehouses", __name__, url_prefix=f"{API_PREFIX}/customs", description="Warehouses and border crossings"
)


@blueprint.route("/warehouses")
@requires("customs", "operator", "merchant")
@blueprint.response(200, schemas.Warehouses)
def list_warehouses() -> Response:
    """All warehouses by name."""
    return ready({"items": warehouses.listing(), "next": None})


@blueprint.route("/warehouses/<uuid:warehouse_id>")
@requires("customs", "operator", "merchant")
@blueprint.response(200, schemas.Warehouse)
def read_warehouse(warehouse_id: Any) -> Response:
    """One warehouse."""
    return ready(warehouses.find(warehouse_id))


@blueprint.route("/warehouses", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.arguments(schemas.NewWarehouse)
@blueprint.response(201, schemas.Warehouse)
def add_warehouse(body: dict[str, Any]) -> Response:
    """Register a warehouse: bonded (1210), direct purchase (9610) or general (0110)."""
    return ready(warehouses.add(str(actor().id), body), 201)


@blueprint.route("/shipments")
@requires("customs", "operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Shipments)
def list_shipments(page: dict[str, Any]) -> Response:
    """Border crossings, newest first."""
    rows = warehouses.shipments(after_id(page["cursor"]), page["limit"] + 1)
    return ready(id_page(rows, page["limit"]))


@blueprint.route("/shipments", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.arguments(schemas.NewShipment)
@blueprint.response(201, schemas.Shipment)
def add_shipment(body: dict[str, Any]) -> Response:
    """Announce a crossing for a direct purchase site; lists filed from now on name it."""
    return ready(warehouses.add_shipment(str(actor().id), body), 201)
