"""What the calls about crossings take and answer beside the crossing itself."""

from __future__ import annotations

from marshmallow import fields, validate

from core.schemas import Day, Id, Schema, Text, WholeNumber
from customs.api.schemas import Shipment

ORDERS_MOST = 100


class ShipmentOrders(Schema):
    orders = fields.List(Text(20), required=True, validate=validate.Length(1, ORDERS_MOST))


class Arrival(Schema):
    entry_day = Day(load_default=None, allow_none=True)


class CarriedOrder(Schema):
    order = fields.String()
    declaration = Id()
    status = fields.String()
    tallied = fields.Boolean()


class Tally(Schema):
    id = Id()
    copNo = fields.String()
    preNo = fields.String(allow_none=True)
    rkdNo = fields.String(allow_none=True)
    status = fields.String()
    returnStatus = fields.String(allow_none=True)
    returnTime = fields.String(allow_none=True)
    returnInfo = fields.String(allow_none=True)
    deadReason = fields.String(allow_none=True, metadata={"description": "why sending has given it up"})
    parcels = WholeNumber(0, 9999)
    created_at = fields.String()


class ShipmentDetail(Shipment):
    orders = fields.List(fields.Nested(CarriedOrder))
    tallies = fields.List(fields.Nested(Tally))
