"""The operator's side: who may sell, and what enters the shop."""

from __future__ import annotations

from typing import Any

from catalog import listings, merchants, receiving
from catalog.api import schemas
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
@blueprint.response(200, schemas.Lot)
def block_any_lot(values: dict[str, Any], lot_id: str) -> dict[str, Any]:
    """Stop the sale of a merchant's lot, such as for a recall."""
    return receiving.block(str(actor().id), None, parsed_id(lot_id), values["reason"])
