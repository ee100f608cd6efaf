"""What the shop's calls take and answer. Fields not named here are refused."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from core.schemas import Choice, Day, Flag, Id, Instant, Money, Pattern, Quantity, Schema, Text, WholeNumber
from shop.api.fulfilment_schemas import (
    LINES_MOST,
    QUANTITY_MOST,
    AcceptedNotice,
    Consent,
    ConsumerNotice,
    FreightBasis,
    Parcel,
    Shortage,
)

_PHONE = r"\+?[0-9](?:[0-9 -]{5,17})[0-9]"


class NewAccount(Schema):
    email = Text(254, required=True)
    password = Text(200, required=True)
    name = Text(100, required=True)


class Account(Schema):
    id = Id()
    email = fields.String()


class Login(Schema):
    email = Text(254, required=True)
    password = Text(200, required=True)


class Token(Schema):
    token = fields.String()
    expires_at = Instant()


class MerchantName(Schema):
    id = Id()
    name = fields.String()


class OwnMerchant(MerchantName):
    role = fields.String()


class Me(Schema):
    id = Id()
    email = fields.String()
    name = fields.String()
    roles = fields.List(fields.String())
    merchant = fields.Nested(OwnMerchant, allow_none=True)


class NewIdentity(Schema):
    name = Text(60, required=True)
    id_number = Text(60, required=True)
    phone = Text(40, required=True)


class Identity(Schema):
    name = fields.String()
    id_number = fields.String(metadata={"description": "masked: 110***********002X"})
    verified = Flag()


class AllowanceYear(Schema):
    year = WholeNumber(2014, 2999, load_default=None)


class AllowanceEntry(Schema):
    """Where `own` is false another account of the person ordered: `at` is the beginning of the day, `order` null."""

    id = fields.Integer()
    at = Instant()
    order = fields.String(allow_none=True)
    own = fields.Boolean()
    amount = fields.String()
    kind = fields.String()
    dispute = Choice("open", "closed", allow_none=True)


class NewAllowanceDispute(Schema):
    entry = WholeNumber(1, 2**63 - 1, required=True)
    reason = Text(300, required=True)


class WeightOfYear(Schema):
    """Kilograms of goods that are capped by person and year; only where the person had some."""

    group = fields.String()
    cap_kg = fields.String()
    held_kg = fields.String()
    used_kg = fields.String()
    left_kg = fields.String()


class Allowance(Schema):
    year = fields.Integer()
    limit = fields.String()
    used = fields.String()
    reserved = fields.String()
    remaining = fields.String()
    entries = fields.List(fields.Nested(AllowanceEntry))
    weights = fields.List(fields.Nested(WeightOfYear))


class _AddressFields(Schema):
    recipient = Text(60)
    phone = Pattern(_PHONE, "must be a telephone number")
    province = Text(30)
    city = Text(30)
    district = Text(30)
    district_code = Pattern("[0-9]{6}", "must be a code of 6 digits", allow_none=True)
    street = Text(100)
    postcode = Pattern("[0-9]{6}", "must be a postcode of 6 digits")


class AddressChange(_AddressFields):
    """Any of the fields."""


class NewAddress(_AddressFields):
    """All of the fields; the district code may be missing."""

    @validates_schema
    def _complete(self, data: dict[str, object], **_: object) -> None:
        missing = [name for name in self.fields if name != "district_code" and name not in data]
        if missing:
            raise ValidationError({name: ["Missing data for required field."] for name in missing})


class Address(_AddressFields):
    id = Id()


class Addresses(Schema):
    items = fields.List(fields.Nested(Address))
    next = fields.String(allow_none=True)


class Item(Schema):
    listing_id = Id(required=True)
    quantity = Quantity(required=True, most=QUANTITY_MOST)


class ItemQuantity(Schema):
    quantity = Quantity(required=True, most=QUANTITY_MOST)


def _items(**kwargs: object) -> fields.List:
    bounds = validate.Length(1, LINES_MOST, error=f"must hold 1 to {LINES_MOST} lines")
    return fields.List(fields.Nested(Item), validate=bounds, **kwargs)  # type: ignore[arg-type]


class NewCart(Schema):
    items = fields.List(fields.Nested(Item), required=True, validate=validate.Length(0, LINES_MOST))


class Cart(Schema):
    items = fields.List(fields.Dict())


class CouponChoice(Schema):
    """One coupon for the whole purchase; case, spaces and dashes do not count."""

    coupon = Text(40, allow_none=True, load_default=None)


class QuoteRequest(CouponChoice):
    items = _items(required=True)
    address_id = Id(allow_none=True, load_default=None)


class PaymentChoice(Schema):
    """`card`: goods priced by the kg are authorised at 110 % and charged by their real weight."""

    payment_method = Choice("card", allow_none=True, load_default=None)


class NewOrder(PaymentChoice, CouponChoice):
    """Either a quote as given, or the items to be quoted and placed in one step.

    Placing retail goods accepts the consumer notice that stood in the quote; `consent` names its version. A quote holds
    its coupon; one named beside it must be the same.
    """

    quote = Pattern("[A-Za-z0-9_.=-]{1,200000}", "is not a quote", load_default=None)
    items = _items(load_default=None)
    address_id = Id(allow_none=True, load_default=None)
    consent = fields.Nested(Consent, allow_none=True, load_default=None)

    @validates_schema
    def _one_of(self, data: dict[str, object], **_: object) -> None:
        if (data.get("quote") is None) == (data.get("items") is None):
            raise ValidationError({"quote": ["give either quote or items"]})


class Happened(Schema):
    at = Instant(required=True)


class Cancellation(Schema):
    reason = Text(200, load_default=None)


class PaymentReview(Schema):
    decision = Choice("accept", "refuse", required=True)
    reason = Text(200, required=True)


class ReturnedLine(Schema):
    line = WholeNumber(1, 1000, required=True)
    quantity = Quantity(required=True, most=QUANTITY_MOST)


class NewReturn(Schema):
    lines = fields.List(fields.Nested(ReturnedLine), required=True, validate=validate.Length(1, LINES_MOST))
    reason = Text(200, required=True)


class Return(Schema):
    id = Id()
    order = Id()
    number = fields.String(allow_none=True)
    status = Choice("requested", "refused", "accepted", "settled")
    lines = fields.List(fields.Nested(ReturnedLine))
    reason = fields.String()
    goods = Money(allow_none=True)
    tax = Money(allow_none=True)
    discount = Money(allow_none=True)
    requested_at = Instant()
    accepted_at = Instant(allow_none=True)
    received_at = Instant(allow_none=True)
    recorded_at = Instant(allow_none=True)
    refund = Id(allow_none=True)


class Returns(Schema):
    items = fields.List(fields.Nested(Return))
    next = fields.String(allow_none=True)


class Explanation(Schema):
    step = fields.String()
    formula = fields.String()
    words = fields.String()
    inputs = fields.Dict()
    amount = fields.String()
    exact = fields.String()
    law = fields.String()
    parameters = fields.List(fields.Dict())
    phrases = fields.Dict()


class ReducedUnits(Schema):
    """So many units of a line at a promotion's price; more than it had left pay the regular one."""

    id = Id()
    units = Quantity()
    price = Money()
    regular_price = Money()
    limited = Flag()


class ServingLot(Schema):
    lot_id = Id()
    batch_no = fields.String()
    expires_on = fields.String(allow_none=True)
    quantity = Quantity()
    left = Quantity()
    weight_kg = Quantity(allow_none=True)


class Line(Schema):
    line = fields.Integer()
    listing_id = Id()
    hs = fields.String(allow_none=True)
    origin = fields.String()
    quantity = Quantity()
    catch_weight = fields.Dict(allow_none=True)
    promotion = fields.Nested(ReducedUnits, allow_none=True)
    unit_price = Money()
    goods = Money()
    discount = Money()
    freight = Money()
    insurance = Money()
    dutiable_value = Money()
    duty = Money()
    additional_duty = Money()
    consumption_tax = Money()
    vat = Money()
    tax = Money()
    explanation = fields.List(fields.Nested(Explanation))
    lots = fields.List(fields.Nested(ServingLot), metadata={"description": "For the merchant and operators."})


class DetailedLine(Line):
    """A line with how much of it has left, could not be supplied, and is left to send."""

    sent = Quantity()
    short = Quantity()
    left = Quantity()


class _Sums(Schema):
    merchant = fields.Nested(MerchantName)
    route = Choice("cross_border_retail", "general_trade", "services")
    mode = fields.String(allow_none=True)
    warehouse = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(Line))
    goods = Money()
    freight = Money()
    insurance = Money()
    discount = Money()
    duty = Money()
    additional_duty = Money()
    consumption_tax = Money()
    vat = Money()
    tax = Money()
    total = Money()


class QuotedAllowance(Schema):
    before = Money()
    after = Money()


class QuotedOrder(_Sums):
    allowance = fields.Nested(QuotedAllowance, allow_none=True)


class Blocked(Schema):
    code = fields.String()
    detail = fields.String()
    hint = fields.String(allow_none=True)
    listing_id = Id(allow_none=True)
    order = fields.Integer(allow_none=True)
    phrases = fields.Dict()
    help = fields.Dict()


class QuotedCoupon(Schema):
    code = fields.String()
    discount = Money()


class Quote(Schema):
    orders = fields.List(fields.Nested(QuotedOrder))
    total = Money()
    coupon = fields.Nested(QuotedCoupon, allow_none=True)
    freight_basis = fields.Nested(FreightBasis)
    notice = fields.Nested(ConsumerNotice, allow_none=True)
    valid_until = Instant()
    quote = fields.String()
    blocked = fields.List(fields.Nested(Blocked))


class TimelineEntry(Schema):
    at = Instant()
    happened_at = Instant(allow_none=True)
    event = fields.String()
    status = fields.String()
    detail = fields.String(allow_none=True)
    customs = fields.Dict(allow_none=True, metadata={"description": "what customs does and what comes next, zh and en"})


class Taxes(Schema):
    duty = Money()
    additional_duty = Money()
    consumption_tax = Money()
    vat = Money()
    tax = Money()
    day = Day()
    edition = fields.String()


class Order(_Sums):
    id = Id()
    number = fields.String()
    purchase = Id()
    status = fields.String()
    created_at = Instant()
    paid_at = Instant(allow_none=True)
    waybill_no = fields.String(allow_none=True)
    refunded = Money()
    quoted = fields.Dict(allow_none=True)
    address = fields.Dict()
    notice = fields.Nested(AcceptedNotice, allow_none=True)


class Dispute(Schema):
    id = fields.String()
    state = Choice("inquiry", "open", "won", "lost")
    reason = fields.String()
    amount = Money()
    opened_at = Instant()
    evidence_due_at = Instant(allow_none=True)
    closed_at = Instant(allow_none=True)


class OrderDetail(Order):
    lines = fields.List(fields.Nested(DetailedLine))
    timeline = fields.List(fields.Nested(TimelineEntry))
    declaration = fields.Dict(allow_none=True)
    taxes = fields.Nested(Taxes)
    parcels = fields.List(fields.Nested(Parcel))
    disputes = fields.List(fields.Nested(Dispute))
    shortages = fields.List(fields.Nested(Shortage))


class Orders(Schema):
    items = fields.List(fields.Nested(Order))
    next = fields.String(allow_none=True)


class PaymentHandle(Schema):
    provider = fields.String()
    intent = fields.String()
    client_secret = fields.String()
    publishable_key = fields.String()
    amount = fields.Integer()
    currency = fields.String()
    capture = Choice("automatic", "by_weight")


class Purchase(Schema):
    purchase = Id()
    orders = fields.List(fields.Nested(Order))
    total = Money()
    expires_at = Instant()
    authorised_at = Instant(allow_none=True)
    payment = fields.Nested(PaymentHandle, allow_none=True)


class Incident(Schema):
    id = fields.Integer()
    at = Instant()
    kind = fields.String()
    object_type = fields.String()
    object_id = fields.String()
    detail = fields.Dict()
    closed_at = fields.String(allow_none=True)
    closed_by = fields.String(allow_none=True)
    remedy = fields.String(allow_none=True)


class Incidents(Schema):
    items = fields.List(fields.Nested(Incident))
    next = fields.String(allow_none=True)


class Received(Schema):
    received = Flag()
