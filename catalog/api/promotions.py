"""A merchant's dated price reductions of own listings."""

from __future__ import annotations

from typing import Any

from catalog import merchants, promotions, rights
from catalog.api import promotion_schemas as schemas
from catalog.api.acting import task
from catalog.api.window import parsed_id
from core.idempotency import attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, requires

blueprint = Blueprint(
    "catalog_promotions", __name__, url_prefix=f"{API_PREFIX}/catalog/manage/promotions", description="Promotions"
)


@blueprint.route("")
@requires("merchant")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Promotions)
def list_promotions(args: dict[str, Any]) -> dict[str, Any]:
    """Own promotions, the latest to begin first."""
    return promotions.own_page(merchants.acting_for(actor().id), **args)


@blueprint.route("", methods=["POST"])
@requires("merchant")
@task(rights.GOODS)
@idempotent()
@blueprint.arguments(schemas.NewPromotion)
@blueprint.response(201, schemas.Promotion)
def create_promotion(values: dict[str, Any]) -> dict[str, Any]:
    """Plan a reduction of an own listing; it begins and ends by itself."""
    return promotions.create(actor().id, merchants.acting_for(actor().id, selling=True), values, attempt())


@blueprint.route("/<promotion_id>")
@requires("merchant")
@blueprint.response(200, schemas.Promotion)
def read_promotion(promotion_id: str) -> dict[str, Any]:
    """One own promotion."""
    return promotions.own_one(merchants.acting_for(actor().id), parsed_id(promotion_id))


@blueprint.route("/<promotion_id>/stop", methods=["POST"])
@requires("merchant")
@task(rights.GOODS)
@idempotent(required=False)
@blueprint.response(200, schemas.Promotion)
def stop_promotion(promotion_id: str) -> dict[str, Any]:
    """End a promotion now; quotes made on it are honoured, and a second call finds it ended."""
    return promotions.stop(actor().id, merchants.acting_for(actor().id), parsed_id(promotion_id))
