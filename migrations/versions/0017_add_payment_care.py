"""Disputes, refunds made elsewhere, the reconciler's marks, and cards authorised for the real weight.

Revision ID: 0017_add_payment_care
Revises: 0016_add_person_care
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_add_payment_care"
down_revision = "0016_add_person_care"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()
WITHIN_BEFORE = "refunded_fen BETWEEN 0 AND captured_fen"
WITHIN = (
    "refunded_fen >= 0 AND disputed_fen >= 0 AND charged_back_fen >= 0"
    " AND refunded_fen + disputed_fen + charged_back_fen <= captured_fen"
)
REFUNDS_BEFORE = "status IN ('promised', 'paid', 'failed')"
REFUNDS = "status IN ('promised', 'paid', 'failed', 'waiting', 'covered')"
COUNTERS = ("disputed_fen", "charged_back_fen", "elsewhere_fen")


def upgrade() -> None:
    _purchases()
    _check("refund", "status_known", REFUNDS)
    _weights()
    _payments()
    _disputes()
    _reconciler()


def _check(table: str, name: str, rule: str) -> None:
    """Put a rule in the place of the one of that name. Rows of before keep it: their new columns have their constant."""
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule, postgresql_not_valid=True)


def _purchases() -> None:
    for name in COUNTERS:
        op.add_column("purchase", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column("purchase", name, server_default=None)
    op.add_column("purchase", sa.Column("authorised_at", INSTANT))
    _check("purchase", "refunded_within_captured", WITHIN)
    op.create_check_constraint(
        op.f("ck_purchase_elsewhere_within_refunded"),
        "purchase",
        "elsewhere_fen BETWEEN 0 AND refunded_fen",
        postgresql_not_valid=True,
    )


def _weights() -> None:
    op.add_column("sales_order", sa.Column("most_dutiable_fen", sa.BigInteger()))
    op.add_column("sales_order", sa.Column("quoted", JSON))
    op.add_column("order_line", sa.Column("weighed_kg", QUANTITY))
    op.add_column("order_line", sa.Column("most_goods_fen", sa.BigInteger()))
    op.add_column("order_line", sa.Column("quoted", JSON))


def _payments() -> None:
    op.add_column("payment", sa.Column("method", sa.String(length=10)))
    op.add_column("payment", sa.Column("capture_fen", sa.BigInteger()))
    op.add_column("payment", sa.Column("capture_no", sa.SmallInteger(), nullable=False, server_default="0"))
    op.alter_column("payment", "capture_no", server_default=None)
    rules = {"capture_within_amount": "capture_fen BETWEEN 1 AND amount_fen", "method_known": "method = 'card'"}
    for name, rule in rules.items():
        op.create_check_constraint(op.f(f"ck_payment_{name}"), "payment", rule, postgresql_not_valid=True)


def _disputes() -> None:
    op.create_table(
        "payment_dispute",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger()),
        sa.Column("booked_fen", sa.BigInteger(), nullable=False),
        sa.Column("evidence_due_at", INSTANT),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_dispute_amount_positive")),
        sa.CheckConstraint("booked_fen >= 0", name=op.f("ck_payment_dispute_booked_not_negative")),
        sa.CheckConstraint(
            "reserved_fen BETWEEN 0 AND amount_fen", name=op.f("ck_payment_dispute_reserved_within_amount")
        ),
        sa.CheckConstraint("state IN ('inquiry', 'open', 'won', 'lost')", name=op.f("ck_payment_dispute_state_known")),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"], name=op.f("fk_payment_dispute_purchase_id_purchase")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_dispute")),
    )
    op.create_index(op.f("ix_payment_dispute_purchase_id"), "payment_dispute", ["purchase_id"])
    op.create_index(
        "ix_payment_dispute_open",
        "payment_dispute",
        ["purchase_id"],
        postgresql_where=sa.text("state IN ('inquiry', 'open')"),
    )


def _reconciler() -> None:
    op.create_table(
        "payment_mark",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("seen_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_payment_mark")),
    )
    op.create_table(
        "reconcile_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("found", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconcile_run")),
    )


def downgrade() -> None:
    for table in ("reconcile_run", "payment_mark", "payment_dispute"):
        op.drop_table(table)
    for name in ("capture_within_amount", "method_known"):
        op.drop_constraint(op.f(f"ck_payment_{name}"), "payment", type_="check")
    columns = {
        "payment": ("method", "capture_fen", "capture_no"),
        "order_line": ("weighed_kg", "most_goods_fen", "quoted"),
        "sales_order": ("most_dutiable_fen", "quoted"),
    }
    for table, names in columns.items():
        for name in names:
            op.drop_column(table, name)
    _check("refund", "status_known", REFUNDS_BEFORE)
    op.drop_constraint(op.f("ck_purchase_elsewhere_within_refunded"), "purchase", type_="check")
    _check("purchase", "refunded_within_captured", WITHIN_BEFORE)
    for name in (*COUNTERS, "authorised_at"):
        op.drop_column("purchase", name)
