"""Tables of fulfilment: what left the warehouse in which parcel, and what could not be supplied."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Quantity, id_column


class Parcel(Base):
    """One parcel of an order, numbered from 1; `at` is the server's own time, `happened_at` what the merchant told.

    The attempt is the identity of the request that sent it: repeated, it sends nothing more.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        UniqueConstraint("order_id", "number"),
        UniqueConstraint("order_id", "attempt_id"),
        CheckConstraint("number > 0", name="number_positive"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"))
    attempt_id: Mapped[uuid.UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    waybill_no: Mapped[str] = mapped_column(String(60), unique=True)
    at: Mapped[datetime]
    happened_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))


class ParcelLine(Base):
    """So much of a line of the order lies in the parcel."""

    __tablename__ = "parcel_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    parcel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity)


class Shortage(Base):
    """What a merchant could not supply of an order, [[line, quantity], ..]: paid back, out of the stock, once.

    `parts` are the fen that went back, by whom they were owed to.
    """

    __tablename__ = "shortage"
    __table_args__ = (UniqueConstraint("order_id", "attempt_id"),)

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"))
    attempt_id: Mapped[uuid.UUID]
    lines: Mapped[list[Any]]
    parts: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refund.id"))
