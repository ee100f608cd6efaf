"""Tables of the check that orders, declarations, allowance and taxes agree."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, id_column


class WindowCheck(Base):
    """One run of the check; `orders` is how many it went through."""

    __tablename__ = "window_check"

    id: Mapped[uuid.UUID] = id_column()
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    orders: Mapped[int] = mapped_column(BigInteger, default=0)
    found: Mapped[int] = mapped_column(BigInteger, default=0)


class WindowFinding(Base):
    """Something that does not agree. It closes by itself when a run finds it no more, and opens again when one does.

    `accepted_by` has looked and said in `remark` why it may stay: it is counted no longer while it stays as it is.
    """

    __tablename__ = "window_finding"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_window_finding_open", "kind", "id", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = id_column()
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(String(500))
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    check_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("window_check.id"))
    closed_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(String(80))
    remark: Mapped[str | None] = mapped_column(String(200))
