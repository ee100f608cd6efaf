"""Addresses, carts, purchases, orders, payments, refunds and the ledger.

Revision ID: 0005_create_shop
Revises: 0004_create_catalog
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_create_shop"
down_revision = "0004_create_catalog"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()
APPEND_ONLY = ("order_event", "payment_exchange", "ledger_posting", "ledger_entry")


def upgrade() -> None:
    op.execute("CREATE SEQUENCE waybill_number_seq START WITH 100000001")
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("object_type", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=80), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("kind", "object_id", name=op.f("uq_incident_kind_object_id")),
    )
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("object_id", sa.String(length=80), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("applied_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_event")),
    )
    op.create_table(
        "address",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("province", sa.String(length=30), nullable=False),
        sa.Column("city", sa.String(length=30), nullable=False),
        sa.Column("district", sa.String(length=30), nullable=False),
        sa.Column("district_code", sa.String(length=6)),
        sa.Column("street", sa.String(length=100), nullable=False),
        sa.Column("postcode", sa.String(length=6), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_address_account_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
    )
    op.create_index(op.f("ix_address_account_id"), "address", ["account_id"])
    op.create_table(
        "cart_item",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_cart_item_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_cart_item_account_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "listing_id", name=op.f("pk_cart_item")),
    )
    op.create_table(
        "purchase",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("captured_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('awaiting_payment', 'paid', 'expired', 'cancelled')", name=op.f("ck_purchase_status_known")
        ),
        sa.CheckConstraint("captured_fen BETWEEN 0 AND total_fen", name=op.f("ck_purchase_captured_within_total")),
        sa.CheckConstraint(
            "refunded_fen BETWEEN 0 AND captured_fen", name=op.f("ck_purchase_refunded_within_captured")
        ),
        sa.CheckConstraint("total_fen > 0", name=op.f("ck_purchase_total_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["user_account.id"], name=op.f("fk_purchase_account_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_purchase_attempt_id")),
    )
    op.create_index(op.f("ix_purchase_account_id"), "purchase", ["account_id"])
    op.create_index(
        "ix_purchase_unpaid",
        "purchase",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'awaiting_payment'"),
    )
    op.create_table(
        "ledger_posting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"], name=op.f("fk_ledger_posting_purchase_id_purchase")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_posting")),
        sa.UniqueConstraint("kind", "reference", name=op.f("uq_ledger_posting_kind_reference")),
    )
    op.create_index(op.f("ix_ledger_posting_purchase_id"), "ledger_posting", ["purchase_id"])
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("intent_id", sa.String(length=80)),
        sa.Column("client_secret", sa.String(length=200)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("checked_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_amount_positive")),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"], name=op.f("fk_payment_purchase_id_purchase")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_payment_intent_id")),
        sa.UniqueConstraint("purchase_id", name=op.f("uq_payment_purchase_id")),
    )
    op.create_index(
        "ix_payment_open", "payment", ["checked_at"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "payment_exchange",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("operation", sa.String(length=20), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("fk_payment_exchange_purchase_id_purchase")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_exchange")),
    )
    op.create_index(op.f("ix_payment_exchange_purchase_id"), "payment_exchange", ["purchase_id"])
    op.create_table(
        "sales_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_name", sa.String(length=200), nullable=False),
        sa.Column("route", sa.String(length=30), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("tariff_edition", sa.String(length=80), nullable=False),
        sa.Column("tariff_day", sa.Date(), nullable=False),
        sa.Column("goods_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("insurance_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("additional_duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("consumption_tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("vat_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("dutiable_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("address", JSON, nullable=False),
        sa.Column("address_text", sa.String(length=200), nullable=False),
        sa.Column("waybill_no", sa.String(length=60)),
        sa.Column("payment_no", sa.String(length=60)),
        sa.Column("payer_name", sa.String(length=100)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.Column("released_at", INSTANT),
        sa.Column("released_on", sa.Date()),
        sa.Column("cancel_requested_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('awaiting_payment', 'payment_review', 'paid', 'declared', 'held', 'rejected', 'released', 'shipped', 'delivered', 'completed', 'cancelled', 'refunding', 'refunded', 'returned')",
            name=op.f("ck_sales_order_status_known"),
        ),
        sa.CheckConstraint("refunded_fen BETWEEN 0 AND total_fen", name=op.f("ck_sales_order_refunded_within_total")),
        sa.CheckConstraint(
            "tax_fen = duty_fen + additional_duty_fen + consumption_tax_fen + vat_fen",
            name=op.f("ck_sales_order_tax_sums"),
        ),
        sa.CheckConstraint(
            "total_fen = goods_fen + freight_fen + insurance_fen - discount_fen + tax_fen",
            name=op.f("ck_sales_order_total_sums"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_sales_order_account_id_user_account")
        ),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"], name=op.f("fk_sales_order_purchase_id_purchase")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint("number", name=op.f("uq_sales_order_number")),
        sa.UniqueConstraint("payment_no", name=op.f("uq_sales_order_payment_no")),
        sa.UniqueConstraint("waybill_no", name=op.f("uq_sales_order_waybill_no")),
    )
    op.create_index("ix_sales_order_account_id", "sales_order", ["account_id", "id"])
    op.create_index("ix_sales_order_merchant_id", "sales_order", ["merchant_id", "id"])
    op.create_index(
        "ix_sales_order_moving",
        "sales_order",
        ["status", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('paid', 'rejected')"),
    )
    op.create_index(op.f("ix_sales_order_purchase_id"), "sales_order", ["purchase_id"])
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("party", sa.String(length=64)),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_ledger_entry_amount_not_zero")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_ledger_entry_order_id_sales_order")),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["ledger_posting.id"], name=op.f("fk_ledger_entry_posting_id_ledger_posting")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
    )
    op.create_index(op.f("ix_ledger_entry_posting_id"), "ledger_entry", ["posting_id"])
    op.create_table(
        "order_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("happened_at", INSTANT),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(length=500)),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_order_event_order_id_sales_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_event")),
    )
    op.create_index(op.f("ix_order_event_order_id"), "order_event", ["order_id"])
    op.create_table(
        "order_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("hs", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=2), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("goods_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("insurance_fen", sa.BigInteger(), nullable=False),
        sa.Column("dutiable_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("additional_duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("consumption_tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("vat_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("assessment", JSON, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity_positive")),
        sa.CheckConstraint(
            "tax_fen = duty_fen + additional_duty_fen + consumption_tax_fen + vat_fen",
            name=op.f("ck_order_line_tax_sums"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_order_line_order_id_sales_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_line_order_id_position")),
    )
    op.create_index(op.f("ix_order_line_listing_id"), "order_line", ["listing_id"])
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("parts", JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("stripe_id", sa.String(length=80)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.CheckConstraint("status IN ('promised', 'paid', 'failed')", name=op.f("ck_refund_status_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_refund_order_id_sales_order")),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"], name=op.f("fk_refund_purchase_id_purchase")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("stripe_id", name=op.f("uq_refund_stripe_id")),
    )
    op.create_index(
        "ix_refund_open", "refund", ["created_at"], unique=False, postgresql_where=sa.text("status = 'promised'")
    )
    op.create_index(op.f("ix_refund_order_id"), "refund", ["order_id"])
    op.create_index(op.f("ix_refund_purchase_id"), "refund", ["purchase_id"])
    op.create_table(
        "order_allocation",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("item_record_no", sa.String(length=30)),
        sa.Column("batch_no", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["order_line.id"], name=op.f("fk_order_allocation_line_id_order_line")),
        sa.PrimaryKeyConstraint("line_id", "lot_id", name=op.f("pk_order_allocation")),
    )
    op.create_index(op.f("ix_order_allocation_lot_id"), "order_allocation", ["lot_id"])
    op.create_table(
        "return_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=24)),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("parts", JSON),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT),
        sa.Column("received_at", INSTANT),
        sa.Column("recorded_at", INSTANT),
        sa.Column("refund_id", sa.Uuid()),
        sa.CheckConstraint(
            "status IN ('requested', 'refused', 'accepted', 'settled')", name=op.f("ck_return_request_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_return_request_account_id_user_account")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_return_request_order_id_sales_order")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_return_request_refund_id_refund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_request")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_return_request_attempt_id")),
        sa.UniqueConstraint("number", name=op.f("uq_return_request_number")),
    )
    op.create_index("ix_return_request_account_id", "return_request", ["account_id", "id"])
    op.create_index(op.f("ix_return_request_order_id"), "return_request", ["order_id"])

    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    # Double entry by the database's own hand: checked at commit, when all entries of a posting are there.
    op.execute(
        """
        CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM ledger_entry WHERE posting_id = NEW.posting_id
                       GROUP BY currency HAVING sum(amount_fen) <> 0) THEN
                RAISE EXCEPTION 'posting % does not sum to zero', NEW.posting_id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances()"
    )


def downgrade() -> None:
    op.drop_table("return_request")
    op.drop_table("order_allocation")
    op.drop_table("refund")
    op.drop_table("order_line")
    op.drop_table("order_event")
    op.drop_table("ledger_entry")
    op.drop_table("sales_order")
    op.drop_table("payment_exchange")
    op.drop_table("payment")
    op.drop_table("ledger_posting")
    op.drop_table("purchase")
    op.drop_table("cart_item")
    op.drop_table("address")
    op.drop_table("stripe_event")
    op.drop_table("incident")

    op.execute("DROP FUNCTION ledger_balances()")
    op.execute("DROP SEQUENCE waybill_number_seq")
