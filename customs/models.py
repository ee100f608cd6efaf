"""Tables of the customs desk: warehouses, persons and their yearly allowance, declarations, messages and receipts.

A declaration keeps its own copy of everything it declares, so nothing edited later changes it. Identity numbers, names
and telephone numbers stand sealed (`customs.sealing`); nothing here can be read without the key of the settings.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, Quantity, id_column, one_of
from customs.sealing import SEALED

WAREHOUSE_KINDS = ("bonded", "direct", "general")
MODES = ("1210", "9610", "0110")
HOLD_STATES = ("held", "used", "confirmed", "returned")
DECLARATION_KINDS = ("retail", "retail_return", "general_trade")
DECLARATION_STATUSES = (
    "draft",
    "pending",
    "failed",
    "filed",
    "declared",
    "held",
    "rejected",
    "released",
    "closed",
    "cancelled",
    "returned_abroad",
)
RECEIPT_STATES = ("stored", "applied", "ignored", "quarantined", "set_aside")
FILE_STATUSES = ("queued", "running", "done", "failed")
BILL_STATES = ("generated", "consolidated", "void", "pending")


class Warehouse(Base):
    """Where goods leave customs' care: a bonded zone (1210), a direct purchase site (9610), a general store (0110)."""

    __tablename__ = "warehouse"
    __table_args__ = (
        one_of("kind", WAREHOUSE_KINDS),
        one_of("mode", MODES),
        CheckConstraint(
            "mode <> '1210' OR (ems_no IS NOT NULL AND area_code IS NOT NULL AND area_name IS NOT NULL)",
            name="bonded_has_account_book",
        ),
    )

    id: Mapped[uuid.UUID] = id_column()
    name: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    mode: Mapped[str] = mapped_column(String(4))
    zone: Mapped[str] = mapped_column(String(100))
    customs_code: Mapped[str] = mapped_column(String(4))
    port_code: Mapped[str] = mapped_column(String(4))
    traf_mode: Mapped[str] = mapped_column(String(1))
    loct_no: Mapped[str | None] = mapped_column(String(10))
    ems_no: Mapped[str | None] = mapped_column(String(30))
    area_code: Mapped[str | None] = mapped_column(String(18))
    area_name: Mapped[str | None] = mapped_column(String(100))
    agent_code: Mapped[str | None] = mapped_column(String(18))
    agent_name: Mapped[str | None] = mapped_column(String(100))
    logistics_code: Mapped[str | None] = mapped_column(String(18))
    logistics_name: Mapped[str | None] = mapped_column(String(100))
    guarantor: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Shipment(Base):
    """The border crossing of direct purchases (9610): what the list must say about it."""

    __tablename__ = "shipment"

    id: Mapped[uuid.UUID] = id_column()
    warehouse_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("warehouse.id"), index=True)
    traf_mode: Mapped[str] = mapped_column(String(1))
    traf_no: Mapped[str] = mapped_column(String(100))
    voyage_no: Mapped[str] = mapped_column(String(32))
    bill_no: Mapped[str] = mapped_column(String(37))
    dispatch_country: Mapped[str] = mapped_column(String(2))
    entry_day: Mapped[date | None]
    closed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Person(Base):
    """One human being, however typed and on however many accounts: the number's keyed hash is unique."""

    __tablename__ = "person"

    id: Mapped[uuid.UUID] = id_column()
    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    id_number_sealed: Mapped[bytes] = mapped_column(info=SEALED)
    id_number_masked: Mapped[str] = mapped_column(String(18))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class AccountPerson(Base):
    """Who an account says it buys for; name and telephone are the account's own words, so no stranger changes them."""

    __tablename__ = "account_person"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    name_sealed: Mapped[bytes] = mapped_column(info=SEALED)
    phone_sealed: Mapped[bytes] = mapped_column(info=SEALED)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)


class AllowanceYear(Base):
    """What a person has reserved and used of a Beijing year's limit; the limit is the one of the last holding."""

    __tablename__ = "allowance_year"
    __table_args__ = (
        CheckConstraint("reserved_fen >= 0", name="reserved_not_negative"),
        CheckConstraint("used_fen >= 0", name="used_not_negative"),
        CheckConstraint("reserved_fen + used_fen <= limit_fen", name="within_limit"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    limit_fen: Mapped[int] = mapped_column(BigInteger)
    reserved_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    used_fen: Mapped[int] = mapped_column(BigInteger, default=0)


class AllowanceHold(Base):
    """The share of one order: held at placement, used at payment, confirmed at release, given back in whole or part.

    `weights` are the kilograms of capped goods that go with it: {group: {kg, returned, cap}}.
    """

    __tablename__ = "allowance_hold"
    __table_args__ = (
        one_of("state", HOLD_STATES),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("returned_fen BETWEEN 0 AND amount_fen", name="returned_within_amount"),
        Index("ix_allowance_hold_person_id", "person_id", "year"),
    )

    order_number: Mapped[str] = mapped_column(String(20), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(index=True)
    year: Mapped[int] = mapped_column(SmallInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    returned_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    limit_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))
    weights: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class AllowanceEntry(Base):
    """The log behind the two sums; append-only."""

    __tablename__ = "allowance_entry"
    __table_args__ = (Index("ix_allowance_entry_person_id", "person_id", "year", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[uuid.UUID]
    year: Mapped[int] = mapped_column(SmallInteger)
    order_number: Mapped[str] = mapped_column(String(20))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))


class Declaration(Base):
    """One declaration with its own copy of what it declares; who the buyer is stands sealed in `private`.

    A rejected one can be corrected and filed again until `mend_until`; then, or without it, it is over.
    """

    __tablename__ = "declaration"
    __table_args__ = (
        one_of("kind", DECLARATION_KINDS),
        one_of("status", DECLARATION_STATUSES),
        CheckConstraint("(status IN ('released', 'closed')) <= (released_on IS NOT NULL)", name="released_has_day"),
        # No order has two live declarations (I5): a return is a declaration of its own kind.
        Index("uq_declaration_order", "order_number", unique=True, postgresql_where=text("kind = 'retail'")),
        Index("ix_declaration_newest", "created_at", "id"),
        Index("ix_declaration_merchant_id", "merchant_id", "id"),
        Index("ix_declaration_status", "status", "id"),
        Index("ix_declaration_mend_until", "mend_until", postgresql_where=text("mend_until IS NOT NULL")),
        CheckConstraint("mend_until IS NULL OR status = 'rejected'", name="only_rejected_is_mended"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(24), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    order_number: Mapped[str | None] = mapped_column(String(20), index=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    merchant_id: Mapped[uuid.UUID | None]
    merchant_name: Mapped[str] = mapped_column(String(200))
    warehouse_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("warehouse.id"))
    mode: Mapped[str] = mapped_column(String(4))
    office: Mapped[str] = mapped_column(String(4))
    zone: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20))
    status_info: Mapped[str | None] = mapped_column(String(1000))
    filing_faults: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    edition: Mapped[str] = mapped_column(String(80))
    standing: Mapped[str] = mapped_column(String(20))
    assessed_on: Mapped[date]
    filed_on: Mapped[date | None]
    mend_until: Mapped[datetime | None]
    released_on: Mapped[date | None]
    released_at: Mapped[datetime | None]
    charged_tax_fen: Mapped[int | None] = mapped_column(BigInteger)
    snapshot: Mapped[dict[str, Any]]
    private: Mapped[bytes | None] = mapped_column(info=SEALED)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class DeclarationLine(Base):
    """One declared line: the fact every report is a sum of. Amounts of a return are negative.

    `billed_*` are customs' own figures from the tax bill (816), beside ours. `released_on` is a Beijing day.
    """

    __tablename__ = "declaration_line"
    __table_args__ = (
        UniqueConstraint("declaration_id", "position"),
        CheckConstraint("duty_fen + additional_duty_fen + consumption_tax_fen + vat_fen = tax_fen", name="tax_sums"),
        Index("ix_declaration_line_released", "released_on", postgresql_where=text("released_on IS NOT NULL")),
        Index("ix_declaration_line_merchant_id", "merchant_id", "released_on"),
    )

    id: Mapped[uuid.UUID] = id_column()
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    hs: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(250))
    origin: Mapped[str | None] = mapped_column(String(2))
    route: Mapped[str] = mapped_column(String(30))
    mode: Mapped[str] = mapped_column(String(4))
    merchant_id: Mapped[uuid.UUID | None]
    merchant_name: Mapped[str] = mapped_column(String(200))
    zone: Mapped[str] = mapped_column(String(100))
    office: Mapped[str] = mapped_column(String(4))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit: Mapped[str] = mapped_column(String(20))
    value_fen: Mapped[int] = mapped_column(BigInteger)
    freight_fen: Mapped[int] = mapped_column(BigInteger)
    insurance_fen: Mapped[int] = mapped_column(BigInteger)
    dutiable_value_fen: Mapped[int] = mapped_column(BigInteger)
    duty_fen: Mapped[int] = mapped_column(BigInteger)
    additional_duty_fen: Mapped[int] = mapped_column(BigInteger)
    consumption_tax_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    charged_tax_fen: Mapped[int] = mapped_column(BigInteger)
    assessment: Mapped[dict[str, Any]]
    billed_price_fen: Mapped[int | None] = mapped_column(BigInteger)
    billed_duty_fen: Mapped[int | None] = mapped_column(BigInteger)
    billed_consumption_tax_fen: Mapped[int | None] = mapped_column(BigInteger)
    billed_vat_fen: Mapped[int | None] = mapped_column(BigInteger)
    released_on: Mapped[date | None]


class TaxBill(Base):
    """A tax bill of customs (816) and its state (818); `revision` counts how often customs has amended it.

    `return_time` is that of its state, `billed_time` that of its amounts, since the two come by messages of their own.
    `ent_duty_no` is the consolidated payment it stands in (`tax_payment.number`).
    """

    __tablename__ = "tax_bill"
    __table_args__ = (
        one_of("status", BILL_STATES),
        UniqueConstraint("declaration_id", "tax_no"),
        Index("ix_tax_bill_ent_duty_no", "ent_duty_no", postgresql_where=text("ent_duty_no IS NOT NULL")),
        Index("ix_tax_bill_status", "status", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    tax_no: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(20))
    return_time: Mapped[str] = mapped_column(String(17))
    duty_fen: Mapped[int] = mapped_column(BigInteger)
    consumption_tax_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
    ent_duty_no: Mapped[str | None] = mapped_column(String(50))
    revision: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    billed_time: Mapped[str | None] = mapped_column(String(17))


class WindowDocument(Base):
    """One document to the single window. Its guid is fixed before the first sending and kept by every repetition.

    `xml` is sealed, since it names the buyer; `reference` is what receipts call the document; `next_send_at` is when it
    is sent again unless customs answers. `attempts` counts since the last sign of life, `tries` all of them;
    `may_have_arrived` says that an attempt before the last may have reached the window. A dead letter has `dead_at`.
    `reached` is where a document stood before a code nobody knows, or before it was refused.
    """

    __tablename__ = "window_document"
    __table_args__ = (
        Index("ix_window_document_reference", "kind", "reference"),
        Index("ix_window_document_due", "next_send_at", postgresql_where=text("next_send_at IS NOT NULL")),
        Index("ix_window_document_dead", "id", postgresql_where=text("dead_at IS NOT NULL")),
        CheckConstraint("(dead_at IS NULL) = (dead_reason IS NULL)", name="dead_for_a_reason"),
        CheckConstraint("dead_at IS NULL OR next_send_at IS NULL", name="dead_is_not_due"),
    )

    id: Mapped[uuid.UUID] = id_column()
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"), index=True)
    kind: Mapped[str] = mapped_column(String(3))
    guid: Mapped[str] = mapped_column(String(36), unique=True)
    reference: Mapped[str] = mapped_column(String(60))
    identifiers: Mapped[dict[str, Any]]
    content: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(20))
    xml: Mapped[bytes | None] = mapped_column(info=SEALED)
    pre_no: Mapped[str | None] = mapped_column(String(18))
    invt_no: Mapped[str | None] = mapped_column(String(20), index=True)
    return_status: Mapped[str | None] = mapped_column(String(10))
    return_time: Mapped[str | None] = mapped_column(String(17))
    return_info: Mapped[str | None] = mapped_column(String(1000))
    reached: Mapped[str | None] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    first_sent_at: Mapped[datetime | None]
    next_send_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    trying_since: Mapped[datetime | None]
    may_have_arrived: Mapped[bool] = mapped_column(default=False)
    dead_at: Mapped[datetime | None]
    dead_reason: Mapped[str | None] = mapped_column(String(11))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class WindowMessage(Base):
    """A message that came from the window, proved, byte for byte; sealed, since customs may name people in it."""

    __tablename__ = "window_message"

    id: Mapped[uuid.UUID] = id_column()
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    raw: Mapped[bytes] = mapped_column(info=SEALED)
    signer: Mapped[str | None] = mapped_column(String(80))
    received_at: Mapped[datetime] = mapped_column(default=clock.now)


class WindowReceipt(Base):
    """One receipt out of a message, stored once under what makes it this receipt, then applied by a job.

    `info` are customs' words, identity numbers masked. A person who looks after the quarantine can say which document
    it speaks of (`document_id`), or set it aside; `reason` says why it stands where it stands.
    """

    __tablename__ = "window_receipt"
    __table_args__ = (
        one_of("state", RECEIPT_STATES),
        Index("ix_window_receipt_waiting", "return_time", "id", postgresql_where=text("state = 'stored'")),
        Index("ix_window_receipt_quarantined", "kind", postgresql_where=text("state = 'quarantined'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(3))
    key: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(10))
    return_time: Mapped[str] = mapped_column(String(17))
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("window_message.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    info: Mapped[str | None] = mapped_column(String(1000))
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(300))
    document_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("window_document.id"))
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    applied_at: Mapped[datetime | None]


class AssessmentFile(Base):
    """A file of lines somebody wants assessed; file, result and error report lie in the state folder under its id.

    `options` is what the person asked for, `outcome` what came of it, `problem` why it could not be read.
    """

    __tablename__ = "assessment_file"
    __table_args__ = (one_of("status", FILE_STATUSES), Index("ix_assessment_file_account_id", "account_id", "id"))

    id: Mapped[uuid.UUID] = id_column()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(10))
    runs: Mapped[int] = mapped_column(SmallInteger, default=0)
    rows: Mapped[int] = mapped_column(BigInteger)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    failed: Mapped[int] = mapped_column(BigInteger, default=0)
    percent: Mapped[int] = mapped_column(SmallInteger, default=0)
    outcome: Mapped[dict[str, Any] | None]
    problem: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
