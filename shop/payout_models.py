"""Tables of what merchants are paid: where, payouts with what each order brings, and the checks of the books.

What a merchant is owed is nowhere a column: it is the balance of `merchant_payable` in the ledger. A payout takes the
balances of its orders, negative ones too, so what was refunded after a payout is recovered by the next.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, id_column, one_of

# promised -> sent (at the merchant's Stripe account) -> paid (at its bank); returning -> failed when the bank sent it
# back and the transfer is being reversed; promised -> failed when Stripe refuses the transfer.
PAYOUT_STATUSES = ("promised", "sent", "paid", "returning", "failed")


class PayoutAccount(Base):
    """The Stripe account a merchant is paid to. `own`: we have opened it, so we send it on to the bank ourselves;
    a merchant that named its own account has its own schedule there. `capable` and `payable` are what Stripe said last.
    """

    __tablename__ = "payout_account"

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"), primary_key=True)
    stripe_account: Mapped[str | None] = mapped_column(String(80), unique=True)
    own: Mapped[bool]
    capable: Mapped[bool] = mapped_column(default=False)
    payable: Mapped[bool] = mapped_column(default=False)
    key_no: Mapped[int] = mapped_column(SmallInteger, default=0)
    opened_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]


class Payout(Base):
    """One transfer to a merchant. Its id is the idempotency key at Stripe, stored before the first call; `key_no` is
    the number of keys that Stripe spoiled by a 5xx. `bank_id` is the payout from the merchant's Stripe account to its
    bank; `undone` says that its orders are owed again.
    """

    __tablename__ = "payout"
    __table_args__ = (
        one_of("status", PAYOUT_STATUSES),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("reversed_fen BETWEEN 0 AND amount_fen", name="reversed_within_amount"),
        CheckConstraint("(status = 'promised') <= (transfer_id IS NULL)", name="promised_is_unsent"),
        Index("ix_payout_merchant_id", "merchant_id", "id"),
        Index("ix_payout_open", "created_at", postgresql_where=text("status IN ('promised', 'sent', 'returning')")),
    )

    id: Mapped[uuid.UUID] = id_column()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    destination: Mapped[str] = mapped_column(String(80))
    own: Mapped[bool]
    currency: Mapped[str] = mapped_column(String(3))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reversed_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[str] = mapped_column(String(12))
    undone: Mapped[bool] = mapped_column(default=False)
    key_no: Mapped[int] = mapped_column(SmallInteger, default=0)
    transfer_id: Mapped[str | None] = mapped_column(String(80), unique=True)
    bank_id: Mapped[str | None] = mapped_column(String(80), unique=True)
    reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class PayoutLine(Base):
    """What one order brings to a payout: its balance less what the platform takes of it, in fen, negative where money
    is recovered. Without an order: money that came back to the merchant's account as a whole.
    """

    __tablename__ = "payout_line"
    __table_args__ = (UniqueConstraint("payout_id", "order_id"),)

    id: Mapped[uuid.UUID] = id_column()
    payout_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payout.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sales_order.id"), index=True)
    balance_fen: Mapped[int] = mapped_column(BigInteger)
    taken_fen: Mapped[int] = mapped_column(BigInteger)


class BooksCheck(Base):
    """One run of the check of the books: the sums by account then, and the first of its faults."""

    __tablename__ = "books_check"

    id: Mapped[uuid.UUID] = id_column()
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    offline: Mapped[bool]
    orders: Mapped[int] = mapped_column(BigInteger)
    sums: Mapped[list[Any]]
    faults: Mapped[list[Any]]
    fault_count: Mapped[int]
