"""Tables of what is told: notices to people and merchants, endpoints of merchants, deliveries and their attempts.

A notice is written in the transaction of the deed and is the inbox's entry and the outbox's at once; what goes out for
it (a mail, a call of an endpoint) is a delivery, and every try of it an attempt.
"""

from __future__ import annotations

import uuid
from datetime import datetime
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
    TextClause,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, id_column, one_of
from customs.sealing import SEALED

DELIVERY_STATUSES = ("waiting", "sent", "failed", "dropped")


class Notice(Base):
    """Told to one account or one merchant; `posted_at` is when its deliveries were made out."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("(account_id IS NULL) <> (merchant_id IS NULL)", name="one_reader"),
        Index("ix_notice_account_id", "account_id", "id", postgresql_where=text("account_id IS NOT NULL")),
        Index("ix_notice_merchant_id", "merchant_id", "id", postgresql_where=text("merchant_id IS NOT NULL")),
        Index("ix_notice_unposted", "id", postgresql_where=text("posted_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = id_column()
    at: Mapped[datetime]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    merchant_id: Mapped[uuid.UUID | None]  # no key: the lock on a busy merchant's row would be taken at every order
    kind: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]]
    read_at: Mapped[datetime | None]
    posted_at: Mapped[datetime | None]


class WebhookEndpoint(Base):
    """Where a merchant wants to be called. Secrets are sealed; the former one signs along until `former_until`.

    `failing_since` is the first failure after the last success; after three days of it the endpoint is disabled.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        Index("ix_webhook_endpoint_merchant_id", "merchant_id", "id"),
        CheckConstraint("(former_secret IS NULL) = (former_until IS NULL)", name="former_has_end"),
    )

    id: Mapped[uuid.UUID] = id_column()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchant.id"))
    url: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[list[Any]]
    secret: Mapped[bytes] = mapped_column(LargeBinary, info=SEALED)
    former_secret: Mapped[bytes | None] = mapped_column(LargeBinary, info=SEALED)
    former_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_for: Mapped[str | None] = mapped_column(String(20))


def _waiting(address: str) -> TextClause:
    return text(f"status = 'waiting' AND {address} IS NOT NULL")


class Delivery(Base):
    """One notice to one address. `next_at` is when it is tried next; a try takes it by moving `next_at` on, so that
    what a dead worker had in hand is tried again."""

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("status", DELIVERY_STATUSES),
        CheckConstraint("(account_id IS NULL) <> (endpoint_id IS NULL)", name="one_address"),
        UniqueConstraint("notice_id", "account_id"),
        UniqueConstraint("notice_id", "endpoint_id"),
        Index("ix_delivery_mail_due", "next_at", postgresql_where=_waiting("account_id")),
        Index("ix_delivery_call_due", "endpoint_id", "next_at", postgresql_where=_waiting("endpoint_id")),
        Index("ix_delivery_endpoint_id", "endpoint_id", "id", postgresql_where=text("endpoint_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = id_column()
    notice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"))
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    endpoint_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    begun_at: Mapped[datetime]
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class DeliveryAttempt(Base):
    """One try: `status` is the answer's code (HTTP or SMTP), `answer` its first bytes, `fault` why there was none."""

    __tablename__ = "delivery_attempt"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    ms: Mapped[int]
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(String(500))
    fault: Mapped[str | None] = mapped_column(String(200))
