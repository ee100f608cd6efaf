"""What the shop and a filing need to know of listings: two statements, however many are asked for."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg

from catalog import catch_weight
from catalog.lots import saleable
from catalog.models import Listing, Lot, Merchant
from core import clock
from core.database import db


@dataclass(frozen=True, slots=True)
class Stock:
    """What can be sold from one warehouse; the record number is that of the lot which goes out first."""

    warehouse_id: uuid.UUID | None
    available: Decimal
    item_record_no: str | None


@dataclass(frozen=True, slots=True)
class SaleFacts:
    """A listing as it stands at this moment. Weights and statutory quantities are those of one sales unit.

    `declaration_elements` are in the order of the goods code, as the declaration wants them. `hindrance` says, as
    {code, detail}, why the law of the day keeps it from being sold; `on_sale` is the sum of it all but stock.
    A foreign merchant has no `merchant_uscc`; its agent has one.
    """

    listing_id: uuid.UUID
    version: int
    sku: str
    title_zh: str
    title_en: str
    merchant_id: uuid.UUID
    merchant_name: str
    merchant_uscc: str | None
    merchant_customs_code: str
    domestic_agent: Any
    category: str
    hs: str | None
    origin: str
    route: str
    mode: str | None
    unit: str
    price_fen: int
    net_weight_kg: Decimal | None
    gross_weight_kg: Decimal | None
    brand: str
    specification: str
    declaration_elements: dict[str, str]
    statutory: dict[str, Decimal]
    net_content: dict[str, str] | None
    gtin: str | None
    establishment_no: str | None
    cold_chain: bool
    image: str
    status: str
    on_sale: bool
    hindrance: dict[str, str] | None
    stock: tuple[Stock, ...]
    priced_by: str = "unit"
    kg_price_fen: int | None = None
    piece_weight_kg: Decimal | None = None
    weight_tolerance: int | None = None

    @property
    def title(self) -> dict[str, str]:
        return {"zh": self.title_zh, "en": self.title_en}

    @property
    def available(self) -> Decimal:
        return sum((stock.available for stock in self.stock), Decimal(0))


_SAME = (
    *("version", "sku", "title_zh", "title_en", "merchant_id", "category", "hs", "origin", "route", "mode", "unit"),
    *("price_fen", "net_weight_kg", "gross_weight_kg", "brand", "specification", "net_content", "gtin"),
    *("establishment_no", "cold_chain", "image", "status", "hindrance", "priced_by", *catch_weight.FIELDS),
)


def sale_facts(listing_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, SaleFacts]:
    """The listings that are, or once were, in the shop; what never was is left out. Two statements."""
    if not listing_ids:
        return {}
    session = db.session()
    statement = (
        select(Listing, Merchant)
        .join(Merchant, Merchant.id == Listing.merchant_id)
        .where(Listing.id.in_(set(listing_ids)), Listing.published_at.is_not(None))
        .execution_options(populate_existing=True)
    )
    rows = session.execute(statement).all()
    stock = _stock([listing.id for listing, _ in rows])
    return {listing.id: _facts(listing, merchant, stock[listing.id]) for listing, merchant in rows}


def _facts(listing: Listing, merchant: Merchant, stock: list[Stock]) -> SaleFacts:
    published = listing.status == "published" and merchant.status == "approved"
    return SaleFacts(
        listing_id=listing.id,
        merchant_name=merchant.registered_name,
        merchant_uscc=merchant.uscc,
        merchant_customs_code=merchant.customs_code,
        domestic_agent=merchant.domestic_agent,
        declaration_elements=dict(listing.declaration_elements),
        statutory={name: Decimal(quantity) for name, quantity in listing.statutory.items()},
        on_sale=published and listing.hindrance is None,
        stock=tuple(stock),
        **{name: getattr(listing, name) for name in _SAME},
    )


def _stock(listing_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[Stock]]:
    """Fullest warehouse first, so that an order is split as little as possible; ties by id."""
    first_out = aggregate_order_by(Lot.item_record_no, Lot.expires_on.nulls_last(), Lot.created_at, Lot.id)
    statement = (
        select(Lot.listing_id, Lot.warehouse_id, func.sum(Lot.on_hand - Lot.reserved), array_agg(first_out))
        .where(Lot.listing_id.in_(listing_ids), Lot.on_hand > Lot.reserved, *saleable(clock.today()))
        .group_by(Lot.listing_id, Lot.warehouse_id)
        .order_by(func.sum(Lot.on_hand - Lot.reserved).desc(), Lot.warehouse_id)
    )
    found: dict[uuid.UUID, list[Stock]] = defaultdict(list)
    for listing_id, warehouse_id, available, record_nos in db.session.execute(statement):
        found[listing_id].append(Stock(warehouse_id, available, record_nos[0]))
    return found
