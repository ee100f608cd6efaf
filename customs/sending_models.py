"""Tables about sending to the single window: what became of each attempt, and how many there were."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, one_of

TRANSPORTS = ("http", "file")
ATTEMPT_OUTCOMES = ("started", "sent", "unreached", "unavailable", "refused", "answered")


class WindowAttempt(Base):
    """One attempt to send a document or a tally, kept from before it begins: one left `started` ended with its process.

    `answered` is no attempt but what the exchange said of one afterwards; its `digest` keeps it from being told twice.
    The last of each document are kept, those of dead letters as long as they are dead, all others for some weeks.
    """

    __tablename__ = "window_attempt"
    __table_args__ = (
        one_of("transport", TRANSPORTS),
        one_of("outcome", ATTEMPT_OUTCOMES),
        CheckConstraint("(document_id IS NULL) <> (tally_id IS NULL)", name="of_one"),
        Index("ix_window_attempt_at", "at", postgresql_using="brin"),  # rows come in the order of their times
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    document_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("window_document.id", ondelete="CASCADE"), index=True
    )
    tally_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("arrival_tally.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    transport: Mapped[str] = mapped_column(String(4))
    outcome: Mapped[str] = mapped_column(String(11))
    detail: Mapped[str | None] = mapped_column(String(300))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)


class SendingCount(Base):
    """How many sendings ended how, since the beginning; what the metrics tell."""

    __tablename__ = "sending_count"
    __table_args__ = (
        one_of("transport", TRANSPORTS),
        one_of("outcome", ATTEMPT_OUTCOMES),
        CheckConstraint("number > 0", name="number_counts"),
    )

    transport: Mapped[str] = mapped_column(String(4), primary_key=True)
    kind: Mapped[str] = mapped_column(String(3), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(11), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
