"""Paid orders that wait for a person: for operators."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from core.paging import PageArguments
from core.schemas import Choice, Instant, Money, Schema
from core.web import API_PREFIX, Blueprint, requires
from shop import review_views
from shop.api.answers import ready
from shop.models import ORDER_STATUSES
from shop.velocity_rules import BY, COUNTS

blueprint = Blueprint("reviews", __name__, url_prefix=f"{API_PREFIX}/shop/reviews", description="Payment review")


class Finding(Schema):
    """`rule` is `payer_differs`, `payer_unnamed` or the key of a velocity rule, which has the other fields."""

    rule = fields.String()
    by = Choice(*BY)
    count = Choice(*COUNTS)
    counted = fields.String()
    most = fields.Integer()
    days = fields.Integer()
    listing = fields.String()


class OtherOrder(Schema):
    id = fields.String()
    number = fields.String()
    status = Choice(*ORDER_STATUSES)
    paid_at = Instant(allow_none=True)
    total = Money()
    account = fields.String()
    person = fields.String()
    shares = fields.List(Choice(*BY))


class WaitingOrder(Schema):
    id = fields.String()
    number = fields.String()
    paid_at = Instant(allow_none=True)
    merchant = fields.String()
    total = Money()
    account = fields.String()
    person = fields.String()
    payer = fields.String(allow_none=True)
    recipient = fields.String()
    address = fields.String()
    findings = fields.List(fields.Nested(Finding))
    others = fields.List(fields.Nested(OtherOrder))


class WaitingOrders(Schema):
    items = fields.List(fields.Nested(WaitingOrder))
    next = fields.String(allow_none=True)


@blueprint.route("")
@requires("operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, WaitingOrders)
def list_reviews(query: dict[str, Any]) -> Response:
    """Orders in payment review, oldest first; decided by POST /shop/orders/{id}/review."""
    return ready(review_views.page_of(**query))
