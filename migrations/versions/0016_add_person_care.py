"""A hash key that outlives the sealing keys, weights held beside the allowance, and traces of paid retail orders.

Revision ID: 0016_add_person_care
Revises: 0015_add_notifications
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016_add_person_care"
down_revision = "0015_add_notifications"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()


def upgrade() -> None:
    op.create_table(
        "identity_hash_key",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_identity_hash_key_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_hash_key")),
    )
    op.add_column("allowance_hold", sa.Column("weights", JSON))
    op.create_table(
        "weight_cap_year",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cap_group", sa.String(length=80), nullable=False),
        sa.Column("cap_kg", QUANTITY, nullable=False),
        sa.Column("reserved_kg", QUANTITY, nullable=False),
        sa.Column("used_kg", QUANTITY, nullable=False),
        sa.CheckConstraint("reserved_kg >= 0", name=op.f("ck_weight_cap_year_reserved_not_negative")),
        sa.CheckConstraint("used_kg >= 0", name=op.f("ck_weight_cap_year_used_not_negative")),
        sa.CheckConstraint("reserved_kg + used_kg <= cap_kg", name=op.f("ck_weight_cap_year_within_cap")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_weight_cap_year_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "year", "cap_group", name=op.f("pk_weight_cap_year")),
    )
    _traces()


def _traces() -> None:
    op.create_table(
        "order_trace",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("address_key", sa.BigInteger(), nullable=False),
        sa.Column("phone_key", sa.BigInteger(), nullable=False),
        sa.Column("payer_key", sa.BigInteger()),
        sa.Column("findings", JSON),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_order_trace_order_id_sales_order")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_trace")),
    )
    for column in ("account_id", "person_id", "address_key", "phone_key"):
        op.create_index(f"ix_order_trace_{column}", "order_trace", [column, "at"])
    op.create_index(
        "ix_order_trace_payer_key",
        "order_trace",
        ["payer_key", "at"],
        postgresql_where=sa.text("payer_key IS NOT NULL"),
    )
    op.create_index(
        "ix_order_trace_found", "order_trace", ["order_id"], postgresql_where=sa.text("findings IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_table("order_trace")
    op.drop_table("weight_cap_year")
    op.drop_column("allowance_hold", "weights")
    op.drop_table("identity_hash_key")
