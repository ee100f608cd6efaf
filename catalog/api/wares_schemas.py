"""What the calls about pictures, versions, attributes, suggestions and notices take and answer."""

from __future__ import annotations

from marshmallow import fields, validate

from catalog.models import ROUTES
from core.paging import PageArguments
from core.schemas import Choice, Flag, Pattern, Schema, Text, WholeNumber


class Bilingual(Schema):
    zh = fields.String()
    en = fields.String()


class Picture(Schema):
    digest = fields.String()
    width = fields.Integer()
    height = fields.Integer()
    small = fields.String()
    medium = fields.String()
    large = fields.String()


class Requirement(Schema):
    """What goods need beside the listing; `detail` is English, `phrases` holds what it says in both languages."""

    code = fields.String()
    detail = fields.String()
    phrases = fields.Dict()
    source = fields.String()
    law = fields.Nested(Bilingual)
    standing = fields.String()


class Requirements(Schema):
    items = fields.List(fields.Nested(Requirement))


class PictureOrder(Schema):
    order = fields.List(Pattern("[0-9a-f]{64}", "must be the digest of a picture"), required=True,
                        validate=validate.Length(max=8))  # fmt: skip


class PriceChange(Schema):
    """From then on so much was asked; null while the listing was not in the shop."""

    since = fields.String(data_key="from")
    price = fields.String(allow_none=True)


class Version(Schema):
    version = fields.Integer()
    at = fields.String()
    status = fields.String()
    price = fields.String()
    title = fields.Nested(Bilingual)
    description = fields.Nested(Bilingual)
    brand = fields.String()
    specification = fields.String()
    attributes = fields.List(fields.Dict())
    images = fields.List(fields.Nested(Picture))


class Versions(Schema):
    items = fields.List(fields.Nested(Version))
    next = fields.String(allow_none=True)


class AttributeChoice(Schema):
    value = fields.String()
    name = fields.Nested(Bilingual)


class Attribute(Schema):
    key = fields.String()
    name = fields.Nested(Bilingual)
    type = fields.String()
    required = fields.Boolean()
    rule = fields.String()
    unit = fields.Nested(Bilingual, allow_none=True)
    choices = fields.List(fields.Nested(AttributeChoice))


class AttributeArguments(Schema):
    category = Pattern("[a-z][a-z0-9_]{1,39}", "must be the code of a category", required=True)


class SuggestionArguments(Schema):
    q = Text(100, least=0, load_default="")
    category = Pattern("[a-z][a-z0-9_]{1,39}", "must be the code of a category", load_default=None)
    route = Choice(*ROUTES)
    limit = WholeNumber(1, 20, load_default=8)


class RetailList(Schema):
    open = fields.Boolean()
    modes = fields.List(fields.String())
    remark = fields.String()
    cap_kg = fields.String(allow_none=True)
    standing = fields.String(allow_none=True)


class Suggestion(Schema):
    hs = fields.String()
    description = fields.Nested(Bilingual)
    units = fields.List(fields.Dict())
    usual = fields.Boolean()
    declaration_elements = fields.List(fields.String())
    retail = fields.Nested(RetailList)
    duty = fields.Dict()
    controls = fields.String()
    licence = fields.Boolean()


class Suggestions(Schema):
    items = fields.List(fields.Nested(Suggestion))
    suggestions = fields.List(fields.String())
    day = fields.String()
    edition = fields.String()


class NoticeArguments(PageArguments):
    unread = Flag(load_default=False)


class Notice(Schema):
    id = fields.String()
    at = fields.String()
    kind = fields.String()
    listing_id = fields.String(allow_none=True)
    data = fields.Dict()
    read_at = fields.String(allow_none=True)


class Notices(Schema):
    items = fields.List(fields.Nested(Notice))
    next = fields.String(allow_none=True)
