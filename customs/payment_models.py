"""Tables of what customs wants to know of payments: declared by a payment enterprise, and shown when customs asks."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, id_column, one_of
from customs.sealing import SEALED

REQUEST_STATES = ("waiting", "uploaded", "dead")
PAYMENT_STATES = ("asked", "declared", "refused")
IDENTITY_CHECKS = ("passed", "not_passed", "not_told")


class PaymentDataRequest(Base):
    """Customs asks for the payment data of an order (`platDataOpen`): one row for a session and an order.

    `asked_ms` is the clock of who asked, in milliseconds. `body` is what is uploaded, signed once and sent again as it
    is; sealed, since a payment names people. A dead one waits for a person.
    """

    __tablename__ = "payment_data_request"
    __table_args__ = (
        UniqueConstraint("session_id", "order_number"),
        one_of("state", REQUEST_STATES),
        CheckConstraint("(state = 'waiting') = (next_try_at IS NOT NULL)", name="waiting_is_due"),
        CheckConstraint("(state = 'uploaded') = (uploaded_at IS NOT NULL)", name="uploaded_has_time"),
        Index("ix_payment_data_request_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index("ix_payment_data_request_order", "order_number", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    session_id: Mapped[str] = mapped_column(String(36))
    order_number: Mapped[str] = mapped_column(String(20))
    asked_ms: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_try_at: Mapped[datetime | None]
    body: Mapped[bytes | None] = mapped_column(info=SEALED)
    answer: Mapped[str | None] = mapped_column(String(500))
    uploaded_at: Mapped[datetime | None]


class PaymentDeclaration(Base):
    """The payment of an order, declared by a payment enterprise through its own interface.

    `round` counts the requests: each has an id of its own, and a new one is made only after a refusal. `transaction_id`
    is what order and payment say; `ver_dept` and `verified_no` name who cleared it and under which number.
    """

    __tablename__ = "payment_declaration"
    __table_args__ = (
        one_of("state", PAYMENT_STATES),
        one_of("identity_check", IDENTITY_CHECKS),
        CheckConstraint("ver_dept IN ('1', '2', '3')", name="ver_dept_known"),
        CheckConstraint("(state = 'declared') = (transaction_id IS NOT NULL)", name="declared_has_number"),
    )

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), primary_key=True)
    declarer: Mapped[str] = mapped_column(String(20))
    round: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_try_at: Mapped[datetime]
    transaction_id: Mapped[str | None] = mapped_column(String(60))
    ver_dept: Mapped[str | None] = mapped_column(String(1))
    verified_no: Mapped[str | None] = mapped_column(String(60))
    identity_check: Mapped[str | None] = mapped_column(String(10))
    fault: Mapped[str | None] = mapped_column(String(300))
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    declared_at: Mapped[datetime | None]
