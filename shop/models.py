"""Tables of the shop: addresses, carts, purchases with their orders, payments, refunds and the ledger.

An order keeps its own copy of everything it was placed on (listing facts, address, assessment), so a merchant's later
edit changes no past order, declaration or report.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, Quantity, id_column, one_of

ORDER_STATUSES = (
    "awaiting_payment",
    "payment_review",
    "paid",
    "declared",
    "held",
    "rejected",
    "released",
    "shipped",
    "delivered",
    "completed",
    "cancelled",
    "refunding",
    "refunded",
    "returned",
)
PURCHASE_STATUSES = ("awaiting_payment", "paid", "expired", "cancelled")
RETURN_STATUSES = ("requested", "refused", "accepted", "settled")
# `waiting`: for the end of a dispute; `covered`: the money had come back to the buyer by another way.
REFUND_STATUSES = ("promised", "paid", "failed", "waiting", "covered")
RECALL_OUTCOMES = ("cancelled", "refunded", "customs_asked", "taken_back")

# Fed by the logistics enterprise's pool: one number is never given twice.
waybill_numbers = Sequence("waybill_number_seq", metadata=Base.metadata, start=100_000_001)


def table(model: type[Base]) -> Table:
    """The table of a model, to write prepared rows without the mapper copying them once more."""
    return cast(Table, model.__table__)


class Address(Base):
    __tablename__ = "address"

    id: Mapped[uuid.UUID] = id_column()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    recipient: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(20))
    province: Mapped[str] = mapped_column(String(30))
    city: Mapped[str] = mapped_column(String(30))
    district: Mapped[str] = mapped_column(String(30))
    district_code: Mapped[str | None] = mapped_column(String(6))
    street: Mapped[str] = mapped_column(String(100))
    postcode: Mapped[str] = mapped_column(String(6))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class CartItem(Base):
    __tablename__ = "cart_item"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    listing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    added_at: Mapped[datetime] = mapped_column(default=clock.now)


class Purchase(Base):
    """What is paid at once: one or several orders. `refunded_fen` counts refunds promised, paid or not yet.

    Open disputes reserve `disputed_fen`, lost ones took `charged_back_fen`: what is refunded, disputed and charged back
    never exceeds what was captured. `elsewhere_fen` is the part of the refunded that Stripe's dashboard paid and that
    no order's refund has been set against yet. `authorised_at`: a card holds the money until the goods are weighed.
    """

    __tablename__ = "purchase"
    __table_args__ = (
        one_of("status", PURCHASE_STATUSES),
        CheckConstraint("total_fen > 0", name="total_positive"),
        CheckConstraint("captured_fen BETWEEN 0 AND total_fen", name="captured_within_total"),
        CheckConstraint(
            "refunded_fen >= 0 AND disputed_fen >= 0 AND charged_back_fen >= 0"
            " AND refunded_fen + disputed_fen + charged_back_fen <= captured_fen",
            name="refunded_within_captured",
        ),
        CheckConstraint("elsewhere_fen BETWEEN 0 AND refunded_fen", name="elsewhere_within_refunded"),
        Index("ix_purchase_unpaid", "expires_at", postgresql_where=text("status = 'awaiting_payment'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    attempt_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    total_fen: Mapped[int] = mapped_column(BigInteger)
    captured_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    disputed_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    charged_back_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    elsewhere_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    authorised_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class Order(Base):
    """One merchant, route, mode and warehouse. All sums are those quoted; the tax is the tax charged.

    Of goods of catch weight they become those of the real weight when all of it is weighed, and `quoted` keeps the ones
    before. `most_dutiable_fen` is the highest dutiable value that a card was authorised for; the allowance holds it.

    `notice_*` say which consumer notice (version, sha256 of its text) was accepted with a retail order, when and how.
    """

    __tablename__ = "sales_order"
    __table_args__ = (
        one_of("status", ORDER_STATUSES),
        CheckConstraint("tax_fen = duty_fen + additional_duty_fen + consumption_tax_fen + vat_fen", name="tax_sums"),
        CheckConstraint(
            "total_fen = goods_fen + freight_fen + insurance_fen - discount_fen + tax_fen", name="total_sums"
        ),
        CheckConstraint("discount_fen BETWEEN 0 AND goods_fen", name="discount_within_goods"),
        CheckConstraint("route = 'services' OR mode IS NOT NULL AND warehouse_id IS NOT NULL", name="goods_have_place"),
        CheckConstraint("refunded_fen BETWEEN 0 AND total_fen", name="refunded_within_total"),
        Index("ix_sales_order_account_id", "account_id", "id"),
        Index("ix_sales_order_merchant_id", "merchant_id", "id"),
        Index("ix_sales_order_moving", "status", "id", postgresql_where=text("status IN ('paid', 'rejected')")),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(String(20), unique=True)
    purchase_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("purchase.id"), index=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    person_id: Mapped[uuid.UUID | None]
    merchant_id: Mapped[uuid.UUID]
    merchant_name: Mapped[str] = mapped_column(String(200))
    route: Mapped[str] = mapped_column(String(30))
    mode: Mapped[str | None] = mapped_column(String(4))
    warehouse_id: Mapped[uuid.UUID | None]
    status: Mapped[str] = mapped_column(String(20))
    tariff_edition: Mapped[str] = mapped_column(String(80))
    tariff_day: Mapped[date]
    goods_fen: Mapped[int] = mapped_column(BigInteger)
    freight_fen: Mapped[int] = mapped_column(BigInteger)
    insurance_fen: Mapped[int] = mapped_column(BigInteger)
    discount_fen: Mapped[int] = mapped_column(BigInteger)
    duty_fen: Mapped[int] = mapped_column(BigInteger)
    additional_duty_fen: Mapped[int] = mapped_column(BigInteger)
    consumption_tax_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    total_fen: Mapped[int] = mapped_column(BigInteger)
    dutiable_value_fen: Mapped[int] = mapped_column(BigInteger)
    most_dutiable_fen: Mapped[int | None] = mapped_column(BigInteger)
    quoted: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    refunded_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    address: Mapped[dict[str, Any]]
    address_text: Mapped[str] = mapped_column(String(200))
    notice_version: Mapped[str | None] = mapped_column(String(20))
    notice_digest: Mapped[str | None] = mapped_column(String(64))
    notice_accepted_at: Mapped[datetime | None]
    notice_how: Mapped[str | None] = mapped_column(String(10))
    waybill_no: Mapped[str | None] = mapped_column(String(60), unique=True)
    payment_no: Mapped[str | None] = mapped_column(String(60), unique=True)
    payer_name: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_on: Mapped[date | None]
    cancel_requested_at: Mapped[datetime | None]


class OrderLine(Base):
    """`facts` is the listing as it was sold; `assessment` the engine's line with its explanation.

    `discount_fen` is the line's share of its order's coupon.

    `weighed_fen` is what goods of catch weight are worth by their real weight `weighed_kg`, at most what was charged,
    or `most_goods_fen` where a card was authorised for more; None before. `quoted` as in Order.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("discount_fen BETWEEN 0 AND goods_fen", name="discount_within_goods"),
        CheckConstraint("tax_fen = duty_fen + additional_duty_fen + consumption_tax_fen + vat_fen", name="tax_sums"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    listing_id: Mapped[uuid.UUID] = mapped_column(index=True)
    listing_version: Mapped[int]
    hs: Mapped[str | None] = mapped_column(String(10))
    origin: Mapped[str] = mapped_column(String(2))
    unit: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_price_fen: Mapped[int] = mapped_column(BigInteger)
    goods_fen: Mapped[int] = mapped_column(BigInteger)
    discount_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    weighed_fen: Mapped[int | None] = mapped_column(BigInteger)
    weighed_kg: Mapped[Decimal | None] = mapped_column(Quantity)
    most_goods_fen: Mapped[int | None] = mapped_column(BigInteger)
    quoted: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    freight_fen: Mapped[int] = mapped_column(BigInteger)
    insurance_fen: Mapped[int] = mapped_column(BigInteger)
    dutiable_value_fen: Mapped[int] = mapped_column(BigInteger)
    duty_fen: Mapped[int] = mapped_column(BigInteger)
    additional_duty_fen: Mapped[int] = mapped_column(BigInteger)
    consumption_tax_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]]
    assessment: Mapped[dict[str, Any]]


class OrderAllocation(Base):
    """Which lot serves a line: found from the order for giving back, from the lot for a recall.

    `weight_kg` is the real weight of pieces sold by the kilogram, set when they are picked. Of the quantity `sent` has
    left in parcels; the rest is held while the order is not shipped.
    """

    __tablename__ = "order_allocation"
    __table_args__ = (CheckConstraint("sent BETWEEN 0 AND quantity", name="sent_within_quantity"),)

    line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    lot_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    sent: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0), server_default=text("0"))
    warehouse_id: Mapped[uuid.UUID | None]
    item_record_no: Mapped[str | None] = mapped_column(String(30))
    batch_no: Mapped[str] = mapped_column(String(64))
    weight_kg: Mapped[Decimal | None] = mapped_column(Quantity)


class RecalledOrder(Base):
    """What a recall or quarantine of a lot did with an order that had not been shipped; `was` is its state before."""

    __tablename__ = "recalled_order"
    __table_args__ = (one_of("outcome", RECALL_OUTCOMES),)

    lot_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"), primary_key=True, index=True)
    at: Mapped[datetime]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    was: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))


class OrderEvent(Base):
    """The timeline: `at` is the server's own time, `happened_at` what the person told."""

    __tablename__ = "order_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"), index=True)
    at: Mapped[datetime]
    happened_at: Mapped[datetime | None]
    event: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str | None] = mapped_column(String(500))


class Payment(Base):
    """How a purchase is paid. Its id is the idempotency key at Stripe, stored before the first call; `key_no` counts
    keys that Stripe spoiled by a 5xx, which it would repeat for ever.

    With the method `card` `amount_fen` is authorised and `capture_fen`, set by the real weight, captured, once, under
    the key of `capture_no`. Without a method Stripe offers all of them and captures at once.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("capture_fen BETWEEN 1 AND amount_fen", name="capture_within_amount"),
        CheckConstraint("method = 'card'", name="method_known"),
        Index("ix_payment_open", "checked_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = id_column()
    purchase_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("purchase.id"), unique=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    key_no: Mapped[int] = mapped_column(SmallInteger, default=0)
    method: Mapped[str | None] = mapped_column(String(10))
    capture_fen: Mapped[int | None] = mapped_column(BigInteger)
    capture_no: Mapped[int] = mapped_column(SmallInteger, default=0)
    intent_id: Mapped[str | None] = mapped_column(String(80), unique=True)
    client_secret: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class PaymentExchange(Base):
    """Raw request and response of each call to the payment provider, kept for customs (notices 165 and 179 of 2018)."""

    __tablename__ = "payment_exchange"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    purchase_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("purchase.id"), index=True)
    at: Mapped[datetime]
    operation: Mapped[str] = mapped_column(String(20))
    status: Mapped[int | None]
    request: Mapped[str] = mapped_column(Text)
    response: Mapped[str] = mapped_column(Text)


class StripeEvent(Base):
    """A verified webhook, stored once under Stripe's own id, applied by a job."""

    __tablename__ = "stripe_event"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str] = mapped_column(String(80))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class Refund(Base):
    """One promise is one row is one payment back. Its id is the idempotency key at Stripe; `key_no` as in Payment.

    What a coupon has paid for wholly goes back with an amount of zero: nothing is left to pay.
    """

    __tablename__ = "refund"
    __table_args__ = (
        one_of("status", REFUND_STATUSES),
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        Index("ix_refund_open", "created_at", postgresql_where=text("status = 'promised'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    purchase_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("purchase.id"), index=True)
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sales_order.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    key_no: Mapped[int] = mapped_column(SmallInteger, default=0)
    stripe_id: Mapped[str | None] = mapped_column(String(80), unique=True)
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class Return(Base):
    """Goods a buyer sends back. `parts` are computed when customs has granted it, so they equal what it declares:
    per tax kind, cumulative over the returns of a line, the last part taking what is left. What was released and is not
    sent, since its lot is recalled, goes back too (`unsent`), and then the freight with it.
    """

    __tablename__ = "return_request"
    __table_args__ = (one_of("status", RETURN_STATUSES), Index("ix_return_request_account_id", "account_id", "id"))

    id: Mapped[uuid.UUID] = id_column()
    attempt_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sales_order.id"), index=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    number: Mapped[str | None] = mapped_column(String(24), unique=True)
    status: Mapped[str] = mapped_column(String(20))
    lines: Mapped[list[Any]]
    reason: Mapped[str] = mapped_column(String(200))
    unsent: Mapped[bool] = mapped_column(default=False)
    parts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    requested_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime | None]
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refund.id"))


class LedgerPosting(Base):
    """One business event in the books, at most once: (kind, reference) is unique. A payout belongs to no purchase."""

    __tablename__ = "ledger_posting"
    __table_args__ = (UniqueConstraint("kind", "reference"),)

    id: Mapped[uuid.UUID] = id_column()
    kind: Mapped[str] = mapped_column(String(30))
    reference: Mapped[str] = mapped_column(String(80))
    purchase_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("purchase.id"), index=True)
    at: Mapped[datetime]


class LedgerEntry(Base):
    """Debit positive, credit negative; the entries of a posting sum to zero per currency (a trigger checks it)."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount_not_zero"),
        Index("ix_ledger_entry_party", "party", "order_id", postgresql_where=text("party IS NOT NULL")),
        Index("ix_ledger_entry_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    posting_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_posting.id"), index=True)
    account: Mapped[str] = mapped_column(String(40))
    party: Mapped[str | None] = mapped_column(String(64))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sales_order.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class Incident(Base):
    """Something a person must look at; nothing is charged, filed or paid on its strength. While it is open, no merchant
    is paid for what it is about; whoever closes it says in `remedy` what was done."""

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("kind", "object_id"),
        Index("ix_incident_open", "object_id", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(80))
    detail: Mapped[dict[str, Any]]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(80))
    remedy: Mapped[str | None] = mapped_column(String(500))
