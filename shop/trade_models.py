"""Tables of the trade between companies: companies, requests for quotation, offers, messages.

A request keeps what the listing was when it was made, an offer what it was when it was offered, so that nobody accepts
what has changed under them. `expires_at` of a request is when its present state lapses: the end of `needed_by` while
nobody has offered, the offer's `valid_until` afterwards; so every move compares one instant in its own UPDATE.
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
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Quantity, id_column, one_of

COMPANY_STATUSES = ("submitted", "verified", "rejected", "suspended")
RFQ_STATUSES = ("requested", "offered", "accepted", "declined", "expired", "withdrawn")
OFFER_STATUSES = ("open", "superseded", "withdrawn", "accepted", "declined", "expired")
SIDES = ("company", "merchant")


class Company(Base):
    """The enterprise an account buys for; `version` counts what was told, so that an operator decides what was read."""

    __tablename__ = "company"
    __table_args__ = (one_of("status", COMPANY_STATUSES), Index("ix_company_status", "status", "id"))

    id: Mapped[uuid.UUID] = id_column()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), unique=True)
    registered_name: Mapped[str] = mapped_column(String(100))
    uscc: Mapped[str] = mapped_column(String(18), index=True)
    status: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str | None] = mapped_column(String(500))
    submitted_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Rfq(Base):
    """A request for quotation. `offers` and `messages` count what was written; the news flags say who must look."""

    __tablename__ = "rfq"
    __table_args__ = (
        one_of("status", RFQ_STATUSES),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("(status = 'accepted') = (purchase_id IS NOT NULL)", name="accepted_is_ordered"),
        Index("ix_rfq_account_id", "account_id", "id"),
        Index("ix_rfq_merchant_id", "merchant_id", "id"),
        Index("ix_rfq_lapsing", "expires_at", postgresql_where=text("status IN ('requested', 'offered')")),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(20), unique=True)
    attempt_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), index=True)
    company_name: Mapped[str] = mapped_column(String(100))
    company_uscc: Mapped[str] = mapped_column(String(18))
    merchant_id: Mapped[uuid.UUID]
    merchant_name: Mapped[str] = mapped_column(String(200))
    listing_id: Mapped[uuid.UUID] = mapped_column(index=True)
    listing_version: Mapped[int]
    department: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit: Mapped[str] = mapped_column(String(20))
    destination: Mapped[str] = mapped_column(String(100))
    needed_by: Mapped[date]
    text: Mapped[str] = mapped_column(Text)
    specification: Mapped[list[Any]]
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    offers: Mapped[int] = mapped_column(SmallInteger, default=0)
    messages: Mapped[int] = mapped_column(SmallInteger, default=0)
    company_news: Mapped[bool] = mapped_column(default=False)
    merchant_news: Mapped[bool] = mapped_column(default=True)
    # Checked at the end of the transaction: the request is taken before the order that it becomes is written.
    purchase_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("purchase.id", deferrable=True, initially="DEFERRED"), unique=True
    )


class RfqOffer(Base):
    """A merchant's offer. Prices in `currency`, sums in fen at `exchange_rate`; `moisture_percent` and `dry_quantity`
    are there when the price is per dry tonne. `law` is what customs or the buyer's tax return would take, for reading.
    """

    __tablename__ = "rfq_offer"
    __table_args__ = (
        one_of("status", OFFER_STATUSES),
        UniqueConstraint("rfq_id", "revision"),
        Index("uq_rfq_offer_standing", "rfq_id", unique=True, postgresql_where=text("status IN ('open', 'accepted')")),
        CheckConstraint("quantity > 0 AND unit_price > 0", name="price_positive"),
        CheckConstraint("(currency = 'CNY') = (exchange_rate IS NULL)", name="rate_of_foreign"),
        CheckConstraint("(moisture_percent IS NULL) = (dry_quantity IS NULL)", name="dry_with_moisture"),
        CheckConstraint("dry_quantity IS NULL OR 0 < dry_quantity AND dry_quantity <= quantity", name="dry_within_wet"),
        CheckConstraint(
            "total_fen = goods_fen + freight_fen + insurance_fen + installation_fen + training_fen", name="total_sums"
        ),
    )

    id: Mapped[uuid.UUID] = id_column()
    rfq_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rfq.id"))
    revision: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str] = mapped_column(String(12))
    offered_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_price: Mapped[Decimal] = mapped_column(Quantity)
    currency: Mapped[str] = mapped_column(String(3))
    exchange_rate: Mapped[Decimal | None] = mapped_column(Numeric(16, 8))
    moisture_percent: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    dry_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    incoterm: Mapped[str] = mapped_column(String(3))
    delivery_weeks: Mapped[int] = mapped_column(SmallInteger)
    terms: Mapped[str] = mapped_column(Text)
    amounts: Mapped[dict[str, Any]]
    goods_fen: Mapped[int] = mapped_column(BigInteger)
    freight_fen: Mapped[int] = mapped_column(BigInteger)
    insurance_fen: Mapped[int] = mapped_column(BigInteger)
    installation_fen: Mapped[int] = mapped_column(BigInteger)
    training_fen: Mapped[int] = mapped_column(BigInteger)
    total_fen: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]]
    law: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class RfqMessage(Base):
    """What the two sides write to each other; append-only. Messages older than the column have no attempt."""

    __tablename__ = "rfq_message"
    __table_args__ = (one_of("side", SIDES),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    rfq_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rfq.id"), index=True)
    attempt_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    at: Mapped[datetime]
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    side: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text)
