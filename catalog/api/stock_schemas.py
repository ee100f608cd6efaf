"""What the calls about stock take and answer: remaining life, movements, recalls, broken cold chains."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from core.paging import PageArguments
from core.schemas import Id, Instant, Pattern, Quantity, Schema, Text, WholeNumber


class LeastLife(Schema):
    """What must be left of the goods' life at delivery: so many days, or a share of the whole."""

    days = WholeNumber(0, 3650)
    percent = WholeNumber(1, 90)

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("give either days or percent")


class Lot(Schema):
    id = fields.String()
    listing_id = fields.String()
    batch_no = fields.String()
    produced_on = fields.String(allow_none=True)
    expires_on = fields.String(allow_none=True)
    warehouse = fields.String(allow_none=True)
    item_record_no = fields.String(allow_none=True)
    on_hand = fields.String()
    reserved = fields.String()
    available = fields.String()
    weight_kg = fields.String(allow_none=True)
    least_life_days = fields.Integer()
    blocked = fields.Boolean()
    block_kind = fields.String(allow_none=True)
    block_reason = fields.String(allow_none=True)
    blocked_at = fields.String(allow_none=True)
    consignment_line_id = fields.String(allow_none=True)


class NamedLot(Lot):
    merchant = fields.Dict()
    listing = fields.Dict()


class NamedLots(Schema):
    items = fields.List(fields.Nested(NamedLot))
    next = fields.String(allow_none=True)


class StoppedArguments(PageArguments):
    batch_no = Text(60, load_default=None)


class NewMovement(Schema):
    """`return` brings goods in again; `destruction` and `recall` take them out for good."""

    kind = Pattern("return|destruction|recall", "must be one of return, destruction, recall", required=True)
    quantity = Quantity(required=True)
    weight_kg = Quantity(load_default=None, allow_none=True)
    reference = Text(80, required=True)


class Movement(Schema):
    at = fields.String()
    kind = fields.String()
    quantity = fields.String()
    weight_kg = fields.String(allow_none=True)
    reference = fields.String()


class Movements(Schema):
    items = fields.List(fields.Nested(Movement))
    next = fields.String(allow_none=True)


class Recall(Schema):
    reason = Text(200, required=True)


class BatchRecall(Recall):
    batch_no = Text(60, required=True)
    merchant_id = Id(load_default=None, allow_none=True)


class RecalledLots(Schema):
    items = fields.List(fields.Nested(Lot))


class Celsius(Pattern):
    """Degrees with at most one decimal place, such as "-18" or "4.5"; Decimal inside."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("-?(0|[1-9][0-9]?)([.][0-9])?", 'must be degrees as a string such as "-12.5"', **kwargs)

    def read(self, text: str) -> Any:
        return Decimal(super().read(text))


class TemperatureReport(Schema):
    """What was measured, when, and the warmest the goods may be."""

    at = Instant(required=True)
    celsius = Celsius(required=True)
    allowed_celsius = Celsius(required=True)
    note = Text(100, least=0, load_default="")

    @validates_schema
    def _warmer(self, data: dict[str, Any], **_: Any) -> None:
        if data["celsius"] <= data["allowed_celsius"]:
            raise ValidationError({"celsius": ["is within what is allowed: nothing was broken"]})
