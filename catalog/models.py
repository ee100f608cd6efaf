"""Tables of the catalogue: merchants and their people, listings with every version they had, lots and stock movements.

A listing carries its answer ready made (`card`, `detail`, `search`): they are built when it changes, so that browsing
reads one row a listing. What an order needs for good it copies; `listing_version` keeps what stood in the shop.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, Quantity, id_column

MERCHANT_STATUSES = ("submitted", "approved", "suspended", "rejected")
LISTING_STATUSES = ("draft", "submitted", "published", "withdrawn")
ROUTES = ("cross_border_retail", "general_trade", "services")
RETAIL, GENERAL, SERVICES = ROUTES
RETAIL_MODES = ("1210", "9610")
MOVEMENT_KINDS = ("receipt", "shipment", "adjustment")


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(word) for word in words)})", name=f"{column}_known")


class Merchant(Base):
    """An enterprise that sells here; `uscc` is its unified social credit code, `customs_code` its registration."""

    __tablename__ = "merchant"
    __table_args__ = (
        _one_of("status", MERCHANT_STATUSES),
        # A refused application must not keep the enterprise from applying again.
        Index("uq_merchant_uscc", "uscc", unique=True, postgresql_where=text("status <> 'rejected'")),
        Index("ix_merchant_status", "status", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    registered_name: Mapped[str] = mapped_column(String(100))
    uscc: Mapped[str] = mapped_column(String(18))
    customs_code: Mapped[str] = mapped_column(String(10))
    domestic_agent: Mapped[Any] = mapped_column(JSONB, nullable=True)
    contact: Mapped[Any] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(500))
    stripe_account: Mapped[str | None] = mapped_column(String(80))
    submitted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    submitted_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_at: Mapped[datetime | None]


class MerchantMember(Base):
    """A person acts for at most one merchant."""

    __tablename__ = "merchant_member"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"), index=True)
    joined_at: Mapped[datetime] = mapped_column(default=clock.now)


class Listing(Base):
    """One thing on sale. `statutory` holds quantities of the code's statutory units in one sales unit.

    `declaration_elements` is a list of [name, value] in the order of the goods code (an object would lose it).
    `shown` says that it is published and its merchant admitted, so that browsing need not ask the merchant. `card` and
    `detail` are JSON text computed by the law of `assessed_edition` on `assessed_on`; `hindrance` is why that law keeps
    the listing out of the shop, when it does.
    """

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sku"),
        _one_of("status", LISTING_STATUSES),
        _one_of("route", ROUTES),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint("(route = 'cross_border_retail') = (mode IS NOT NULL)", name="mode_of_retail"),
        CheckConstraint("hs IS NOT NULL OR route = 'services'", name="goods_have_code"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint(
            "status <> 'published' OR (card IS NOT NULL AND detail IS NOT NULL)", name="published_is_ready"
        ),
        Index("ix_listing_search", "search", postgresql_using="gin"),
        CheckConstraint("NOT shown OR status = 'published'", name="shown_is_published"),
        Index("ix_listing_newest", "published_at", "id", postgresql_where=text("shown")),
        Index("ix_listing_price", "price_fen", "id", postgresql_where=text("shown")),
        Index("ix_listing_quality", "quality", "id", postgresql_where=text("shown")),
        Index("ix_listing_department", "department", "published_at", "id", postgresql_where=text("shown")),
        Index("ix_listing_category", "category", "published_at", "id", postgresql_where=text("shown")),
        Index("ix_listing_merchant_id", "merchant_id", "id"),
        Index("ix_listing_submitted", "submitted_at", "id", postgresql_where=text("status = 'submitted'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    sku: Mapped[str] = mapped_column(String(64))
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    description_zh: Mapped[str] = mapped_column(Text, default="")
    description_en: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(String(40))
    department: Mapped[str] = mapped_column(String(40))
    hs: Mapped[str | None] = mapped_column(String(10))
    origin: Mapped[str] = mapped_column(String(2))
    route: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str | None] = mapped_column(String(4))
    unit: Mapped[str] = mapped_column(String(10))
    price_fen: Mapped[int] = mapped_column(BigInteger)
    net_weight_kg: Mapped[Decimal | None] = mapped_column(Quantity)
    gross_weight_kg: Mapped[Decimal | None] = mapped_column(Quantity)
    brand: Mapped[str] = mapped_column(String(100))
    specification: Mapped[str] = mapped_column(String(255))
    declaration_elements: Mapped[list[Any]] = mapped_column(default=list)
    statutory: Mapped[dict[str, Any]] = mapped_column(default=dict)
    net_content: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    gtin: Mapped[str | None] = mapped_column(String(14))
    establishment_no: Mapped[str | None] = mapped_column(String(40))
    cold_chain: Mapped[bool] = mapped_column(default=False)
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    image: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12))
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    needs_review: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    shown: Mapped[bool] = mapped_column(default=False)

    card: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    tax_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    assessed_edition: Mapped[str | None] = mapped_column(String(80))
    assessed_on: Mapped[date | None]
    hindrance: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    search: Mapped[str | None] = mapped_column(TSVECTOR)
    quality: Mapped[int] = mapped_column(SmallInteger, default=0)
    quality_parts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ListingVersion(Base):
    """What a listing said at each version; an order names the version it was placed on. Append-only."""

    __tablename__ = "listing_version"

    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor: Mapped[str] = mapped_column(String(80))
    facts: Mapped[dict[str, Any]]


class Lot(Base):
    """A batch in one warehouse; services have capacity instead, in no warehouse.

    `consignment_line_id` points at the declaration line the goods came in on (general trade), so that the duty already
    borne is a fact and not a claim.
    """

    __tablename__ = "lot"
    __table_args__ = (
        UniqueConstraint("listing_id", "batch_no", "warehouse_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="reserved_within_on_hand"),
        CheckConstraint("expires_on IS NULL OR produced_on IS NULL OR produced_on < expires_on", name="expires_later"),
        Index("ix_lot_listing_id", "listing_id", "expires_on"),
    )

    id: Mapped[uuid.UUID] = id_column()
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    batch_no: Mapped[str] = mapped_column(String(60))
    produced_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    warehouse_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("warehouse.id"), index=True)
    item_record_no: Mapped[str | None] = mapped_column(String(30))
    on_hand: Mapped[Decimal] = mapped_column(Quantity)
    reserved: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    blocked: Mapped[bool] = mapped_column(default=False)
    block_reason: Mapped[str | None] = mapped_column(String(200))
    consignment_line_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class StockMovement(Base):
    """Why what is on hand changed: on hand is the sum of the movements. Append-only.

    One reference moves one lot once in each kind, so a job that runs twice cannot ship twice.
    """

    __tablename__ = "stock_movement"
    __table_args__ = (
        _one_of("kind", MOVEMENT_KINDS),
        UniqueConstraint("lot_id", "kind", "reference"),
        CheckConstraint("quantity <> 0", name="quantity_not_zero"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    lot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lot.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    reference: Mapped[str] = mapped_column(String(80))
