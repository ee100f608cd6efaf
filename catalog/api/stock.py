"""The merchant's stock: lots received, counted, moved, kept from sale, recalled."""

from __future__ import annotations

from typing import Any

from catalog import merchants, movements, recalls, receiving, rights
from catalog.api import schemas, stock_schemas
from catalog.api.acting import task
from catalog.api.window import parsed_id
from core.idempotency import idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, requires

blueprint = Blueprint(
    "catalog_stock", __name__, url_prefix=f"{API_PREFIX}/catalog/manage", description="The merchant's stock"
)


def _own() -> Any:
    return merchants.acting_for(actor().id)


@blueprint.route("/lots")
@requires("merchant")
@blueprint.arguments(schemas.LotArguments, location="query")
@blueprint.response(200, schemas.Lots)
def list_lots(args: dict[str, Any]) -> dict[str, Any]:
    """Own lots, newest first."""
    return receiving.own_page(_own(), **args)


@blueprint.route("/lots", methods=["POST"])
@requires("merchant")
@task(rights.STOCK)
@idempotent(required=False)
@blueprint.arguments(schemas.NewLot)
@blueprint.response(201, stock_schemas.Lot)
def create_lot(values: dict[str, Any]) -> dict[str, Any]:
    """Receive a lot of an own listing into a warehouse."""
    return receiving.create(str(actor().id), merchants.acting_for(actor().id, selling=True), values)


@blueprint.route("/lots/<lot_id>")
@requires("merchant")
@blueprint.response(200, stock_schemas.Lot)
def read_lot(lot_id: str) -> dict[str, Any]:
    """One own lot."""
    return receiving.own_one(_own(), parsed_id(lot_id))


@blueprint.route("/lots/<lot_id>/movements")
@requires("merchant")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, stock_schemas.Movements)
def list_movements(args: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """All that happened to a lot, newest first: what is on hand is the sum."""
    return movements.page(_own(), parsed_id(lot_id), **args)


@blueprint.route("/lots/<lot_id>/movements", methods=["POST"])
@requires("merchant")
@task(rights.STOCK)
@blueprint.arguments(stock_schemas.NewMovement)
@blueprint.response(201, stock_schemas.Lot)
def move_stock(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Bring goods in again, or take them out for good; a reference moves a lot once."""
    return movements.write(str(actor().id), _own(), parsed_id(lot_id), values)


@blueprint.route("/lots/<lot_id>/count", methods=["POST"])
@requires("merchant")
@task(rights.STOCK)
@blueprint.arguments(schemas.Adjustment)
@blueprint.response(200, stock_schemas.Lot)
def count_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Set what is on hand to what was counted."""
    return receiving.adjust(str(actor().id), _own(), parsed_id(lot_id), **values)


@blueprint.route("/lots/<lot_id>/block", methods=["POST"])
@requires("merchant")
@task(rights.STOCK)
@blueprint.arguments(schemas.Block)
@blueprint.response(200, stock_schemas.Lot)
def block_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Stop the sale of a lot; what was sold is delivered."""
    return receiving.block(str(actor().id), _own(), parsed_id(lot_id), values["reason"])


@blueprint.route("/lots/<lot_id>/unblock", methods=["POST"])
@requires("merchant")
@task(rights.STOCK)
@blueprint.response(200, stock_schemas.Lot)
def unblock_lot(lot_id: str) -> dict[str, Any]:
    """Allow the sale of a blocked lot again; not of one recalled or in quarantine."""
    return receiving.block(str(actor().id), _own(), parsed_id(lot_id), None)


@blueprint.route("/lots/<lot_id>/recall", methods=["POST"])
@requires("merchant")
@task(rights.RECALL)
@blueprint.arguments(stock_schemas.Recall)
@blueprint.response(200, stock_schemas.Lot)
def recall_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Recall a lot: nothing of it is sold or shipped from now on, and what is paid and not shipped is paid back."""
    return recalls.recall(str(actor().id), _own(), parsed_id(lot_id), values["reason"])


@blueprint.route("/lots/<lot_id>/temperature", methods=["POST"])
@requires("merchant")
@task(rights.STOCK)
@blueprint.arguments(stock_schemas.TemperatureReport)
@blueprint.response(200, stock_schemas.Lot)
def report_temperature(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Report a broken cold chain: the lot goes into quarantine, with the same effect on its orders as a recall."""
    return recalls.report_temperature(str(actor().id), _own(), parsed_id(lot_id), values)
