"""Bodies and answers of payouts, statements and the books."""

from __future__ import annotations

from marshmallow import fields

from core import paging
from core.schemas import Choice, Id, Schema, Text
from shop.payout_models import PAYOUT_STATUSES


class OfMerchant(Schema):
    merchant = Id(load_default=None, metadata={"description": "for operators: whose"})


class PayoutQuery(paging.PageArguments):
    merchant = Id(load_default=None, metadata={"description": "for operators: whose; all without it"})


class StatementQuery(OfMerchant):
    format = Choice("json", "csv", "pdf", load_default="json")
    language = Choice("zh", "en", load_default="zh")


class PayoutMerchant(Schema):
    id = fields.String()
    name = fields.String()


class PayoutEntry(Schema):
    id = fields.String()
    merchant = fields.Nested(PayoutMerchant)
    amount = fields.String(metadata={"example": "99.49"})
    reversed = fields.String()
    currency = fields.String()
    status = fields.String(metadata={"enum": list(PAYOUT_STATUSES)})
    reason = fields.String(allow_none=True)
    account = fields.String()
    created_at = fields.String()
    sent_at = fields.String(allow_none=True)
    paid_at = fields.String(allow_none=True)
    failed_at = fields.String(allow_none=True)


class PayoutPage(Schema):
    items = fields.List(fields.Nested(PayoutEntry))
    next = fields.String(allow_none=True)


class PayoutOrder(Schema):
    order = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    balance = fields.String()
    fee = fields.String()
    amount = fields.String()


class PayoutDetail(PayoutEntry):
    orders = fields.List(fields.Nested(PayoutOrder))


class PayoutAccountState(Schema):
    state = fields.String(metadata={"enum": ["none", "incomplete", "ready"]})
    account = fields.String(allow_none=True)
    own = fields.Boolean(allow_none=True, metadata={"description": "opened by the platform"})
    checked_at = fields.String(allow_none=True)


class DueOrder(Schema):
    order = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    amount = fields.String()
    state = fields.String(metadata={"enum": ["payable", "waiting", "held", "owed_back"]})
    payable_on = fields.String(allow_none=True)
    hold = fields.String(allow_none=True, metadata={"enum": ["return", "refund", "dispute", "incident"]})


class PayoutBalance(Schema):
    balance = fields.String()
    payable = fields.String()
    waiting = fields.String()
    held = fields.String()
    owed_back = fields.String()
    account = fields.Nested(PayoutAccountState)
    orders = fields.List(fields.Nested(DueOrder))


class PayoutRun(Schema):
    paid = fields.Integer(metadata={"description": "merchants"})
    waiting = fields.Integer()
    failed = fields.Integer()


class StatementOrder(Schema):
    day = fields.String()
    number = fields.String()
    goods = fields.String()
    refunds = fields.String()
    recovered = fields.String()
    fee = fields.String()
    amount = fields.String()


class StatementPayout(Schema):
    day = fields.String()
    payout = fields.String()
    kind = fields.String(metadata={"enum": ["sent", "came_back"]})
    amount = fields.String()


class MerchantStatement(Schema):
    merchant = fields.Nested(PayoutMerchant)
    month = fields.String()
    final = fields.Boolean()
    opening = fields.String()
    orders = fields.List(fields.Nested(StatementOrder))
    payouts = fields.List(fields.Nested(StatementPayout))
    closing = fields.String()


class StatementMonths(Schema):
    months = fields.List(fields.String())


class AccountSum(Schema):
    account = fields.String()
    currency = fields.String()
    amount = fields.String()


class BooksReport(Schema):
    started_at = fields.String()
    finished_at = fields.String()
    offline = fields.Boolean()
    orders = fields.Integer()
    sums = fields.List(fields.Nested(AccountSum))
    faults = fields.List(fields.String())
    fault_count = fields.Integer()


class Books(Schema):
    last = fields.Nested(BooksReport, allow_none=True)


class Remedy(Schema):
    remedy = Text(500, required=True)
