"""What the calls about the order of the shelf answer: its formula, and who is shown how often."""

from __future__ import annotations

from marshmallow import fields

from catalog.api.schemas import Name, SellerName
from core.schemas import Day, Schema


class RankingPart(Schema):
    part = fields.String()
    most = fields.Integer()
    reckoned = fields.Nested(Name)


class RankingScore(Schema):
    most = fields.Integer()
    formula = fields.String()


class RankingNote(Schema):
    points = fields.Integer()
    most = fields.Integer()
    reckoned = fields.Nested(Name)


class Ranking(Schema):
    rule = fields.String()
    score = fields.Nested(RankingScore)
    parts = fields.List(fields.Nested(RankingPart))
    exact = fields.Nested(RankingNote)
    head = fields.Nested(RankingNote)
    never = fields.List(fields.Nested(Name))


class Period(Schema):
    """Beijing days, both inclusive; by default the last 30."""

    first = Day(data_key="from", load_default=None)
    last = Day(data_key="to", load_default=None)


class SellerExposure(Schema):
    merchant = fields.Nested(SellerName)
    shown = fields.Integer(metadata={"description": "cards shown"})
    share = fields.String(metadata={"description": "of all cards shown in the category, in percent"})
    share_listed = fields.String(metadata={"description": "of all listings on sale in the category now, in percent"})


class CategoryExposure(Schema):
    category = fields.String()
    name = fields.Nested(Name)
    shown = fields.Integer()
    merchants = fields.Integer()
    hhi = fields.Integer(metadata={"description": "Herfindahl-Hirschman index of the shares of cards, 0 to 10,000"})
    hhi_listed = fields.Integer(metadata={"description": "the same of the listings on sale now"})
    largest = fields.List(fields.Nested(SellerExposure))


class ExposureReport(Schema):
    first = fields.String(data_key="from", attribute="from")
    last = fields.String(data_key="to", attribute="to")
    categories = fields.List(fields.Nested(CategoryExposure))
