"""Notices to people and merchants, merchants' webhook endpoints, deliveries and their attempts.

Revision ID: 0015_add_notifications
Revises: 0014_add_order_care
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_add_notifications"
down_revision = "0014_add_order_care"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("merchant_id", sa.Uuid()),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("read_at", INSTANT),
        sa.Column("posted_at", INSTANT),
        sa.CheckConstraint("(account_id IS NULL) <> (merchant_id IS NULL)", name=op.f("ck_notice_one_reader")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_notice_account_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    for name in ("account_id", "merchant_id"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_notice_{name}", "notice", [name, "id"], postgresql_where=there)
    op.create_index("ix_notice_unposted", "notice", ["id"], postgresql_where=sa.text("posted_at IS NULL"))
    _endpoints()
    _deliveries()


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("kinds", JSON, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary()),
        sa.Column("former_until", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("failing_since", INSTANT),
        sa.Column("disabled_at", INSTANT),
        sa.Column("disabled_for", sa.String(length=20)),
        sa.CheckConstraint(
            "(former_secret IS NULL) = (former_until IS NULL)", name=op.f("ck_webhook_endpoint_former_has_end")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_webhook_endpoint_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_index("ix_webhook_endpoint_merchant_id", "webhook_endpoint", ["merchant_id", "id"])


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("endpoint_id", sa.Uuid()),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.CheckConstraint("status IN ('waiting', 'sent', 'failed', 'dropped')", name=op.f("ck_delivery_status_known")),
        sa.CheckConstraint("(account_id IS NULL) <> (endpoint_id IS NULL)", name=op.f("ck_delivery_one_address")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_delivery_{column}_{table}"), ondelete="CASCADE"
            )
            for column, table in (
                ("notice_id", "notice"),
                ("account_id", "user_account"),
                ("endpoint_id", "webhook_endpoint"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("notice_id", "account_id", name=op.f("uq_delivery_notice_id_account_id")),
        sa.UniqueConstraint("notice_id", "endpoint_id", name=op.f("uq_delivery_notice_id_endpoint_id")),
    )
    mailed, called = sa.text("status = 'waiting' AND account_id IS NOT NULL"), sa.text("endpoint_id IS NOT NULL")
    calls = sa.text("status = 'waiting' AND endpoint_id IS NOT NULL")
    op.create_index("ix_delivery_mail_due", "delivery", ["next_at"], postgresql_where=mailed)
    op.create_index("ix_delivery_call_due", "delivery", ["endpoint_id", "next_at"], postgresql_where=calls)
    op.create_index("ix_delivery_endpoint_id", "delivery", ["endpoint_id", "id"], postgresql_where=called)
    op.create_index(op.f("ix_delivery_account_id"), "delivery", ["account_id"])
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("answer", sa.String(length=500)),
        sa.Column("fault", sa.String(length=200)),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_attempt_delivery_id_delivery"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index(op.f("ix_delivery_attempt_delivery_id"), "delivery_attempt", ["delivery_id"])


def downgrade() -> None:
    for name in ("delivery_attempt", "delivery", "webhook_endpoint", "notice"):
        op.drop_table(name)
