"""What the calls about coupons take and answer."""

from __future__ import annotations

from marshmallow import fields, validate

from core.schemas import Choice, Id, Instant, Money, Schema, Text, WholeNumber

ROUTES = ("cross_border_retail", "general_trade")
STATES = ("planned", "in_force", "used_up", "over", "stopped")
MOST_FEN = 10**12


class NewCoupon(Schema):
    """Either `amount` off, or `percent` with the cap `at_most`; goods for at least `minimum`."""

    code = Text(60, allow_none=True, load_default=None)
    amount = Money(least=1, most=MOST_FEN, allow_none=True, load_default=None)
    percent = WholeNumber(1, 100, allow_none=True, load_default=None)
    at_most = Money(least=1, most=MOST_FEN, allow_none=True, load_default=None)
    minimum = Money(most=MOST_FEN, load_default=0)
    valid_from = Instant(required=True)
    valid_to = Instant(required=True)
    total_uses = WholeNumber(1, 2**31 - 1, required=True)
    budget = Money(least=1, most=MOST_FEN * 100, required=True)
    uses_per_person = WholeNumber(1, 1000, load_default=1)
    routes = fields.List(Choice(*ROUTES), allow_none=True, load_default=None, validate=validate.Length(1, 2))
    categories = fields.List(Text(40), allow_none=True, load_default=None, validate=validate.Length(1, 50))


class Coupon(Schema):
    """A coupon with what was used of it; unpaid orders count until they lapse."""

    id = Id()
    code = fields.String()
    amount = Money(allow_none=True)
    percent = fields.Integer(allow_none=True)
    at_most = Money(allow_none=True)
    minimum = Money()
    valid_from = Instant()
    valid_to = Instant()
    uses_per_person = fields.Integer()
    routes = fields.List(fields.String(), allow_none=True)
    categories = fields.List(fields.String(), allow_none=True)
    total_uses = fields.Integer()
    used = fields.Integer()
    budget = Money()
    spent = Money()
    state = Choice(*STATES)
    created_at = Instant()
    stopped_at = Instant(allow_none=True)


class Coupons(Schema):
    items = fields.List(fields.Nested(Coupon))
    next = fields.String(allow_none=True)
