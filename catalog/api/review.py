"""The operator's side: who may sell, and what enters the shop."""

from __future__ import annotations

from typing import Any

from catalog import listings, merchants, recalls
from catalog.api import schemas, stock_schemas
from catalog.api.window import parsed_id
from core.web import API_PREFIX, Blueprint, actor, requires

blueprint = Blueprint(
    "catalog_review", __name__, url_prefix=f"{API_PREFIX}/catalog/review", description="For operators: review"
)


@blueprint.route("/listings")
@requires("operator")
@blueprint.arguments(schemas.PageArguments, location="query")
@blueprint.response(200, schemas.ManagedPage)
def list_submitted_listings(args: dict[str, Any]) -> dict[str, Any]:
    """Listings that wait for a decision."""
    return listings.under_review(**args)


@blueprint.route("/merchants")
@requires("operator")
@blueprint.arguments(schemas.MerchantArguments, location="query")
@blueprint.response(200, schemas.Merchants)
def list_merchants_under_review(args: dict[str, Any]) -> dict[str, Any]:
    """Merchants of a status, by default those that wait for a decision."""
    return merchants.under_review(**args)


@blueprint.route("/merchants/<merchant_id>", methods=["POST"])
@requires("operator")
@blueprint.arguments(schemas.MerchantDecision)
@blueprint.response(200, schemas.Merchant)
def decide_on_merchant(values: dict[str, Any], merchant_id: str) -> dict[str, Any]:
    """Approve, reject, suspend or reinstate a merchant."""
    return merchants.decide(str(actor().id), parsed_id(merchant_id), **values)


@blueprint.route("/<listing_id>", methods=["POST"])
@requires("operator")
@blueprint.arguments(schemas.ListingDecision)
@blueprint.response(200, schemas.Managed)
def review_listing(values: dict[str, Any], listing_id: str) -> Any:
    """Approve a submitted listing into the shop, or reject it with a reason the merchant sees."""
    found = listings.review(str(actor().id), parsed_id(listing_id), **values)
    return found, 200, {"ETag": f'"{found["version"]}"'}


@blueprint.route("/lots/<lot_id>/block", methods=["POST"])
@requires("operator")
@blueprint.arguments(schemas.Block)
@blueprint.response(200, stock_schemas.Lot)
def block_any_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Put a merchant's lot into quarantine: nothing of it is sold or sent until an operator releases it."""
    return recalls.quarantine(str(actor().id), parsed_id(lot_id), values["reason"])


@blueprint.route("/lots")
@requires("operator")
@blueprint.arguments(stock_schemas.StoppedArguments, location="query")
@blueprint.response(200, stock_schemas.NamedLots)
def find_lots(args: dict[str, Any]) -> dict[str, Any]:
    """The lots of a batch over all merchants; without `batch_no` those that are recalled or in quarantine."""
    return recalls.find(**args)


@blueprint.route("/lots/<lot_id>/recall", methods=["POST"])
@requires("operator")
@blueprint.arguments(stock_schemas.Recall)
@blueprint.response(200, stock_schemas.Lot)
def recall_any_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Recall a merchant's lot."""
    return recalls.recall(str(actor().id), None, parsed_id(lot_id), values["reason"])


@blueprint.route("/recalls", methods=["POST"])
@requires("operator")
@blueprint.arguments(stock_schemas.BatchRecall)
@blueprint.response(200, stock_schemas.RecalledLots)
def recall_batch(values: dict[str, Any]) -> dict[str, Any]:
    """Recall every lot of a batch at once, of one merchant or of all."""
    return recalls.recall_batch(str(actor().id), **values)


@blueprint.route("/lots/<lot_id>/temperature", methods=["POST"])
@requires("operator")
@blueprint.arguments(stock_schemas.TemperatureReport)
@blueprint.response(200, stock_schemas.Lot)
def report_any_temperature(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Report a broken cold chain of a merchant's lot."""
    return recalls.report_temperature(str(actor().id), None, parsed_id(lot_id), values)


@blueprint.route("/lots/<lot_id>/release", methods=["POST"])
@requires("operator")
@blueprint.arguments(stock_schemas.Recall)
@blueprint.response(200, stock_schemas.Lot)
def release_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Lift a quarantine: the goods were examined and are good."""
    return recalls.release(str(actor().id), parsed_id(lot_id), values["reason"])
