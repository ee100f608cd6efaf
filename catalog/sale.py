"""What the shop and a filing need to know of listings: one statement, however many are asked for."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog import catch_weight
from catalog.lots import SALEABLE
from core import clock
from core.database import read
from core.prepared import Statement, among


@dataclass(frozen=True, slots=True)
class Stock:
    """What can be sold from one warehouse; the record number is that of the lot which goes out first.

    `too_old` is on the shelf, but would not have its least life left after a way longer than to the standard zone.
    """

    warehouse_id: uuid.UUID | None
    available: Decimal
    item_record_no: str | None
    too_old: Decimal = Decimal(0)


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
    promotion_id: uuid.UUID | None = None

    @property
    def title(self) -> dict[str, str]:
        return {"zh": self.title_zh, "en": self.title_en}

    @property
    def available(self) -> Decimal:
        return sum((stock.available for stock in self.stock), Decimal(0))

    @property
    def too_old(self) -> Decimal:
        return sum((stock.too_old for stock in self.stock), Decimal(0))


_SAME = (
    *("version", "sku", "title_zh", "title_en", "merchant_id", "category", "hs", "origin", "route", "mode", "unit"),
    *("price_fen", "net_weight_kg", "gross_weight_kg", "brand", "specification", "net_content", "gtin"),
    *("establishment_no", "cold_chain", "image", "status", "hindrance", "priced_by", *catch_weight.FIELDS),
    "promotion_id",
)
# A row for each warehouse that has something to sell, fullest first, so that an order is split as little as possible.
# Of `too_old` nothing keeps its least life on a way that is `longer` days longer than to the standard zone.
_FREE = f"on_hand > reserved AND {SALEABLE.replace(':today', '%(today)s')}"
_KEEPS = "(expires_on IS NULL OR expires_on - least_life_days >= CAST(%(today)s AS date) + CAST(%(longer)s AS integer))"
_FACTS = f"""
    SELECT listing.id, {", ".join(f"listing.{name}" for name in _SAME)}, listing.declaration_elements,
           listing.statutory, merchant.registered_name, merchant.uscc, merchant.customs_code, merchant.domestic_agent,
           merchant.status AS merchant_status, stock.*
    FROM listing JOIN merchant ON merchant.id = listing.merchant_id
    LEFT JOIN LATERAL (
        SELECT warehouse_id, sum(on_hand - reserved) AS shelf,
               coalesce(sum(on_hand - reserved) FILTER (WHERE {_KEEPS}), 0) AS available,
               (array_agg(item_record_no ORDER BY expires_on NULLS LAST, created_at, id) FILTER (WHERE {_KEEPS}))[1]
               AS record_no
        FROM lot WHERE listing_id = listing.id AND {_FREE} GROUP BY warehouse_id
    ) AS stock ON true
    WHERE listing.id = ANY({{ids}}) AND listing.published_at IS NOT NULL
    ORDER BY stock.available DESC, stock.warehouse_id
    """  # noqa: S608 - our own names


def sale_facts(listing_ids: Collection[uuid.UUID], extra_days: int = 0) -> dict[uuid.UUID, SaleFacts]:
    """The listings that are, or once were, in the shop; what never was is left out. One statement.

    `extra_days` is how much longer than to the standard zone the goods would be on their way.
    """
    if not listing_ids:
        return {}
    return told(read(*asking(listing_ids, extra_days)))


def asking(listing_ids: Collection[uuid.UUID], extra_days: int = 0) -> Statement:
    """What `sale_facts` asks, for whoever asks it together with others."""
    ids, named = among("id", set(listing_ids), "uuid")
    return _FACTS.format(ids=ids), {**named, "today": clock.today(), "longer": extra_days}


def told(rows: Iterable[Any]) -> dict[uuid.UUID, SaleFacts]:
    """What was answered."""
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.id].append(row)
    return {listing_id: _facts(each) for listing_id, each in found.items()}


def _facts(rows: list[Any]) -> SaleFacts:
    row = rows[0]
    published = row.status == "published" and row.merchant_status == "approved"
    stock = [
        Stock(each.warehouse_id, each.available, each.record_no, each.shelf - each.available)
        for each in rows
        if each.shelf is not None
    ]
    return SaleFacts(
        listing_id=row.id,
        merchant_name=row.registered_name,
        merchant_uscc=row.uscc,
        merchant_customs_code=row.customs_code,
        domestic_agent=row.domestic_agent,
        declaration_elements=dict(row.declaration_elements),
        statutory={name: Decimal(quantity) for name, quantity in row.statutory.items()},
        on_sale=published and row.hindrance is None,
        stock=tuple(stock),
        **{name: getattr(row, name) for name in _SAME},
    )
