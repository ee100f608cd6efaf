"""The orders of a lot, for its merchant and for operators, and the weighing of picked goods."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields, validate

from catalog import merchants, rights
from catalog.api.acting import task
from core.paging import PageArguments
from core.schemas import Id, Quantity, Schema, WholeNumber
from core.web import API_PREFIX, Blueprint, actor, requires
from shop import orders, recall_views, weighing
from shop.api import schemas
from shop.api.answers import ready

blueprint = Blueprint(
    "shop_recalls", __name__, url_prefix=API_PREFIX, description="Orders of a lot; weighing of picked goods"
)


class LotOrder(Schema):
    """`outcome` is what a recall did with the order: cancelled, refunded, customs_asked, taken_back; `was` its state
    before."""

    id = fields.String()
    number = fields.String()
    status = fields.String()
    created_at = fields.String()
    paid_at = fields.String(allow_none=True)
    waybill_no = fields.String(allow_none=True)
    merchant = fields.Nested(schemas.MerchantName)
    quantity = fields.String()
    weight_kg = fields.String(allow_none=True)
    was = fields.String(allow_none=True)
    outcome = fields.String(allow_none=True)
    settled_at = fields.String(allow_none=True)


class LotOrders(Schema):
    items = fields.List(fields.Nested(LotOrder))
    next = fields.String(allow_none=True)


class Weight(Schema):
    """`lot_id` only where several lots serve the line."""

    line = WholeNumber(1, 999, required=True)
    weight_kg = Quantity(required=True)
    lot_id = Id(load_default=None, allow_none=True)


class Weights(Schema):
    weights = fields.List(fields.Nested(Weight), required=True, validate=validate.Length(1, 200))


@blueprint.route("/catalog/manage/lots/<uuid:lot_id>/orders")
@requires("merchant")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, LotOrders)
def list_lot_orders(query: dict[str, Any], lot_id: uuid.UUID) -> Response:
    """The orders that an own lot serves or served, newest first, with what a recall did with them."""
    return ready(recall_views.orders_of_lot(merchants.acting_for(actor().id), lot_id, **query))


@blueprint.route("/catalog/review/lots/<uuid:lot_id>/orders")
@requires("operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, LotOrders)
def list_any_lot_orders(query: dict[str, Any], lot_id: uuid.UUID) -> Response:
    """The orders that a lot serves or served, newest first, with what a recall did with them."""
    return ready(recall_views.orders_of_lot(None, lot_id, **query))


@blueprint.route("/shop/orders/<uuid:order_id>/weigh", methods=["POST"])
@requires("merchant", "operator")
@task(rights.STOCK)
@blueprint.arguments(Weights)
@blueprint.response(200, schemas.OrderDetail)
def weigh_order(body: dict[str, Any], order_id: uuid.UUID) -> Response:
    """Set the real weights of picked goods that are priced by the kilogram; at sending, the difference is paid back."""
    weighing.weigh(actor(), order_id, body["weights"])
    return ready(orders.one(actor(), order_id))
