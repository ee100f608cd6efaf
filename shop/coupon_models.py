"""Tables of platform coupons: what a coupon may give, who has used it, and what each purchase took of it.

All that is scarce is taken by one conditional UPDATE and guarded by a CHECK: uses and budget of the coupon, uses of one
person.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, id_column


class Coupon(Base):
    """An amount off, or a percentage with a cap, borne by the platform. Its terms never change; it can be stopped.

    `uses` and `spent_fen` count what purchases hold or have taken of `total_uses` and `budget_fen`. Without `routes` or
    `categories` it is good for all of them.
    """

    __tablename__ = "coupon"
    __table_args__ = (
        CheckConstraint("(amount_fen IS NULL) <> (percent IS NULL)", name="amount_or_percent"),
        CheckConstraint("(percent IS NULL) = (at_most_fen IS NULL)", name="percent_has_cap"),
        CheckConstraint("amount_fen > 0 AND at_most_fen > 0 AND minimum_fen >= 0", name="amounts_positive"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="percent_known"),
        CheckConstraint("valid_from < valid_to", name="valid_in_order"),
        CheckConstraint("uses BETWEEN 0 AND total_uses", name="uses_within_total"),
        CheckConstraint("spent_fen BETWEEN 0 AND budget_fen", name="spent_within_budget"),
        CheckConstraint("per_person > 0", name="per_person_positive"),
    )

    id: Mapped[uuid.UUID] = id_column()
    code: Mapped[str] = mapped_column(String(32), unique=True)
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    percent: Mapped[int | None] = mapped_column(SmallInteger)
    at_most_fen: Mapped[int | None] = mapped_column(BigInteger)
    minimum_fen: Mapped[int] = mapped_column(BigInteger)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    total_uses: Mapped[int]
    uses: Mapped[int] = mapped_column(default=0)
    budget_fen: Mapped[int] = mapped_column(BigInteger)
    spent_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    per_person: Mapped[int] = mapped_column(SmallInteger)
    routes: Mapped[list[str] | None] = mapped_column(ARRAY(String(30)))
    categories: Mapped[list[str] | None] = mapped_column(ARRAY(String(40)))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class CouponHolder(Base):
    """What one person has used of a coupon: the person behind the identity (`person.id`), or else the account.

    `most` is the coupon's `per_person`. `credit_fen` came back from goods returned: it can be spent again.
    """

    __tablename__ = "coupon_holder"
    __table_args__ = (
        CheckConstraint("uses BETWEEN 0 AND most", name="uses_within_most"),
        CheckConstraint("credit_fen >= 0", name="credit_not_negative"),
    )

    coupon_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("coupon.id"), primary_key=True)
    holder_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    uses: Mapped[int] = mapped_column(SmallInteger)
    most: Mapped[int] = mapped_column(SmallInteger)
    credit_fen: Mapped[int] = mapped_column(BigInteger)


class CouponUse(Base):
    """What a purchase took of a coupon, as a use of its own or out of the holder's credit (`of_credit`).

    `restored_fen` came back to the budget, `credited_fen` of it to the holder's credit.
    """

    __tablename__ = "coupon_use"
    __table_args__ = (
        CheckConstraint("discount_fen > 0", name="discount_positive"),
        CheckConstraint("restored_fen BETWEEN 0 AND discount_fen", name="restored_within_discount"),
        CheckConstraint("credited_fen BETWEEN 0 AND restored_fen", name="credited_within_restored"),
        Index("ix_coupon_use_coupon_id", "coupon_id", "purchase_id"),
    )

    purchase_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("purchase.id"), primary_key=True)
    coupon_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("coupon.id"))
    holder_id: Mapped[uuid.UUID]
    discount_fen: Mapped[int] = mapped_column(BigInteger)
    of_credit: Mapped[bool]
    restored_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    credited_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime]
