"""What the calls about bonded stock take and answer."""

from __future__ import annotations

from marshmallow import fields, validate

from core.paging import PageArguments
from core.schemas import Choice, Day, Flag, Id, Money, Pattern, Quantity, Schema, Text, WholeNumber, country, currency
from customs.api.law_schemas import StatutoryQuantities
from customs.zone_stock import moves
from customs.zone_stock_models import ENTRY_STATES, EXIT_KINDS, EXIT_STATES, RETURN_STATES

LINES_MOST = 99
_RECORD_NO = ("[0-9A-Za-z-]{1,30}", "must be an item record number")


class NewEntryLine(Schema):
    listing_id = Id(required=True)
    quantity = Quantity(required=True)
    value = Money(required=True, least=1)
    currency = currency(load_default="CNY")
    batch_no = Text(60, required=True)
    produced_on = Day(load_default=None, allow_none=True)
    expires_on = Day(load_default=None, allow_none=True)
    item_record_no = Pattern(*_RECORD_NO, load_default=None, allow_none=True)
    statutory = fields.Nested(StatutoryQuantities, load_default=None, allow_none=True)


class NewZoneEntry(Schema):
    warehouse_id = Id(required=True)
    merchant_id = Id(load_default=None)
    traf_mode = Pattern("[0-9A-Z]", "must be one character of customs' transport modes", required=True)
    traf_no = Text(100, required=True)
    bill_no = Text(37, required=True)
    dispatch_country = country(required=True)
    lines = fields.List(fields.Nested(NewEntryLine), required=True, validate=validate.Length(1, LINES_MOST))


class Counted(Schema):
    line = WholeNumber(1, LINES_MOST, required=True)
    quantity = Quantity(zero=True, required=True)


class _Step(Schema):
    number = Text(40, load_default=None, allow_none=True)
    day = Day(load_default=None, allow_none=True)
    detail = Text(300, load_default=None, allow_none=True)


class EntryStep(_Step):
    step = Choice(*moves.steps("entry"), required=True)
    arrived = fields.List(fields.Nested(Counted), load_default=list, validate=validate.Length(0, LINES_MOST))


class ExitStep(_Step):
    step = Choice(*moves.steps("exit"), required=True)


class NewZoneExit(Schema):
    kind = Choice(*EXIT_KINDS, required=True)
    lot_id = Id(required=True)
    quantity = Quantity(required=True)
    reason = Text(300, required=True)
    value = Money(load_default=None, allow_none=True, least=1)
    origin_proof = Flag(load_default=False)
    documents = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 40)),
        values=fields.String(validate=validate.Length(1, 100)),
        load_default=dict,
    )
    to_warehouse_id = Id(load_default=None, allow_none=True)


class ReturnCheck(Schema):
    arrived_on = Day(load_default=None, allow_none=True)
    sound = Quantity(zero=True, required=True)
    damaged = Quantity(zero=True, required=True)
    lot_id = Id(load_default=None, allow_none=True)
    remark = Text(300, load_default=None, allow_none=True)


class EntryFilter(PageArguments):
    status = Choice(*ENTRY_STATES, load_default=None)


class ExitFilter(PageArguments):
    status = Choice(*EXIT_STATES, load_default=None)


class ReturnFilter(PageArguments):
    status = Choice(*RETURN_STATES, load_default=None)


class BookFilter(PageArguments):
    warehouse = Id(load_default=None)


class Step(Schema):
    step = fields.String()
    number = fields.String(allow_none=True)
    day = fields.String()
    detail = fields.String(allow_none=True)
    at = fields.String()


class ZoneEntry(Schema):
    id = Id()
    number = fields.String()
    ems_no = fields.String()
    office = fields.String()
    status = fields.String()
    warehouse = fields.Dict()
    merchant = fields.Dict()
    created_at = fields.String()


class ZoneEntryDetail(ZoneEntry):
    lines = fields.List(fields.Dict())
    steps = fields.List(fields.Nested(Step))


class ZoneEntries(Schema):
    items = fields.List(fields.Nested(ZoneEntry))
    next = fields.String(allow_none=True)


class ZoneExit(Schema):
    id = Id()
    number = fields.String()
    kind = fields.String()
    status = fields.String()
    item_record_no = fields.String()
    quantity = fields.String()
    unit = fields.String()
    reason = fields.String()
    paper_no = fields.String(allow_none=True)
    paper_day = fields.String(allow_none=True)


class ZoneExitDetail(ZoneExit):
    taxes = fields.Dict(allow_none=True)
    declaration = fields.String(allow_none=True)
    entry = fields.String(allow_none=True)
    steps = fields.List(fields.Nested(Step))


class ZoneExits(Schema):
    items = fields.List(fields.Nested(ZoneExit))
    next = fields.String(allow_none=True)


class ZoneReturn(Schema):
    id = Id()
    number = fields.String()
    line = WholeNumber(1, LINES_MOST)
    order = fields.String()
    item_record_no = fields.String()
    quantity = fields.String()
    back_by = fields.String()
    status = fields.String()
    sound = fields.String()
    damaged = fields.String()


class ZoneReturns(Schema):
    items = fields.List(fields.Nested(ZoneReturn))
    next = fields.String(allow_none=True)


class BookItem(Schema):
    id = Id()
    ems_no = fields.String()
    item_record_no = fields.String()
    hs = fields.String()
    origin = fields.String()
    name = fields.String()
    unit = fields.String()
    on_book = fields.String()
    reserved = fields.String()
    free = fields.String()


class BookItemDetail(BookItem):
    entries = fields.List(fields.Dict())


class BookItems(Schema):
    items = fields.List(fields.Nested(BookItem))
    next = fields.String(allow_none=True)


class BookDifferences(Schema):
    items = fields.List(fields.Dict())
