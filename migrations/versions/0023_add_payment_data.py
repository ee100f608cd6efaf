"""What customs asks of payments, payments declared by an enterprise, and what kept a declaration from being filed.

Revision ID: 0023_add_payment_data
Revises: 0022_add_guarantees
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023_add_payment_data"
down_revision = "0022_add_guarantees"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payment_data_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.String(36), nullable=False),
        sa.Column("order_number", sa.String(20), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_try_at", INSTANT),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("answer", sa.String(500)),
        sa.Column("uploaded_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_data_request")),
        sa.UniqueConstraint("session_id", "order_number", name=op.f("uq_payment_data_request_session_id_order_number")),
        sa.CheckConstraint(
            "state IN ('waiting', 'uploaded', 'dead')", name=op.f("ck_payment_data_request_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'waiting') = (next_try_at IS NOT NULL)", name=op.f("ck_payment_data_request_waiting_is_due")
        ),
        sa.CheckConstraint(
            "(state = 'uploaded') = (uploaded_at IS NOT NULL)", name=op.f("ck_payment_data_request_uploaded_has_time")
        ),
    )
    due = sa.text("next_try_at IS NOT NULL")
    op.create_index("ix_payment_data_request_due", "payment_data_request", ["next_try_at"], postgresql_where=due)
    op.create_index("ix_payment_data_request_order", "payment_data_request", ["order_number", "id"])
    op.create_table(
        "payment_declaration",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("declarer", sa.String(20), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("transaction_id", sa.String(60)),
        sa.Column("ver_dept", sa.String(1)),
        sa.Column("verified_no", sa.String(60)),
        sa.Column("identity_check", sa.String(10)),
        sa.Column("fault", sa.String(300)),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("declared_at", INSTANT),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_payment_declaration")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_payment_declaration_declaration_id_declaration")
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'declared', 'refused')", name=op.f("ck_payment_declaration_state_known")
        ),
        sa.CheckConstraint(
            "identity_check IN ('passed', 'not_passed', 'not_told')",
            name=op.f("ck_payment_declaration_identity_check_known"),
        ),
        sa.CheckConstraint("ver_dept IN ('1', '2', '3')", name=op.f("ck_payment_declaration_ver_dept_known")),
        sa.CheckConstraint(
            "(state = 'declared') = (transaction_id IS NOT NULL)",
            name=op.f("ck_payment_declaration_declared_has_number"),
        ),
    )
    op.add_column("declaration", sa.Column("filing_faults", JSONB()))


def downgrade() -> None:
    op.drop_column("declaration", "filing_faults")
    op.drop_table("payment_declaration")
    op.drop_index("ix_payment_data_request_order", "payment_data_request")
    op.drop_index("ix_payment_data_request_due", "payment_data_request")
    op.drop_table("payment_data_request")
