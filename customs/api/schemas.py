"""What the desk's calls take and answer. Fields not named here are refused."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from core.paging import PageArguments
from core.schemas import (
    Choice,
    Day,
    Flag,
    Id,
    Money,
    Pattern,
    Quantity,
    Schema,
    Text,
    WholeNumber,
    country,
    currency,
    hs_code,
)
from customs.api.law_schemas import NetContent, Preference, StatutoryQuantities, exchange_rate
from customs.assessments.request import EVIDENCE
from customs.models import DECLARATION_KINDS, DECLARATION_STATUSES, MODES, RECEIPT_STATES, WAREHOUSE_KINDS

CONSIGNMENT_LINES_MOST = 99
_OFFICE = ("[0-9]{4}", "must be a customs office of four digits")
_COMPANY_CODE = ("[0-9A-Z]{10}([0-9A-Z]{8})?", "must be a customs code of 10 or a credit code of 18 characters")


def office(**kwargs: Any) -> Pattern:
    return Pattern(*_OFFICE, **kwargs)


class CompanyBody(Schema):
    code = Pattern(*_COMPANY_CODE, required=True)
    name = Text(100, required=True)


class NewWarehouse(Schema):
    name = Text(100, required=True)
    kind = Choice(*WAREHOUSE_KINDS, required=True)
    mode = Choice(*MODES, required=True)
    zone = Text(100, required=True)
    customs_code = office(required=True)
    port_code = office(required=True)
    traf_mode = Pattern("[0-9A-Z]", "must be one character of customs' transport modes", required=True)
    loct_no = Text(10, load_default=None)
    ems_no = Text(30, load_default=None)
    area_code = Pattern(*_COMPANY_CODE, load_default=None)
    area_name = Text(100, load_default=None)
    agent = fields.Nested(CompanyBody, load_default=None, allow_none=True)
    logistics = fields.Nested(CompanyBody, load_default=None, allow_none=True)
    guarantor = Choice("platform", "merchant", "logistics")


class Warehouse(Schema):
    id = Id()
    name = fields.String()
    kind = fields.String()
    mode = fields.String()
    zone = fields.String()
    customs_code = fields.String()
    port_code = fields.String()
    loct_no = fields.String(allow_none=True)
    traf_mode = fields.String()
    ems_no = fields.String(allow_none=True)
    area_code = fields.String(allow_none=True)
    area_name = fields.String(allow_none=True)
    agent = fields.Nested(CompanyBody, allow_none=True)
    logistics = fields.Nested(CompanyBody, allow_none=True)
    guarantor = fields.String(allow_none=True)


class Warehouses(Schema):
    items = fields.List(fields.Nested(Warehouse))
    next = fields.String(allow_none=True)


class NewShipment(Schema):
    warehouse_id = Id(required=True)
    traf_mode = Pattern("[0-9A-Z]", "must be one character of customs' transport modes", required=True)
    traf_no = Text(100, required=True)
    voyage_no = Text(32, required=True)
    bill_no = Text(37, required=True)
    dispatch_country = country(required=True)
    entry_day = Day(load_default=None)


class Shipment(Schema):
    id = Id()
    warehouse_id = Id()
    traf_mode = fields.String()
    traf_no = fields.String()
    voyage_no = fields.String()
    bill_no = fields.String()
    dispatch_country = fields.String()
    entry_day = fields.String(allow_none=True)
    closed = fields.Boolean()


class Shipments(Schema):
    items = fields.List(fields.Nested(Shipment))
    next = fields.String(allow_none=True)


class DeclarationFilter(PageArguments):
    status = Choice(*DECLARATION_STATUSES)
    kind = Choice(*DECLARATION_KINDS)
    first = Day(data_key="from", load_default=None)
    last = Day(data_key="to", load_default=None)
    order = Text(20, load_default=None)
    merchant = Id(load_default=None)


class Declaration(Schema):
    id = Id()
    number = fields.String()
    kind = fields.String()
    order = fields.String(allow_none=True)
    status = fields.String()
    merchant = fields.Dict()
    released_on = fields.String(allow_none=True)
    taxes = fields.Dict()


class Declarations(Schema):
    items = fields.List(fields.Nested(Declaration))
    next = fields.String(allow_none=True)


class WindowDocument(Schema):
    kind = fields.String()
    guid = fields.String()
    copNo = fields.String(allow_none=True)
    preNo = fields.String(allow_none=True)
    invtNo = fields.String(allow_none=True)
    status = fields.String()
    returnStatus = fields.String(allow_none=True)
    returnTime = fields.String(allow_none=True)
    returnInfo = fields.String(allow_none=True)
    meaning = fields.Dict(allow_none=True)
    advice = fields.Dict(allow_none=True)
    dead_letter = fields.Dict(allow_none=True)


class DeclarationDetail(Declaration):
    documents = fields.List(fields.Nested(WindowDocument))
    faults = fields.List(fields.Dict())
    lines = fields.List(fields.Dict())
    bills = fields.List(fields.Dict())
    correcting = fields.Dict()


class ReceiptFilter(PageArguments):
    state = Choice(*RECEIPT_STATES)


class Receipt(Schema):
    id = Id()
    kind = fields.String()
    key = fields.Dict()
    status = fields.String()
    return_time = fields.String()
    state = fields.String()
    reason = fields.String(allow_none=True)
    declaration = fields.String(allow_none=True)
    received_at = fields.String()


class Receipts(Schema):
    items = fields.List(fields.Nested(Receipt))
    next = fields.String(allow_none=True)


class ReceiptTaken(Schema):
    stored = WholeNumber(0, 10**6)
    repeated = WholeNumber(0, 10**6)


class ReportArguments(Schema):
    first = Text(10, data_key="from", required=True, metadata={"description": "a day, or a month such as 2026-01"})
    last = Text(10, data_key="to", required=True, metadata={"description": "a day, or a month; included"})
    by = Text(200, load_default="month", metadata={"description": "cuts, separated by commas"})
    format = Text(20, load_default="json")
    merchant = Id(load_default=None)


class Report(Schema):
    by = fields.List(fields.String())
    currency = fields.String()
    rows = fields.List(fields.Dict())
    totals = fields.Dict()
    note = fields.String()


class ConsignmentLine(Schema):
    hs = hs_code(required=True)
    origin = country(required=True)
    name = Text(250, load_default=None)
    quantity = Quantity(required=True)
    unit = Text(20, required=True)
    value = Money(required=True, least=1)
    origin_proof = Flag(load_default=False)
    preference = fields.Nested(Preference, load_default=None, allow_none=True)
    origin_evidence = Choice(*EVIDENCE, load_default="declared")
    exporter = Text(200, load_default=None, allow_none=True)
    statutory = fields.Nested(StatutoryQuantities, load_default=None, allow_none=True)
    net_content = fields.Nested(NetContent, load_default=None, allow_none=True)


class NewConsignment(Schema):
    warehouse_id = Id(required=True)
    merchant_id = Id(load_default=None)
    merchant_name = Text(200, load_default=None)
    incoterm = Choice("CIF", "CFR", "FOB", load_default="CIF")
    currency = currency(load_default="CNY")
    exchange_rate = exchange_rate(load_default=None, allow_none=True)
    freight = Money(load_default=0)
    insurance = Money(load_default=None, allow_none=True)
    day = Day(load_default=None)
    documents = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 40)),
        values=fields.String(validate=validate.Length(1, 100)),
        load_default=dict,
    )
    lines = fields.List(
        fields.Nested(ConsignmentLine), required=True, validate=validate.Length(1, CONSIGNMENT_LINES_MOST)
    )


class Consignment(DeclarationDetail):
    incoterm = fields.String()
    currency = fields.String()
    exchange_rates = fields.Dict()
    freight = fields.String()
    insurance = fields.String(allow_none=True)
    missing_documents = fields.Dict()
