"""Payouts to merchants, checks of the books, postings that belong to no purchase, incidents that are closed.

Revision ID: 0012_add_payouts
Revises: 0011_add_quotations
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_add_payouts"
down_revision = "0011_add_quotations"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def upgrade() -> None:
    # A payout is made of many purchases.
    op.alter_column("ledger_posting", "purchase_id", existing_type=sa.Uuid(), nullable=True)
    op.create_index(
        "ix_ledger_entry_party",
        "ledger_entry",
        ["party", "order_id"],
        postgresql_where=sa.text("party IS NOT NULL"),
    )
    op.create_index(
        "ix_ledger_entry_order_id", "ledger_entry", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.add_column("incident", sa.Column("closed_at", INSTANT))
    op.add_column("incident", sa.Column("closed_by", sa.String(length=80)))
    op.add_column("incident", sa.Column("remedy", sa.String(length=500)))
    op.create_index("ix_incident_open", "incident", ["object_id"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "payout_account",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("stripe_account", sa.String(length=80)),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("capable", sa.Boolean(), nullable=False),
        sa.Column("payable", sa.Boolean(), nullable=False),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("checked_at", INSTANT),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_payout_account_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_payout_account")),
        sa.UniqueConstraint("stripe_account", name=op.f("uq_payout_account_stripe_account")),
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.String(length=80), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reversed_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("transfer_id", sa.String(length=80)),
        sa.Column("bank_id", sa.String(length=80)),
        sa.Column("reason", sa.String(length=200)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("paid_at", INSTANT),
        sa.Column("failed_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('promised', 'sent', 'paid', 'returning', 'failed')", name=op.f("ck_payout_status_known")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payout_amount_positive")),
        sa.CheckConstraint("reversed_fen BETWEEN 0 AND amount_fen", name=op.f("ck_payout_reversed_within_amount")),
        sa.CheckConstraint("(status = 'promised') <= (transfer_id IS NULL)", name=op.f("ck_payout_promised_is_unsent")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_payout_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_payout_transfer_id")),
        sa.UniqueConstraint("bank_id", name=op.f("uq_payout_bank_id")),
    )
    op.create_index("ix_payout_merchant_id", "payout", ["merchant_id", "id"])
    op.create_index(
        "ix_payout_open",
        "payout",
        ["created_at"],
        postgresql_where=sa.text("status IN ('promised', 'sent', 'returning')"),
    )
    op.create_table(
        "payout_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("taken_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"], name=op.f("fk_payout_line_payout_id_payout")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_payout_line_order_id_sales_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_line")),
        sa.UniqueConstraint("payout_id", "order_id", name=op.f("uq_payout_line_payout_id_order_id")),
    )
    op.create_index(op.f("ix_payout_line_order_id"), "payout_line", ["order_id"])
    op.create_table(
        "books_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("sums", JSON, nullable=False),
        sa.Column("faults", JSON, nullable=False),
        sa.Column("fault_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books_check")),
    )


def downgrade() -> None:
    for table in ("books_check", "payout_line", "payout", "payout_account"):
        op.drop_table(table)
    op.drop_index("ix_incident_open", "incident")
    for column in ("remedy", "closed_by", "closed_at"):
        op.drop_column("incident", column)
    op.drop_index("ix_ledger_entry_order_id", "ledger_entry")
    op.drop_index("ix_ledger_entry_party", "ledger_entry")
    # Refused while postings of payouts stand: they belong to no purchase.
    op.alter_column("ledger_posting", "purchase_id", existing_type=sa.Uuid(), nullable=False)
