"""Platform coupons, run by an operator; buyers name a code in a quote."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.idempotency import attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, requires
from shop import coupons
from shop.api import coupon_schemas as schemas
from shop.api.answers import ready

blueprint = Blueprint("coupons", __name__, url_prefix=f"{API_PREFIX}/shop/coupons", description="Platform coupons")


@blueprint.route("")
@requires("operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Coupons)
def list_coupons(query: dict[str, Any]) -> Response:
    """All coupons with their use and budget, newest first."""
    return ready(coupons.page_of(**query))


@blueprint.route("", methods=["POST"])
@requires("operator")
@idempotent()
@blueprint.arguments(schemas.NewCoupon)
@blueprint.response(201, schemas.Coupon)
def create_coupon(body: dict[str, Any]) -> Response:
    """Make a coupon; without a code it gets one that cannot be guessed. Its terms never change."""
    made = coupons.create(actor().id, body, attempt())
    return ready(made, 201, location=f"{blueprint.url_prefix}/{made['id']}")


@blueprint.route("/<uuid:coupon_id>")
@requires("operator")
@blueprint.response(200, schemas.Coupon)
def read_coupon(coupon_id: uuid.UUID) -> Response:
    """One coupon with its use and budget."""
    return ready(coupons.one(coupon_id))


@blueprint.route("/<uuid:coupon_id>/stop", methods=["POST"])
@requires("operator")
@idempotent(required=False)
@blueprint.response(200, schemas.Coupon)
def stop_coupon(coupon_id: uuid.UUID) -> Response:
    """End a coupon now; purchases that hold it keep it, and a second call finds it stopped."""
    return ready(coupons.stop(actor().id, coupon_id))
