"""What the calls about a merchant's promotions take and answer."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import fields, validate

from catalog.promotion_models import PROMOTION_STATES
from core.schemas import Id, Instant, Money, Quantity, Schema, WholeNumber

UNITS_MOST = Decimal(10**9)


class NewPromotion(Schema):
    """Either `percent` off or a fixed `price`; `units` in all and `per_person` limit it."""

    listing_id = Id(required=True)
    percent = WholeNumber(1, 99, allow_none=True, load_default=None)
    price = Money(least=1, allow_none=True, load_default=None)
    valid_from = Instant(required=True)
    valid_to = Instant(required=True)
    units = Quantity(most=UNITS_MOST, allow_none=True, load_default=None)
    per_person = Quantity(most=UNITS_MOST, allow_none=True, load_default=None)


class Promotion(Schema):
    """`taken` counts what orders hold or have bought of a limited one; returned goods stay counted."""

    id = fields.String()
    listing_id = fields.String()
    sku = fields.String()
    title = fields.Dict()
    percent = fields.Integer(allow_none=True)
    price = fields.String(allow_none=True)
    valid_from = fields.String()
    valid_to = fields.String()
    units = fields.String(allow_none=True)
    per_person = fields.String(allow_none=True)
    taken = fields.String(allow_none=True)
    state = fields.String(validate=validate.OneOf(PROMOTION_STATES))
    regular_price = fields.String(allow_none=True)
    reduced_price = fields.String(allow_none=True)
    created_at = fields.String()
    ended_at = fields.String(allow_none=True)


class Promotions(Schema):
    items = fields.List(fields.Nested(Promotion))
    next = fields.String(allow_none=True)
