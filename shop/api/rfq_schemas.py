"""What the calls about companies and requests for quotation take and answer. Fields not named here are refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from core.paging import PageArguments
from core.schemas import Choice, Day, Flag, Id, Instant, Money, Pattern, Quantity, Schema, Text, WholeNumber, currency
from customs.duty.terms import INCOTERMS
from shop.api.schemas import MerchantName
from shop.companies import MOVES
from shop.models import PURCHASE_STATUSES
from shop.trade_models import COMPANY_STATUSES, OFFER_STATUSES, RFQ_STATUSES

QUANTITY_MOST = Decimal(10_000_000)
AMOUNT_MOST = Decimal(10_000_000_000)
ANSWERS_MOST = 20
TEXT_MOST = 2000


class NewCompany(Schema):
    registered_name = Text(100, required=True)
    uscc = Text(40, required=True)


class Company(Schema):
    id = Id()
    registered_name = fields.String()
    uscc = fields.String()
    status = Choice(*COMPANY_STATUSES)
    version = fields.Integer()
    reason = fields.String(allow_none=True)
    submitted_at = Instant()
    decided_at = Instant(allow_none=True)


class CompanyUnderReview(Company):
    also_verified = fields.Integer(metadata={"description": "other accounts verified under the same credit code"})
    also_suspended = fields.Integer(metadata={"description": "other accounts suspended under the same credit code"})


class Companies(Schema):
    items = fields.List(fields.Nested(CompanyUnderReview))
    next = fields.String(allow_none=True)


class CompanyArguments(PageArguments):
    status = Choice(*COMPANY_STATUSES, load_default="submitted")


class CompanyDecision(Schema):
    decision = Choice(*MOVES, required=True)
    reason = Text(300, required=True)
    version = WholeNumber(1, 2**31 - 1, required=True, metadata={"description": "the version that was read"})


class RfqAnswer(Schema):
    question = Pattern("[a-z_]{1,40}", "must be one of the questions of the department", required=True)
    answer = Text(500, required=True)


class NewRfq(Schema):
    listing_id = Id(required=True)
    quantity = Quantity(required=True, most=QUANTITY_MOST)
    unit = Text(10, required=True)
    destination = Text(100, required=True)
    needed_by = Day(required=True)
    text = Text(TEXT_MOST, least=0, lines=True, load_default="")
    specification = fields.List(fields.Nested(RfqAnswer), load_default=list, validate=validate.Length(max=ANSWERS_MOST))


class RfqCharges(Schema):
    """Amounts named apart, in the offer's currency."""

    freight = Quantity(zero=True, most=AMOUNT_MOST)
    insurance = Quantity(zero=True, most=AMOUNT_MOST)
    installation = Quantity(zero=True, most=AMOUNT_MOST)
    training = Quantity(zero=True, most=AMOUNT_MOST)


class _Rate(Pattern):
    """CNY for one unit of a currency; Decimal inside."""

    def __init__(self, **kwargs: Any) -> None:
        rule = 'must be a rate above zero as a string such as "7.1234", with at most 8 decimal places'
        super().__init__(r"(?!0(?:\.0+)?\Z)(0|[1-9][0-9]{0,5})(\.[0-9]{1,8})?", rule, **kwargs)
        self.describe(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,8})?$", example="7.1234")

    def read(self, text: str) -> Any:
        return Decimal(super().read(text))


class _Moisture(Pattern):
    """Percent of the wet weight, below 100; Decimal inside."""

    def __init__(self, **kwargs: Any) -> None:
        rule = 'must be a percentage below 100 as a string such as "8.25", with at most 3 decimal places'
        super().__init__(r"(0|[1-9][0-9]?)(\.[0-9]{1,3})?", rule, **kwargs)
        self.describe(example="8.25")

    def read(self, text: str) -> Any:
        return Decimal(super().read(text))


class NewRfqOffer(Schema):
    unit_price = Quantity(
        required=True, most=AMOUNT_MOST, metadata={"description": "for one unit; of resources, for one dry unit"}
    )
    currency = currency(load_default="CNY")
    exchange_rate = _Rate(load_default=None, allow_none=True)
    quantity = Quantity(
        load_default=None,
        allow_none=True,
        most=QUANTITY_MOST,
        metadata={"description": "what is offered, as asked for when left out; of resources, the wet weight"},
    )
    moisture_percent = _Moisture(load_default=None, allow_none=True)
    incoterm = Choice(*INCOTERMS, required=True)
    delivery_weeks = WholeNumber(0, 260, required=True)
    valid_until = Instant(required=True)
    terms = Text(TEXT_MOST, least=0, lines=True, load_default="")
    charges = fields.Nested(RfqCharges, load_default=dict)
    service = Pattern("[a-z_]{1,60}", "must be a kind of service (service_rates)", load_default=None, allow_none=True)


class RfqDecline(Schema):
    reason = Text(300, required=True)


class NewRfqMessage(Schema):
    text = Text(TEXT_MOST, required=True, lines=True)


class RfqAcceptance(Schema):
    address_id = Id(load_default=None, allow_none=True)


class MerchantRfqArguments(PageArguments):
    status = Choice(*RFQ_STATUSES)


class CompanyName(Schema):
    name = fields.String()
    uscc = fields.String()


class QuotedListing(Schema):
    id = Id()
    version = fields.Integer()
    sku = fields.String()
    title = fields.Dict()
    category = fields.String()
    hs = fields.String(allow_none=True)
    origin = fields.String()
    route = fields.String()


class RfqOffer(Schema):
    id = Id()
    rfq = Id()
    revision = fields.Integer()
    status = Choice(*OFFER_STATUSES)
    created_at = Instant()
    valid_until = Instant()
    decided_at = Instant(allow_none=True)
    quantity = Quantity()
    unit = fields.String()
    unit_price = Quantity()
    priced_by = Choice("quantity", "dry_weight")
    currency = fields.String()
    exchange_rate = fields.String(allow_none=True)
    moisture_percent = fields.String(allow_none=True)
    dry_quantity = Quantity(allow_none=True)
    incoterm = fields.String()
    delivery_weeks = fields.Integer()
    terms = fields.String()
    amounts = fields.Dict(metadata={"description": "in the offer's currency"})
    goods = Money()
    freight = Money()
    insurance = Money()
    installation = Money()
    training = Money()
    total = Money()
    payable = Flag(metadata={"description": "whether one payment can take it"})
    law = fields.Dict(
        allow_none=True, metadata={"description": "duties at import or VAT to be withheld, on the offer's day"}
    )


class RfqMessage(Schema):
    at = Instant()
    side = fields.String()
    text = fields.String()


class RfqCard(Schema):
    id = Id()
    number = fields.String()
    status = Choice(*RFQ_STATUSES)
    reason = fields.String(allow_none=True)
    created_at = Instant()
    changed_at = Instant()
    expires_at = Instant()
    company = fields.Nested(CompanyName)
    merchant = fields.Nested(MerchantName)
    listing = fields.Nested(QuotedListing)
    department = fields.String()
    quantity = Quantity()
    unit = fields.String()
    destination = fields.String()
    needed_by = Day()
    text = fields.String()
    specification = fields.List(fields.Nested(RfqAnswer))
    news = Flag()
    purchase = Id(allow_none=True)
    offer = fields.Nested(RfqOffer, allow_none=True)


class RfqDetail(RfqCard):
    side = Choice("company", "merchant", "operator")
    purchase_status = Choice(*PURCHASE_STATUSES, allow_none=True, metadata={"description": "of the order it became"})
    offers = fields.List(fields.Nested(RfqOffer))
    messages = fields.List(fields.Nested(RfqMessage))


class Rfqs(Schema):
    items = fields.List(fields.Nested(RfqCard))
    next = fields.String(allow_none=True)
