"""Tables of the money between the platform and customs: bills line by line, what differs, payments, guarantees."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, id_column, one_of

DIFFERENCE_KINDS = ("dutiable_value", "duty", "consumption_tax", "vat", "total")
CAUSES = ("freight_sharing", "rounding_order", "rate", "quantity", "unknown")
HOLD_STATES = ("reserved", "released")
GUARANTEE_MOVES = ("opened", "refilled", "reduced", "reserved", "released", "blocked", "alert")


class TaxBillLine(Base):
    """One line of a tax bill (816) as customs wrote it, `gnum` being the line of the list."""

    __tablename__ = "tax_bill_line"

    bill_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tax_bill.id"), primary_key=True)
    gnum: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    gcode: Mapped[str] = mapped_column(String(10))
    price_fen: Mapped[int] = mapped_column(BigInteger)
    duty_fen: Mapped[int] = mapped_column(BigInteger)
    consumption_tax_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)


class TaxDifference(Base):
    """Where a bill is not what we declared, by line (0: the bill's own sums) and kind, with the likely cause."""

    __tablename__ = "tax_difference"
    __table_args__ = (
        one_of("kind", DIFFERENCE_KINDS),
        one_of("cause", CAUSES),
        CheckConstraint("ours_fen <> billed_fen", name="really_differs"),
        Index("ix_tax_difference_newest", "found_at", "bill_id", "gnum", "kind"),
    )

    bill_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tax_bill.id"), primary_key=True)
    gnum: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    ours_fen: Mapped[int] = mapped_column(BigInteger)
    billed_fen: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(20))
    found_at: Mapped[datetime]


class TaxPayment(Base):
    """What is paid to customs at once: the bills under one consolidated number (818), or one consignment's taxes.

    `declaration_id` is set for a consignment, whose `number` is its own. `paid_fen` is what was paid in all,
    the last of it on `paid_on` by `reference`; `part` counts what was paid after the first time.
    """

    __tablename__ = "tax_payment"
    __table_args__ = (
        CheckConstraint("(paid_on IS NULL) = (paid_fen IS NULL)", name="paid_as_a_whole"),
        Index("ix_tax_payment_newest", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(50), unique=True)
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    paid_on: Mapped[date | None]
    paid_fen: Mapped[int | None] = mapped_column(BigInteger)
    part: Mapped[int] = mapped_column(SmallInteger, default=0)
    reference: Mapped[str | None] = mapped_column(String(80))


class Guarantee(Base):
    """What a guarantor has lodged with a customs office for taxes that are not paid yet. `code` is its customs code."""

    __tablename__ = "guarantee"
    __table_args__ = (
        UniqueConstraint("code", "office"),
        CheckConstraint("in_use_fen BETWEEN 0 AND amount_fen", name="in_use_within_amount"),
        CheckConstraint("alert_percent BETWEEN 1 AND 100", name="alert_is_percent"),
    )

    id: Mapped[uuid.UUID] = id_column()
    code: Mapped[str] = mapped_column(String(18))
    name: Mapped[str] = mapped_column(String(100))
    office: Mapped[str] = mapped_column(String(4))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    in_use_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    alert_percent: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class GuaranteeHold(Base):
    """What one list keeps of a guarantee, from its filing until its bill is consolidated or it ends without tax."""

    __tablename__ = "guarantee_hold"
    __table_args__ = (
        one_of("state", HOLD_STATES),
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        Index("ix_guarantee_hold_guarantee_id", "guarantee_id", "state"),
    )

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), primary_key=True)
    guarantee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("guarantee.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    changed_at: Mapped[datetime]


class GuaranteeWait(Base):
    """A list that could not be filed for want of room; it goes on by itself, the oldest first."""

    __tablename__ = "guarantee_wait"
    __table_args__ = (Index("ix_guarantee_wait_guarantee_id", "guarantee_id", "since"),)

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), primary_key=True)
    guarantee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("guarantee.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime]


class GuaranteeEntry(Base):
    """The log behind the two amounts; append-only."""

    __tablename__ = "guarantee_entry"
    __table_args__ = (one_of("kind", GUARANTEE_MOVES), Index("ix_guarantee_entry_guarantee_id", "guarantee_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    guarantee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("guarantee.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(10))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"))
    actor: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str | None] = mapped_column(String(200))
