"""Warehouses."""

from __future__ import annotations

from typing import Any

from flask import Response

from core.idempotency import idempotent
from core.web import API_PREFIX, Blueprint, actor, requires
from customs import warehouses
from customs.api import schemas
from customs.api.answers import ready

blueprint = Blueprint("warehouses", __name__, url_prefix=f"{API_PREFIX}/customs", description="Warehouses")


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
