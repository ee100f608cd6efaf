"""Tables about filing again: who corrected what of a declaration, and each document as it stood before."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, id_column
from customs.sealing import SEALED


class DeclarationCorrection(Base):
    """One correction: which documents it filed again and how ({kind: `new` or `amend`}), and which fields it changed.

    `was` holds the fields as they stood before; sealed, since they can name the buyer.
    """

    __tablename__ = "declaration_correction"

    id: Mapped[uuid.UUID] = id_column()
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(300))
    filed: Mapped[dict[str, Any]]
    fields: Mapped[list[Any]]
    was: Mapped[bytes | None] = mapped_column(info=SEALED)


class WindowDocumentVersion(Base):
    """A document as it was filed before it was filed again under another guid, and what customs said of it."""

    __tablename__ = "window_document_version"
    __table_args__ = (Index("ix_window_document_version_document_id", "document_id", "id"),)

    id: Mapped[uuid.UUID] = id_column()
    document_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("window_document.id"))
    correction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration_correction.id"), index=True)
    guid: Mapped[str] = mapped_column(String(36), unique=True)
    status: Mapped[str] = mapped_column(String(20))
    xml: Mapped[bytes | None] = mapped_column(info=SEALED)
    pre_no: Mapped[str | None] = mapped_column(String(18))
    invt_no: Mapped[str | None] = mapped_column(String(20))
    return_status: Mapped[str | None] = mapped_column(String(10))
    return_time: Mapped[str | None] = mapped_column(String(17))
    return_info: Mapped[str | None] = mapped_column(String(1000))
    first_sent_at: Mapped[datetime | None]
