"""An offer: what is sold at which price, freight and tax, on one day and one edition of the law; and its signed token.

A quote shows an offer and an order is placed on one, so both speak of the same numbers. The token carries everything
the offer rests on; read back, its taxes are computed again and must come out the same, or it is stale.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from catalog.sale import SaleFacts
from core import clock, config
from core.errors import Problem, declare

VALID_FOR = timedelta(minutes=15)

QUOTE_INVALID = declare("quote_invalid", 422, "This is not a quote of ours, or not for this account")
QUOTE_EXPIRED = declare("quote_expired", 409, "The quote's time is over; ask for a new one")
QUOTE_STALE = declare("quote_stale", 409, "What the quote rested on has changed; ask for a new one")


@dataclass(slots=True)
class OfferLine:
    """`facts` is the listing as offered, JSON values; amounts in fen; `assessment` is the engine's line read out."""

    listing_id: uuid.UUID
    version: int
    facts: dict[str, Any]
    quantity: Decimal
    unit_price_fen: int
    goods_fen: int
    discount_fen: int = 0
    freight_fen: int = 0
    insurance_fen: int = 0
    dutiable_value_fen: int = 0
    duty_fen: int = 0
    additional_duty_fen: int = 0
    consumption_tax_fen: int = 0
    vat_fen: int = 0
    tax_fen: int = 0
    assessment: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class OfferOrder:
    """One merchant, route, mode and warehouse; no warehouse when none has any of it. Services have no mode either.

    `above` is the code of the limit that an order is above, so that its taxes are only what they would be inside;
    `within` that the engine has found it within all of them.
    """

    merchant_id: uuid.UUID
    merchant_name: str
    route: str
    mode: str | None
    warehouse_id: uuid.UUID | None
    lines: list[OfferLine]
    above: str | None = None
    within: bool = False

    @property
    def retail(self) -> bool:
        return self.route == "cross_border_retail"

    @property
    def cold_chain(self) -> bool:
        """One cold line makes the parcel a cold one."""
        return any(line.facts["cold_chain"] for line in self.lines)

    def sum(self, name: str) -> int:
        return sum(getattr(line, name) for line in self.lines)

    @property
    def total_fen(self) -> int:
        paid = sum(self.sum(name) for name in ("goods_fen", "freight_fen", "insurance_fen", "tax_fen"))
        return paid - self.sum("discount_fen")


@dataclass(slots=True)
class Offer:
    """`account_id` and `address_id` are None for a quote that anybody asked.

    `zone` is the delivery zone that freight was reckoned for, None where it was agreed otherwise; `notice` the version
    of the consumer notice that stands in the quote; `coupon` the code of the coupon that its discount is of.
    """

    day: date
    edition: str
    valid_until: datetime
    account_id: uuid.UUID | None
    address_id: uuid.UUID | None
    orders: list[OfferOrder]
    zone: str | None = None
    notice: str | None = None
    coupon: str | None = None
    coupon_id: uuid.UUID | None = None

    @property
    def retail(self) -> bool:
        """Whether any of it is cross-border retail."""
        return any(order.retail for order in self.orders)

    @property
    def lines(self) -> list[OfferLine]:
        return [line for order in self.orders for line in order.lines]

    @property
    def total_fen(self) -> int:
        return sum(order.total_fen for order in self.orders)

    @property
    def discount_fen(self) -> int:
        return sum(line.discount_fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why something cannot be bought; `order` is the place of the order in the answer, from 0."""

    code: str
    detail: str
    hint: str | None = None
    listing_id: uuid.UUID | None = None
    order: int | None = None
    phrases: dict[str, Any] | None = None  # what detail and hint say, for other languages
    help: dict[str, Any] | None = None  # the figures of the hint

    def dump(self) -> dict[str, Any]:
        found: dict[str, Any] = {"code": self.code, "detail": self.detail, "hint": self.hint}
        found |= {"listing_id": str(self.listing_id) if self.listing_id else None, "order": self.order}
        if self.help is not None:
            found["help"] = self.help
        return found if self.phrases is None else {**found, "phrases": self.phrases}


_KEPT = [item.name for item in fields(OfferLine) if item.name != "assessment"]


def facts_of(listing: SaleFacts) -> dict[str, Any]:
    """A listing as JSON values, without what changes by the minute: the copy an order keeps."""
    by_the_minute = ("listing_id", "version", "stock", "status", "on_sale", "hindrance", "promotion_id")
    left_out = (*by_the_minute, "title_zh", "title_en")
    copied = {item.name: _plain(getattr(listing, item.name)) for item in fields(listing) if item.name not in left_out}
    # A list of pairs: their order is the goods code's, and a JSON object in the database would lose it.
    elements = [[name, text] for name, text in listing.declaration_elements.items()]
    return {**copied, "title": listing.title, "declaration_elements": elements}


def _plain(value: Any) -> Any:
    if isinstance(value, (uuid.UUID, Decimal)):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value


def sign(offer: Offer) -> str:
    """The token of an offer."""
    body = {
        "day": offer.day.isoformat(),
        "edition": offer.edition,
        "until": int(offer.valid_until.timestamp()),
        "account": _text(offer.account_id),
        "address": _text(offer.address_id),
        "zone": offer.zone,
        "notice": offer.notice,
        "coupon": [offer.coupon, _text(offer.coupon_id)],
        "orders": [_order_body(order) for order in offer.orders],
    }
    return _serializer().dumps(body)


def read(token: str, account_id: uuid.UUID, edition: str) -> Offer:
    """The offer of a token, its taxes as quoted. Raises Problem `quote_invalid`, `quote_expired`, `quote_stale`."""
    try:
        body = _serializer().loads(token)
    except BadData:
        raise Problem(QUOTE_INVALID) from None
    offer = Offer(
        day=date.fromisoformat(body["day"]),
        edition=body["edition"],
        valid_until=datetime.fromtimestamp(body["until"], UTC),
        account_id=_id(body["account"]),
        address_id=_id(body["address"]),
        orders=[_order(order) for order in body["orders"]],
        zone=body["zone"],
        notice=body["notice"],
        coupon=body["coupon"][0],
        coupon_id=_id(body["coupon"][1]),
    )
    if offer.account_id not in (None, account_id):
        raise Problem(QUOTE_INVALID)
    if offer.valid_until <= clock.now():
        raise Problem(QUOTE_EXPIRED)
    if offer.edition != edition:
        raise Problem(QUOTE_STALE, "the law's files have changed since the quote")
    return offer


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(config.current().secret_key, salt="landfall-quote-2")


def _order_body(order: OfferOrder) -> dict[str, Any]:
    head = {"merchant_id": str(order.merchant_id), "warehouse_id": _text(order.warehouse_id)}
    head |= {"merchant_name": order.merchant_name, "route": order.route, "mode": order.mode}
    return {**head, "lines": [_line_body(line) for line in order.lines]}


def _line_body(line: OfferLine) -> dict[str, Any]:
    body = {name: getattr(line, name) for name in _KEPT}
    return {**body, "listing_id": str(line.listing_id), "quantity": str(line.quantity)}


def _order(body: dict[str, Any]) -> OfferOrder:
    ids = {"merchant_id": uuid.UUID(body["merchant_id"]), "warehouse_id": _id(body["warehouse_id"])}
    return OfferOrder(**{**body, **ids, "lines": [_line(line) for line in body["lines"]]})


def _line(body: dict[str, Any]) -> OfferLine:
    return OfferLine(**{**body, "listing_id": uuid.UUID(body["listing_id"]), "quantity": Decimal(body["quantity"])})


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)


def _id(text: str | None) -> uuid.UUID | None:
    return None if text is None else uuid.UUID(text)
