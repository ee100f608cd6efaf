"""Tables of a merchant's dated price reductions: the reduction itself, what a person and an order line took of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Quantity, id_column, one_of

PROMOTION_STATES = ("planned", "running", "over", "sold_out", "stopped", "failed")


class Promotion(Base):
    """A percentage off, or a fixed price, of one listing from one instant to another.

    While it runs the listing carries the reduced price (`reduced_fen`) and names the promotion; `regular_fen` comes
    back at its end. `taken` counts the units of `units_most` that orders hold or have bought, where there is a limit.
    """

    __tablename__ = "listing_promotion"
    __table_args__ = (
        one_of("state", PROMOTION_STATES),
        CheckConstraint("(percent IS NULL) <> (price_fen IS NULL)", name="percent_or_price"),
        CheckConstraint("percent BETWEEN 1 AND 99", name="percent_known"),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint("valid_from < valid_to", name="valid_in_order"),
        CheckConstraint("taken >= 0 AND (units_most IS NULL OR taken <= units_most)", name="taken_within_most"),
        CheckConstraint("units_most > 0", name="units_most_positive"),
        CheckConstraint("per_person > 0", name="per_person_positive"),
        CheckConstraint("reduced_fen < regular_fen", name="reduced_is_lower"),
        Index("ix_listing_promotion_merchant_id", "merchant_id", "id"),
        Index("ix_listing_promotion_listing_id", "listing_id", "valid_from"),
        Index("uq_listing_promotion_running", "listing_id", unique=True, postgresql_where=text("state = 'running'")),
        Index("ix_listing_promotion_due", "valid_from", postgresql_where=text("state IN ('planned', 'running')")),
    )

    id: Mapped[uuid.UUID] = id_column()
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    percent: Mapped[int | None] = mapped_column(SmallInteger)
    price_fen: Mapped[int | None] = mapped_column(BigInteger)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    units_most: Mapped[Decimal | None] = mapped_column(Quantity)
    per_person: Mapped[Decimal | None] = mapped_column(Quantity)
    taken: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    state: Mapped[str] = mapped_column(String(12))
    regular_fen: Mapped[int | None] = mapped_column(BigInteger)
    reduced_fen: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def limited(self) -> bool:
        return self.units_most is not None or self.per_person is not None


class PromotionHolder(Base):
    """How many units of a limited promotion one person took: behind the identity, or else the account."""

    __tablename__ = "promotion_holder"
    __table_args__ = (CheckConstraint("taken >= 0 AND (most IS NULL OR taken <= most)", name="taken_within_most"),)

    promotion_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing_promotion.id"), primary_key=True)
    holder_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    taken: Mapped[Decimal] = mapped_column(Quantity)
    most: Mapped[Decimal | None] = mapped_column(Quantity)


class PromotionUse(Base):
    """What a line of an order holds of a limited promotion; given back once, when its order comes to nothing."""

    __tablename__ = "promotion_use"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    line_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    promotion_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing_promotion.id"), index=True)
    holder_id: Mapped[uuid.UUID]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    given_back: Mapped[bool] = mapped_column(default=False)
