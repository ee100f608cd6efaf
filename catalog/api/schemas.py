"""What the catalogue's calls take and answer. Fields not named here are refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from catalog.api import shelf_schemas, wares_schemas
from catalog.api.member_schemas import Payout
from catalog.api.stock_schemas import LeastLife, Lot
from catalog.models import PRICE_MOST, PRICED_BY, RETAIL_MODES, ROUTES
from catalog.search import SORTS
from core.paging import PageArguments
from core.schemas import Choice, Day, Flag, Id, Money, Pattern, Quantity, Schema, Text, WholeNumber, country, hs_code

UNITS = (
    *("kg", "g", "t", "l", "ml", "m", "piece", "item", "each", "machine", "set", "pair", "dozen"),
    *("box", "carton", "packet", "bag", "can", "bottle", "barrel", "project", "hour"),
)
_CATEGORY = ("[a-z][a-z0-9_]{1,39}", "must be the code of a category")
_DESCRIPTION_MOST = 5000


class TextOr(fields.Field):
    """A plain text, or an object of named texts."""

    def __init__(self, most: int, schema: type[Schema], **kwargs: Any) -> None:
        self.plain, self.nested = Text(most), schema()
        told = {"description": f"a text, or an object of {', '.join(self.nested.fields)}"}
        super().__init__(metadata=told, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return self.nested.load(value) if isinstance(value, dict) else self.plain.deserialize(value)


class Contact(Schema):
    name = Text(60, required=True)
    phone = Pattern(r"\+?[0-9](?:[0-9 -]{5,17})[0-9]", "must be a telephone number")
    email = Text(254)


class Agent(Schema):
    name = Text(100, required=True)
    uscc = Pattern("[0-9A-Z]{18}", "must be a unified social credit code")
    customs_code = Pattern("[0-9A-Z]{10}", "must be a customs registration of 10 characters")


class NewMerchant(Schema):
    registered_name = Text(100, required=True)
    uscc = Text(40)
    foreign_registration_no = Text(60)
    country = country()
    payout = fields.Nested(Payout, load_default=None, allow_none=True)
    customs_code = Pattern("[0-9A-Z]{10}", "must be a customs registration of 10 characters", required=True)
    domestic_agent = TextOr(200, Agent, load_default=None, allow_none=True)
    contact = TextOr(200, Contact, required=True)

    @validates_schema
    def _registered(self, data: dict[str, Any], **_: Any) -> None:
        """A domestic enterprise has a credit code; a foreign company its own country's number, and an agent here."""
        if data.keys().isdisjoint(("foreign_registration_no", "country")):
            if "uscc" not in data:
                raise ValidationError({"uscc": ["is required, or foreign_registration_no and country"]})
            return
        if "uscc" in data:
            raise ValidationError({"uscc": ["is the agent's for a foreign company: give domestic_agent.uscc"]})
        for name in ("foreign_registration_no", "country"):
            if name not in data:
                raise ValidationError({name: ["is required for a foreign company"]})
        if data["country"] == "CN":
            raise ValidationError({"country": ["must be another country: a domestic enterprise gives its uscc"]})
        agent = data.get("domestic_agent")
        if not isinstance(agent, dict) or "uscc" not in agent:
            raise ValidationError({"domestic_agent": ["a foreign company needs an agent: {name, uscc}"]})


class MerchantChange(Schema):
    contact = TextOr(200, Contact)
    payout = fields.Nested(Payout)


class Merchant(Schema):
    id = fields.String()
    registered_name = fields.String()
    uscc = fields.String(allow_none=True)
    foreign_registration_no = fields.String(allow_none=True)
    country = fields.String()
    payout = fields.Dict(allow_none=True)
    customs_code = fields.String()
    domestic_agent = fields.Raw(allow_none=True)
    contact = fields.Raw()
    status = fields.String()
    reason = fields.String(allow_none=True)
    submitted_at = fields.String()
    decided_at = fields.String(allow_none=True)


class Merchants(Schema):
    items = fields.List(fields.Nested(Merchant))
    next = fields.String(allow_none=True)


class Profile(Schema):
    id = fields.String()
    name = fields.String()
    uscc = fields.String(allow_none=True)
    country = fields.String()
    foreign_registration_no = fields.String()
    domestic_agent = fields.Dict()
    customs_code = fields.String()
    since = fields.String(allow_none=True)


class Name(Schema):
    zh = fields.String()
    en = fields.String()


class Category(Schema):
    code = fields.String()
    name = fields.Nested(Name)
    children = fields.List(fields.Nested(lambda: Category()))


class SellerName(Schema):
    id = fields.String()
    name = fields.String()


class Card(Schema):
    id = fields.String()
    sku = fields.String()
    title = fields.Nested(Name)
    category = fields.String()
    merchant = fields.Nested(SellerName)
    origin = fields.String()
    hs = fields.String(allow_none=True)
    route = fields.String()
    mode = fields.String(allow_none=True)
    unit = fields.String()
    price = fields.String()
    was_price = fields.String(allow_none=True)
    tax = fields.String()
    landed_price = fields.String()
    tax_included = fields.Boolean()
    available = fields.String()
    cold_chain = fields.Boolean()
    image = fields.String()
    ranking = fields.Nested(shelf_schemas.Rank, metadata={"description": "in the order of relevance"})


class Cards(Schema):
    items = fields.List(fields.Nested(Card))
    next = fields.String(allow_none=True)
    facets = fields.Nested(shelf_schemas.Facets, metadata={"description": "with facets=1"})


class Detail(Card):
    description = fields.Nested(Name)
    facts = fields.Dict()
    tax_breakdown = fields.Dict()
    images = fields.List(fields.Nested(wares_schemas.Picture))
    price_history = fields.List(fields.Nested(wares_schemas.PriceChange))
    hindrance = fields.Dict(allow_none=True)


class Browse(PageArguments):
    q = Text(100, load_default=None)
    category = Pattern(*_CATEGORY, load_default=None)
    origin = country(load_default=None)
    route = Choice(*ROUTES)
    merchant = Id(load_default=None)
    min_price = Money(load_default=None)
    max_price = Money(load_default=None)
    sort = Choice(*SORTS)
    facets = Flag(load_default=False)


class Title(Schema):
    zh = Text(200)
    en = Text(200)

    @validates_schema
    def _one_at_least(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("needs zh, en or both")


class Description(Schema):
    zh = Text(_DESCRIPTION_MOST, lines=True)
    en = Text(_DESCRIPTION_MOST, lines=True)


class UnitQuantities(Schema):
    """Quantities of the code's first and second statutory unit in one sales unit."""

    unit1_quantity = Quantity()
    unit2_quantity = Quantity()


class LabelContent(Schema):
    quantity = Quantity(required=True)
    unit = Choice("g", "kg", "ml", "L", "piece", required=True)


class Texts(fields.Field):
    """An object of short texts, such as declaration elements: {name: value}."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        told = {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": most}
        super().__init__(metadata=told, **kwargs)
        self.most, self.name_of, self.text = most, Text(60), Text(255)
        self.rule = f"must be an object of at most {most} texts"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError(self.rule)
        return self.read(value)

    def read(self, value: Mapping[str, Any]) -> dict[str, str]:
        if len(value) > self.most:
            raise ValidationError(self.rule)
        return {self.name_of.deserialize(name): self.text.deserialize(entry) for name, entry in value.items()}


class _ListingFields(Schema):
    sku = Pattern("[!-~]{1,64}", "must have 1 to 64 visible ASCII characters without spaces")
    title = fields.Nested(Title)
    description = fields.Nested(Description)
    category = Pattern(*_CATEGORY)
    hs = hs_code(allow_none=True)
    origin = country()
    route = Choice(*ROUTES)
    mode = Choice(*RETAIL_MODES, allow_none=True)
    unit = Choice(*UNITS)
    price = Money(least=1, most=PRICE_MOST)
    net_weight_kg = Quantity(most=Decimal(10**8), allow_none=True)
    gross_weight_kg = Quantity(most=Decimal(10**8), allow_none=True)
    brand = Text(100)
    specification = Text(255)
    declaration_elements = Texts(40)
    statutory = fields.Nested(UnitQuantities)
    net_content = fields.Nested(LabelContent, allow_none=True)
    gtin = Text(14, allow_none=True)
    establishment_no = Text(40, allow_none=True)
    cold_chain = Flag()
    attributes = Texts(40)
    priced_by = Choice(*PRICED_BY)
    price_per_kg = Money(least=1, most=PRICE_MOST, allow_none=True)
    piece_weight_kg = Quantity(most=Decimal(10**4), allow_none=True)
    weight_tolerance = WholeNumber(0, 10, allow_none=True)
    least_life = fields.Nested(LeastLife, allow_none=True)


class ListingChange(_ListingFields):
    """Any of the fields."""


def missing_fields(data: Mapping[str, Any]) -> list[str]:
    """What a new listing needs and does not have."""
    needed = ["sku", "title", "category", "origin", "route", "unit", "price", "brand", "specification"]
    if data.get("route") != "services":
        needed += ["hs", "net_weight_kg"]
    if data.get("priced_by") == "kg":  # both follow from the weight of a piece
        needed = [name for name in needed if name not in ("price", "net_weight_kg")]
    return [name for name in needed if data.get(name) is None]


class NewListing(_ListingFields):
    @validates_schema
    def _complete(self, data: dict[str, Any], **_: Any) -> None:
        missing = missing_fields(data)
        if missing:
            raise ValidationError({name: ["is required"] for name in missing})


class Managed(Schema):
    id = fields.String()
    version = fields.Integer()
    status = fields.String()
    reasons = fields.List(fields.String())
    title = fields.Nested(Name)
    description = fields.Nested(Name)
    sku = fields.String()
    category = fields.String()
    hs = fields.String(allow_none=True)
    origin = fields.String()
    route = fields.String()
    mode = fields.String(allow_none=True)
    unit = fields.String()
    price = fields.String()
    net_weight_kg = fields.String(allow_none=True)
    gross_weight_kg = fields.String(allow_none=True)
    brand = fields.String()
    specification = fields.String()
    declaration_elements = fields.Dict()
    statutory = fields.Dict()
    net_content = fields.Dict(allow_none=True)
    gtin = fields.String(allow_none=True)
    establishment_no = fields.String(allow_none=True)
    cold_chain = fields.Boolean()
    attributes = fields.Dict()
    priced_by = fields.String()
    price_per_kg = fields.String(allow_none=True)
    piece_weight_kg = fields.String(allow_none=True)
    weight_tolerance = fields.Integer(allow_none=True)
    least_life = fields.Dict(allow_none=True)
    image = fields.String()
    images = fields.List(fields.Nested(wares_schemas.Picture))
    submitted_at = fields.String(allow_none=True)
    published_at = fields.String(allow_none=True)
    merchant = fields.Nested(SellerName)
    confirm_remark = fields.Dict(allow_none=True)  # for the operator who reviews it


class ManagedPage(Schema):
    items = fields.List(fields.Nested(Managed))
    next = fields.String(allow_none=True)


class ManagedArguments(PageArguments):
    status = Choice("draft", "submitted", "published", "withdrawn")


class MerchantArguments(PageArguments):
    status = Choice("submitted", "approved", "suspended", "rejected", load_default="submitted")


class _Decision(Schema):
    reason = Text(500, least=0, load_default="")

    @validates_schema
    def _says_why(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("decision") in ("reject", "suspend") and not data["reason"].strip():
            raise ValidationError({"reason": ["is required: the merchant must know why"]})


class ListingDecision(_Decision):
    decision = Choice("approve", "reject", required=True)


class MerchantDecision(_Decision):
    decision = Choice("approve", "reject", "suspend", "reinstate", required=True)


class NewLot(Schema):
    listing_id = Id(required=True)
    batch_no = Text(60, required=True)
    produced_on = Day(load_default=None, allow_none=True)
    expires_on = Day(load_default=None, allow_none=True)
    quantity = Quantity(required=True)
    warehouse = Text(100, load_default=None, allow_none=True)
    item_record_no = Pattern("[0-9A-Za-z-]{1,30}", "must be an item record number", load_default=None, allow_none=True)
    consignment_line_id = Id(load_default=None, allow_none=True)
    weight_kg = Quantity(load_default=None, allow_none=True)


class Lots(Schema):
    items = fields.List(fields.Nested(Lot))
    next = fields.String(allow_none=True)


class LotArguments(PageArguments):
    listing_id = Id(load_default=None)


class Block(Schema):
    reason = Text(200, required=True)


class Adjustment(Schema):
    counted = Quantity(zero=True, required=True)
    weight_kg = Quantity(zero=True, load_default=None, allow_none=True)
    reason = Text(80, required=True)


class Policy(Schema):
    rules = fields.List(fields.Dict())
    fees = fields.List(fields.Dict())
    ranking = fields.String()
