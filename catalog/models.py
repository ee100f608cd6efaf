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
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from catalog.shelf_models import listing_indexes
from core import clock
from core.database import Base, Quantity, id_column, one_of

MERCHANT_STATUSES = ("submitted", "approved", "suspended", "rejected")
LISTING_STATUSES = ("draft", "submitted", "published", "withdrawn")
ROUTES = ("cross_border_retail", "general_trade", "services")
RETAIL, GENERAL, SERVICES = ROUTES
RETAIL_MODES = ("1210", "9610")
MEMBER_ROLES = ("owner", "manager", "stock_clerk", "viewer")
PRICED_BY = ("unit", "kg")
PRICE_MOST = 10**11  # a thousand million yuan: dearer than any machine, far below what the engine bounds
ESTABLISHMENT_STANDINGS = ("registered", "suspended", "cancelled")
IMPORT_STATUSES = ("queued", "running", "done", "failed")
MOVEMENT_KINDS = ("receipt", "shipment", "adjustment", "return", "destruction", "recall", "exit")
BLOCK_KINDS = ("hold", "quarantine", "recall")
QUARANTINE, RECALL = STOPPED = ("quarantine", "recall")  # of these nothing leaves the warehouse any more


class Merchant(Base):
    """An enterprise that sells here; `uscc` is its unified social credit code, `customs_code` its registration.

    A foreign company has the number of its own country's register instead, and a domestic agent who has a `uscc`. It is
    paid to one account: a Stripe account or a bank's.
    """

    __tablename__ = "merchant"
    __table_args__ = (
        one_of("status", MERCHANT_STATUSES),
        CheckConstraint("(uscc IS NULL) = (foreign_registration_no IS NOT NULL)", name="one_registration"),
        CheckConstraint("(foreign_registration_no IS NULL) = (country = 'CN')", name="foreign_has_country"),
        CheckConstraint("country = 'CN' OR domestic_agent ->> 'uscc' IS NOT NULL", name="foreign_has_agent"),
        CheckConstraint("stripe_account IS NULL OR bank_account IS NULL", name="one_account"),
        # A refused application must not keep the enterprise from applying again.
        Index("uq_merchant_uscc", "uscc", unique=True, postgresql_where=text("status <> 'rejected'")),
        Index(
            "uq_merchant_foreign",
            "country",
            "foreign_registration_no",
            unique=True,
            postgresql_where=text("status <> 'rejected'"),
        ),
        Index("ix_merchant_status", "status", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    registered_name: Mapped[str] = mapped_column(String(100))
    uscc: Mapped[str | None] = mapped_column(String(18))
    foreign_registration_no: Mapped[str | None] = mapped_column(String(60))
    country: Mapped[str] = mapped_column(String(2), default="CN")
    customs_code: Mapped[str] = mapped_column(String(10))
    domestic_agent: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    contact: Mapped[Any] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(500))
    stripe_account: Mapped[str | None] = mapped_column(String(80))
    bank_account: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    submitted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    submitted_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_at: Mapped[datetime | None]


class MerchantMember(Base):
    """A person acts for at most one merchant; what each role may do is the table of `catalog.rights`."""

    __tablename__ = "merchant_member"
    __table_args__ = (one_of("role", MEMBER_ROLES),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"), index=True)
    role: Mapped[str] = mapped_column(String(12), default="owner")
    joined_at: Mapped[datetime] = mapped_column(default=clock.now)


class MerchantInvitation(Base):
    """A person asked to act for a merchant; nobody becomes a member without having said yes."""

    __tablename__ = "merchant_invitation"
    __table_args__ = (one_of("role", MEMBER_ROLES), UniqueConstraint("merchant_id", "user_id"))

    id: Mapped[uuid.UUID] = id_column()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    invited_by: Mapped[uuid.UUID]
    invited_at: Mapped[datetime] = mapped_column(default=clock.now)


class Listing(Base):
    """One thing on sale. `statutory` holds quantities of the code's statutory units in one sales unit.

    Catch weight (`priced_by` kg): sold by the piece, priced by the kilogram. `price_fen` is then the price of a piece
    of the nominal weight, and a piece may weigh `weight_tolerance` percent more or less. At least `least_life_days`, or
    `least_life_percent` of its whole life, must be left of a lot that is still sold.

    `declaration_elements` is a list of [name, value] in the order of the goods code (an object would lose it).
    `images` is a list of {digest, width, height} in the order shown; `image` the address of what its card shows.
    `shown` says that it is published and its merchant admitted, so that browsing need not ask the merchant. `card` and
    `detail` are JSON text computed by the law of `assessed_edition` on `assessed_on`; `hindrance` is why that law keeps
    the listing out of the shop, when it does. `source_digest` stands for the row of the file that the facts were last
    read from; any other change clears it. While the promotion `promotion_id` runs, `price_fen` is its reduced price.
    """

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sku"),
        one_of("status", LISTING_STATUSES),
        one_of("route", ROUTES),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint("(route = 'cross_border_retail') = (mode IS NOT NULL)", name="mode_of_retail"),
        CheckConstraint("hs IS NOT NULL OR route = 'services'", name="goods_have_code"),
        CheckConstraint("version > 0", name="version_positive"),
        one_of("priced_by", PRICED_BY),
        CheckConstraint(
            "num_nonnulls(kg_price_fen, piece_weight_kg, weight_tolerance)"
            " = CASE priced_by WHEN 'kg' THEN 3 ELSE 0 END",
            name="catch_weight_whole",
        ),
        CheckConstraint("weight_tolerance BETWEEN 0 AND 10", name="weight_tolerance_bounded"),
        CheckConstraint("num_nonnulls(least_life_days, least_life_percent) < 2", name="least_life_one_rule"),
        CheckConstraint(
            "status <> 'published' OR (card IS NOT NULL AND detail IS NOT NULL)", name="published_is_ready"
        ),
        CheckConstraint("NOT shown OR status = 'published'", name="shown_is_published"),
        Index("ix_listing_merchant_id", "merchant_id", "id"),
        *listing_indexes(),
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
    priced_by: Mapped[str] = mapped_column(String(4), default="unit")
    kg_price_fen: Mapped[int | None] = mapped_column(BigInteger)
    piece_weight_kg: Mapped[Decimal | None] = mapped_column(Quantity)
    weight_tolerance: Mapped[int | None] = mapped_column(SmallInteger)
    least_life_days: Mapped[int | None] = mapped_column(SmallInteger)
    least_life_percent: Mapped[int | None] = mapped_column(SmallInteger)
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
    images: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
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
    source_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    promotion_id: Mapped[uuid.UUID | None]


class ListingVersion(Base):
    """What a listing said at each version; an order names the version it was placed on. Append-only."""

    __tablename__ = "listing_version"

    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor: Mapped[str] = mapped_column(String(80))
    facts: Mapped[dict[str, Any]]


class ListingImport(Base):
    """A file of listings. `position` is how many records of the file are done with, blank ones included: where a job
    that was killed goes on. `errors_size` is how much of the error report belongs to them; `begun_done` rows were done
    when the present run began. `rows` is an estimate until the end."""

    __tablename__ = "listing_import"
    __table_args__ = (
        one_of("status", IMPORT_STATUSES),
        CheckConstraint("done = created + updated + unchanged + failed", name="rows_add_up"),
        Index("ix_listing_import_merchant_id", "merchant_id", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    preview: Mapped[bool]
    submit: Mapped[bool]
    status: Mapped[str] = mapped_column(String(10))
    runs: Mapped[int] = mapped_column(SmallInteger, default=0)
    rows: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[int] = mapped_column(BigInteger, default=0)
    updated: Mapped[int] = mapped_column(BigInteger, default=0)
    unchanged: Mapped[int] = mapped_column(BigInteger, default=0)
    failed: Mapped[int] = mapped_column(BigInteger, default=0)
    percent: Mapped[int] = mapped_column(SmallInteger, default=0)
    errors_size: Mapped[int] = mapped_column(BigInteger, default=0)
    begun_done: Mapped[int] = mapped_column(BigInteger, default=0)
    problem: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Lot(Base):
    """A batch in one warehouse; services have capacity instead, in no warehouse.

    `consignment_line_id` points at the declaration line the goods came in on (general trade), so that the duty already
    borne is a fact and not a claim. `least_life_days` is the listing's rule reckoned for this lot: it is sold while so
    many days are left. A lot of catch weight is counted in pieces; `weight_kg` is what those on hand weigh together.
    `blocked` stops the sale; `block_kind` says why: a hold may be lifted by the merchant, a quarantine by an operator,
    a recall by nobody, and under the last two nothing leaves the warehouse.
    """

    __tablename__ = "lot"
    __table_args__ = (
        UniqueConstraint("listing_id", "batch_no", "warehouse_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="reserved_within_on_hand"),
        CheckConstraint("expires_on IS NULL OR produced_on IS NULL OR produced_on < expires_on", name="expires_later"),
        one_of("block_kind", BLOCK_KINDS),
        CheckConstraint("blocked = (block_kind IS NOT NULL)", name="blocked_for_a_kind"),
        CheckConstraint("least_life_days >= 0", name="least_life_not_negative"),
        Index("ix_lot_batch_no", "batch_no"),
        Index("ix_lot_stopped", "blocked_at", postgresql_where=text("block_kind IN ('quarantine', 'recall')")),
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
    block_kind: Mapped[str | None] = mapped_column(String(12))
    blocked_at: Mapped[datetime | None]
    least_life_days: Mapped[int] = mapped_column(SmallInteger, default=3)
    weight_kg: Mapped[Decimal | None] = mapped_column(Quantity)
    consignment_line_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class StockMovement(Base):
    """Why what is on hand changed: on hand is the sum of the movements, and so is the weight of a lot of catch weight.
    Append-only; what comes in is positive.

    One reference moves one lot once in each kind, so a job that runs twice cannot ship twice.
    """

    __tablename__ = "stock_movement"
    __table_args__ = (
        one_of("kind", MOVEMENT_KINDS),
        UniqueConstraint("lot_id", "kind", "reference"),
        CheckConstraint("quantity <> 0 OR weight_kg <> 0", name="moves_something"),
        CheckConstraint(
            "CASE WHEN kind IN ('receipt', 'return') THEN quantity > 0"
            " WHEN kind IN ('shipment', 'destruction', 'recall', 'exit') THEN quantity < 0 ELSE true END",
            name="sign_of_kind",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    lot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lot.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    weight_kg: Mapped[Decimal | None] = mapped_column(Quantity)
    reference: Mapped[str] = mapped_column(String(80))


class PriceChange(Base):
    """From `at` on the listing is offered at a price, or (None) not at all. Append-only."""

    __tablename__ = "price_change"
    __table_args__ = (
        CheckConstraint("price_fen > 0", name="price_positive"),
        Index("ix_price_change_listing_id", "listing_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    price_fen: Mapped[int | None] = mapped_column(BigInteger)


class Establishment(Base):
    """An overseas producer on the register, for a stretch of days; `prefixes` are the codes of its products.

    `key` is the number without spaces and in one case, by which it is found however it is written.
    """

    __tablename__ = "establishment"
    __table_args__ = (
        one_of("standing", ESTABLISHMENT_STANDINGS),
        CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name="valid_in_order"),
        UniqueConstraint("country", "key", "valid_from"),
    )

    id: Mapped[uuid.UUID] = id_column()
    country: Mapped[str] = mapped_column(String(2))
    number: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    prefixes: Mapped[list[Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    standing: Mapped[str] = mapped_column(String(12))
    imported_at: Mapped[datetime] = mapped_column(default=clock.now)


class MerchantNotice(Base):
    """What the platform tells a merchant; `object_id` is what it is about."""

    __tablename__ = "merchant_notice"
    __table_args__ = (
        Index("ix_merchant_notice_merchant_id", "merchant_id", "id"),
        Index("ix_merchant_notice_unread", "merchant_id", postgresql_where=text("read_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = id_column()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[uuid.UUID | None]
    data: Mapped[dict[str, Any]]
    read_at: Mapped[datetime | None]


class LawCheck(Base):
    """How far the published listings have been held to the law of a day in one edition; `last_id` is the last seen."""

    __tablename__ = "law_check"

    day: Mapped[date] = mapped_column(primary_key=True)
    edition: Mapped[str] = mapped_column(String(80), primary_key=True)
    last_id: Mapped[uuid.UUID | None]
    checked: Mapped[int] = mapped_column(BigInteger, default=0)
    withdrawn: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]
