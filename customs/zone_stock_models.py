"""Tables of bonded stock: entries into a zone, the account book with its log, ways out, returned goods, and crossings.

Goods are named by `goods_id`, lots by `lot_id`: both belong to the floor above and are never joined here.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, Quantity, id_column, one_of
from customs.sealing import SEALED

ENTRY_STATES = ("draft", "submitted", "recorded", "checked", "released", "arrived", "cancelled")
EXIT_STATES = ("requested", "approved", "done", "refused", "withdrawn")
EXIT_KINDS = ("general_trade", "abroad", "destruction", "transfer", "expired")
BOOK_KINDS = ("entry", "sale", "return", *EXIT_KINDS)
CLAIM_STATES = ("held", "drawn", "freed", "short")
RETURN_STATES = ("awaited", "checked", "kept", "late")
TALLY_STATES = (
    *("draft", "ready", "filed", "stored", "declaring", "sent", "send_failed", "received", "accepted"),
    *("rejected", "error", "pending", "refused"),
)


class BookItem(Base):
    """One item of an account book: what it holds in the item's own unit, and how much of it filed lists have claimed.

    Both change by one conditional UPDATE behind the CHECK; `on_book` is the sum of the item's entries.
    """

    __tablename__ = "account_book_item"
    __table_args__ = (
        UniqueConstraint("warehouse_id", "record_no"),
        UniqueConstraint("warehouse_id", "goods_id"),
        CheckConstraint("0 <= reserved AND reserved <= on_book", name="reserved_within_book"),
        Index("ix_account_book_item_merchant_id", "merchant_id", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    warehouse_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("warehouse.id"))
    record_no: Mapped[str] = mapped_column(String(30))
    goods_id: Mapped[uuid.UUID]
    merchant_id: Mapped[uuid.UUID]
    hs: Mapped[str] = mapped_column(String(10))
    origin: Mapped[str] = mapped_column(String(2))
    name: Mapped[str] = mapped_column(String(250))
    unit: Mapped[str] = mapped_column(String(20))
    on_book: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    reserved: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class BookEntry(Base):
    """Why an item's balance changed; append-only. One reference changes one item once in each kind."""

    __tablename__ = "account_book_entry"
    __table_args__ = (
        one_of("kind", BOOK_KINDS),
        UniqueConstraint("item_id", "kind", "reference"),
        CheckConstraint("CASE WHEN kind IN ('entry', 'return') THEN quantity > 0 ELSE quantity < 0 END", name="sign"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account_book_item.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(14))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    reference: Mapped[str] = mapped_column(String(80))


class BookClaim(Base):
    """What a filed list takes of an item: held while customs decides, drawn at release, freed when the list is void.

    `short`: customs released more than the book had; a person must look.
    """

    __tablename__ = "account_book_claim"
    __table_args__ = (
        one_of("state", CLAIM_STATES),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_account_book_claim_item_id", "item_id", "state"),
    )

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), primary_key=True)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account_book_item.id"), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    state: Mapped[str] = mapped_column(String(5))


class ZoneEntry(Base):
    """Goods on their way into a zone over the first line; `from_exit_id` when they come from another zone."""

    __tablename__ = "zone_entry"
    __table_args__ = (
        one_of("status", ENTRY_STATES),
        Index("ix_zone_entry_merchant_id", "merchant_id", "id"),
        Index("ix_zone_entry_status", "status", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(20), unique=True)
    warehouse_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("warehouse.id"))
    merchant_id: Mapped[uuid.UUID]
    merchant_name: Mapped[str] = mapped_column(String(200))
    ems_no: Mapped[str] = mapped_column(String(30))
    office: Mapped[str] = mapped_column(String(4))
    traf_mode: Mapped[str] = mapped_column(String(1))
    traf_no: Mapped[str] = mapped_column(String(100))
    bill_no: Mapped[str] = mapped_column(String(37))
    dispatch_country: Mapped[str] = mapped_column(String(2))
    status: Mapped[str] = mapped_column(String(10))
    from_exit_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ZoneEntryLine(Base):
    """One item of an entry with its own copy of what was declared; `arrived` is what the zone counted."""

    __tablename__ = "zone_entry_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("arrived BETWEEN 0 AND quantity", name="arrived_within_declared"),
    )

    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("zone_entry.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    goods_id: Mapped[uuid.UUID]
    hs: Mapped[str] = mapped_column(String(10))
    origin: Mapped[str] = mapped_column(String(2))
    name: Mapped[str] = mapped_column(String(250))
    unit: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    statutory: Mapped[list[Any]]
    value_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    batch_no: Mapped[str] = mapped_column(String(60))
    produced_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    record_no: Mapped[str | None] = mapped_column(String(30))
    arrived: Mapped[Decimal | None] = mapped_column(Quantity)
    lot_id: Mapped[uuid.UUID | None]


class ZoneExit(Base):
    """Goods that leave a zone by another way than a sale; `return_id` when damaged goods came back and are destroyed.

    `declaration_id` is the general trade declaration that bore the duty, `taxes` what the engine said on that day.
    """

    __tablename__ = "zone_exit"
    __table_args__ = (
        one_of("kind", EXIT_KINDS),
        one_of("status", EXIT_STATES),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("status NOT IN ('approved', 'done') OR paper_no IS NOT NULL", name="approved_has_paper"),
        CheckConstraint("(kind = 'transfer') = (to_warehouse_id IS NOT NULL)", name="transfer_names_its_zone"),
        Index("ix_zone_exit_merchant_id", "merchant_id", "id"),
        Index("ix_zone_exit_item_id", "item_id", "status"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(14))
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account_book_item.id"))
    lot_id: Mapped[uuid.UUID]
    merchant_id: Mapped[uuid.UUID]
    merchant_name: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    reason: Mapped[str] = mapped_column(String(300))
    status: Mapped[str] = mapped_column(String(10))
    paper_no: Mapped[str | None] = mapped_column(String(40))
    paper_day: Mapped[date | None]
    details: Mapped[dict[str, Any]]
    to_warehouse_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("warehouse.id"))
    return_id: Mapped[uuid.UUID | None]
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"))
    taxes: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ZoneStep(Base):
    """One step of an entry or an exit, with the number of its paper and its day; append-only."""

    __tablename__ = "zone_step"
    __table_args__ = (UniqueConstraint("object_id", "step"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    object_id: Mapped[uuid.UUID]
    step: Mapped[str] = mapped_column(String(10))
    number: Mapped[str | None] = mapped_column(String(40))
    day: Mapped[date]
    detail: Mapped[str | None] = mapped_column(String(300))
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(default=clock.now)


class ZoneReturn(Base):
    """A line of returned goods that customs takes back: `back_by` is the last day on which they may arrive.

    `kept`: they had never left the zone. `late`: they arrived too late to be bonded goods again.
    """

    __tablename__ = "zone_return"
    __table_args__ = (
        one_of("status", RETURN_STATES),
        UniqueConstraint("number", "line"),
        CheckConstraint("sound + damaged <= quantity AND sound >= 0 AND damaged >= 0", name="parts_within_quantity"),
        Index("ix_zone_return_status", "status", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(24))
    line: Mapped[int] = mapped_column(SmallInteger)
    order_number: Mapped[str] = mapped_column(String(20))
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), index=True)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account_book_item.id"), index=True)
    merchant_id: Mapped[uuid.UUID]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    back_by: Mapped[date]
    status: Mapped[str] = mapped_column(String(7))
    arrived_on: Mapped[date | None]
    sound: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    damaged: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    lot_id: Mapped[uuid.UUID | None]
    remark: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ShipmentOrder(Base):
    """Which crossing carries the goods of a declaration (9610); the list names it."""

    __tablename__ = "shipment_order"

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), primary_key=True)
    shipment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    tallied: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class ArrivalTally(Base):
    """The parcels of a crossing that entered the supervised place (711): filed before customs inspects them.

    What is kept of its sending is that of a `WindowDocument`.
    """

    kind: ClassVar[str] = "711"

    __tablename__ = "arrival_tally"
    __table_args__ = (
        one_of("status", TALLY_STATES),
        Index("ix_arrival_tally_due", "next_send_at"),
        Index("ix_arrival_tally_dead", "id", postgresql_where=text("dead_at IS NOT NULL")),
        CheckConstraint("(dead_at IS NULL) = (dead_reason IS NULL)", name="dead_for_a_reason"),
        CheckConstraint("dead_at IS NULL OR next_send_at IS NULL", name="dead_is_not_due"),
    )

    id: Mapped[uuid.UUID] = id_column()
    shipment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    guid: Mapped[str] = mapped_column(String(36), unique=True)
    cop_no: Mapped[str] = mapped_column(String(20), unique=True)
    parcels: Mapped[list[Any]]
    xml: Mapped[bytes | None] = mapped_column(info=SEALED)
    status: Mapped[str] = mapped_column(String(11))
    pre_no: Mapped[str | None] = mapped_column(String(18))
    rkd_no: Mapped[str | None] = mapped_column(String(18))
    return_status: Mapped[str | None] = mapped_column(String(10))
    return_time: Mapped[str | None] = mapped_column(String(17))
    return_info: Mapped[str | None] = mapped_column(String(1000))
    attempts: Mapped[int] = mapped_column(default=0)
    first_sent_at: Mapped[datetime | None]
    next_send_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    trying_since: Mapped[datetime | None]
    may_have_arrived: Mapped[bool] = mapped_column(default=False)
    dead_at: Mapped[datetime | None]
    dead_reason: Mapped[str | None] = mapped_column(String(11))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
