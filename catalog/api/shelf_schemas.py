"""What stands beside the cards of a page: how many listings under each filter, and why a card ranks where it does."""

from __future__ import annotations

from marshmallow import fields

from core.schemas import Schema


class CategoryName(Schema):
    zh = fields.String()
    en = fields.String()


class Facet(Schema):
    value = fields.String()
    count = fields.Integer()


class CategoryFacet(Facet):
    name = fields.Nested(CategoryName)


class MerchantFacet(Facet):
    name = fields.String()


class PriceFacet(Facet):
    """A band of prices; both edges belong to it, null is open."""

    min_price = fields.String(allow_none=True)
    max_price = fields.String(allow_none=True)


class Facets(Schema):
    """Counts of what the same request leaves. `capped`: more than 10,000 match, and 10,000 of them were counted."""

    category = fields.List(fields.Nested(CategoryFacet))
    origin = fields.List(fields.Nested(Facet))
    route = fields.List(fields.Nested(Facet))
    merchant = fields.List(fields.Nested(MerchantFacet), metadata={"description": "the twenty largest"})
    price = fields.List(fields.Nested(PriceFacet))
    total = fields.Integer()
    capped = fields.Boolean()


class RankPart(Schema):
    part = fields.String()
    points = fields.Integer()
    most = fields.Integer()


class Rank(Schema):
    score = fields.Integer()
    parts = fields.List(fields.Nested(RankPart))
    rule = fields.String()
