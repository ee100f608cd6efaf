"""Tables of what happens to a payment after it was made: disputes, and what the reconciler has seen.

The words of Stripe stand beside ours: `status` is Stripe's, `state` is what it means here.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base

DISPUTE_STATES = ("inquiry", "open", "won", "lost")


class PaymentDispute(Base):
    """A buyer's bank asks the money of a purchase back. `reserved_fen` is what no refund may promise meanwhile, None
    before a first withdrawal is to be feared; `booked_fen` is what Stripe has withdrawn and the books show."""

    __tablename__ = "payment_dispute"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(map(repr, DISPUTE_STATES))})", name="state_known"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("reserved_fen BETWEEN 0 AND amount_fen", name="reserved_within_amount"),
        CheckConstraint("booked_fen >= 0", name="booked_not_negative"),
        Index("ix_payment_dispute_open", "purchase_id", postgresql_where=text("state IN ('inquiry', 'open')")),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    purchase_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("purchase.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    reserved_fen: Mapped[int | None] = mapped_column(BigInteger)
    booked_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    evidence_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class PaymentMark(Base):
    """How far the reconciler has looked at a kind of object: Stripe's own seconds, so no clock of ours counts."""

    __tablename__ = "payment_mark"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    seen_until: Mapped[int] = mapped_column(BigInteger)


class ReconcileRun(Base):
    """One run of the reconciler that found something, or was asked for by hand."""

    __tablename__ = "reconcile_run"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    whole: Mapped[bool]
    found: Mapped[dict[str, Any]]
