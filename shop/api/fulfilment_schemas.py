"""What fulfilment takes and answers: parcels and shortages, the way that freight was reckoned for, the notice."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import fields, validate

from core.schemas import Choice, Flag, Id, Instant, Money, Quantity, Schema, Text, WholeNumber

LINES_MOST = 100
QUANTITY_MOST = Decimal(1_000_000)


class Consent(Schema):
    version = Text(20, required=True)


class LineQuantity(Schema):
    line = WholeNumber(1, 1000, required=True)
    quantity = Quantity(required=True, most=QUANTITY_MOST)


def _line_quantities(**kwargs: object) -> fields.List:
    bounds = validate.Length(1, LINES_MOST, error=f"must hold 1 to {LINES_MOST} lines")
    return fields.List(fields.Nested(LineQuantity), validate=bounds, **kwargs)  # type: ignore[arg-type]


class NewParcel(Schema):
    """What lies in this parcel; all that is left of the order when it is not said."""

    at = Instant(required=True)
    lines = _line_quantities(allow_none=True, load_default=None)


class NewShortage(Schema):
    lines = _line_quantities(required=True)
    reason = Text(200, required=True)


class Shortage(Schema):
    id = Id()
    at = Instant()
    lines = fields.List(fields.Nested(LineQuantity))
    reason = fields.String()
    amount = Money()
    refund = Id(allow_none=True)


class Parcel(Schema):
    number = fields.Integer()
    waybill_no = fields.String()
    at = Instant()
    happened_at = Instant()
    lines = fields.List(fields.Nested(LineQuantity))


class ZoneName(Schema):
    key = fields.String()
    name = fields.Dict()


class FreightBasis(Schema):
    """Where the freight of the quote goes; `assumed` while no address tells it."""

    zone = fields.Nested(ZoneName)
    province = fields.Dict(allow_none=True)
    address_id = Id(allow_none=True)
    assumed = Flag()
    transit_days = fields.Integer()
    detail = fields.String()
    phrases = fields.Dict()


class ConsumerNotice(Schema):
    version = fields.String()
    text = fields.Dict()


class AcceptedNotice(Schema):
    version = fields.String()
    digest = fields.String()
    accepted_at = Instant()
    how = Choice("quote", "items", "explicit", "page")
    text = fields.Dict(allow_none=True)
