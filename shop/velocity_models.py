"""The table behind the velocity rules: where each paid retail order went, for whom, and who paid."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class OrderTrace(Base):
    """Written once, at payment. Keys are the first 64 bits of a sha256 of the normalised text, to be counted by index;
    the texts stand in the order. `findings` are the rules that sent the order to a person, [] never: then it is None.
    """

    __tablename__ = "order_trace"
    __table_args__ = (
        Index("ix_order_trace_account_id", "account_id", "at"),
        Index("ix_order_trace_person_id", "person_id", "at"),
        Index("ix_order_trace_address_key", "address_key", "at"),
        Index("ix_order_trace_phone_key", "phone_key", "at"),
        Index("ix_order_trace_payer_key", "payer_key", "at", postgresql_where=text("payer_key IS NOT NULL")),
        Index("ix_order_trace_found", "order_id", postgresql_where=text("findings IS NOT NULL")),
    )

    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"), primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    address_key: Mapped[int] = mapped_column(BigInteger)
    phone_key: Mapped[int] = mapped_column(BigInteger)
    payer_key: Mapped[int | None] = mapped_column(BigInteger)
    findings: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
