"""Tax bills line by line, what differs, payments to customs, and the guarantees that taxes are filed under.

Revision ID: 0022_add_guarantees
Revises: 0021_add_bonded_stock
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_add_guarantees"
down_revision = "0021_add_bonded_stock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tax_bill", sa.Column("revision", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("tax_bill", sa.Column("billed_time", sa.String(length=17)))
    op.create_index(
        "ix_tax_bill_ent_duty_no", "tax_bill", ["ent_duty_no"], postgresql_where=sa.text("ent_duty_no IS NOT NULL")
    )
    op.create_index("ix_tax_bill_status", "tax_bill", ["status", "id"])
    op.create_table(
        "tax_bill_line",
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("gnum", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("gcode", sa.String(length=10), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("consumption_tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("vat_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["tax_bill.id"], name=op.f("fk_tax_bill_line_bill_id_tax_bill")),
        sa.PrimaryKeyConstraint("bill_id", "gnum", name=op.f("pk_tax_bill_line")),
    )
    op.create_table(
        "tax_difference",
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("gnum", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ours_fen", sa.BigInteger(), nullable=False),
        sa.Column("billed_fen", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cause IN ('freight_sharing', 'rounding_order', 'rate', 'quantity', 'unknown')",
            name=op.f("ck_tax_difference_cause_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('dutiable_value', 'duty', 'consumption_tax', 'vat', 'total')",
            name=op.f("ck_tax_difference_kind_known"),
        ),
        sa.CheckConstraint("ours_fen <> billed_fen", name=op.f("ck_tax_difference_really_differs")),
        sa.ForeignKeyConstraint(["bill_id"], ["tax_bill.id"], name=op.f("fk_tax_difference_bill_id_tax_bill")),
        sa.PrimaryKeyConstraint("bill_id", "gnum", "kind", name=op.f("pk_tax_difference")),
    )
    op.create_index("ix_tax_difference_newest", "tax_difference", ["found_at", "bill_id", "gnum", "kind"], unique=False)
    op.create_table(
        "tax_payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_fen", sa.BigInteger(), nullable=True),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.CheckConstraint("(paid_on IS NULL) = (paid_fen IS NULL)", name=op.f("ck_tax_payment_paid_as_a_whole")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_tax_payment_declaration_id_declaration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_payment")),
        sa.UniqueConstraint("declaration_id", name=op.f("uq_tax_payment_declaration_id")),
        sa.UniqueConstraint("number", name=op.f("uq_tax_payment_number")),
    )
    op.create_index("ix_tax_payment_newest", "tax_payment", ["created_at", "id"], unique=False)
    op.create_table(
        "guarantee",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("in_use_fen", sa.BigInteger(), nullable=False),
        sa.Column("alert_percent", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("alert_percent BETWEEN 1 AND 100", name=op.f("ck_guarantee_alert_is_percent")),
        sa.CheckConstraint("in_use_fen BETWEEN 0 AND amount_fen", name=op.f("ck_guarantee_in_use_within_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guarantee")),
        sa.UniqueConstraint("code", "office", name=op.f("uq_guarantee_code_office")),
    )
    op.create_table(
        "guarantee_hold",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("guarantee_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('reserved', 'released')", name=op.f("ck_guarantee_hold_state_known")),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_guarantee_hold_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_guarantee_hold_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["guarantee_id"], ["guarantee.id"], name=op.f("fk_guarantee_hold_guarantee_id_guarantee")
        ),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_guarantee_hold")),
    )
    op.create_index("ix_guarantee_hold_guarantee_id", "guarantee_hold", ["guarantee_id", "state"], unique=False)
    op.create_table(
        "guarantee_wait",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("guarantee_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_guarantee_wait_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["guarantee_id"], ["guarantee.id"], name=op.f("fk_guarantee_wait_guarantee_id_guarantee")
        ),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_guarantee_wait")),
    )
    op.create_index("ix_guarantee_wait_guarantee_id", "guarantee_wait", ["guarantee_id", "since"], unique=False)
    op.create_table(
        "guarantee_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("guarantee_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "kind IN ('opened', 'refilled', 'reduced', 'reserved', 'released', 'blocked', 'alert')",
            name=op.f("ck_guarantee_entry_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_guarantee_entry_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["guarantee_id"], ["guarantee.id"], name=op.f("fk_guarantee_entry_guarantee_id_guarantee")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guarantee_entry")),
    )
    op.create_index("ix_guarantee_entry_guarantee_id", "guarantee_entry", ["guarantee_id", "id"], unique=False)
    # ### end Alembic commands ###


def downgrade() -> None:
    op.drop_table("guarantee_entry")
    op.drop_table("guarantee_wait")
    op.drop_table("guarantee_hold")
    op.drop_table("guarantee")
    op.drop_table("tax_payment")
    op.drop_table("tax_difference")
    op.drop_table("tax_bill_line")
    op.drop_index("ix_tax_bill_status", table_name="tax_bill")
    op.drop_index("ix_tax_bill_ent_duty_no", table_name="tax_bill")
    op.drop_column("tax_bill", "billed_time")
    op.drop_column("tax_bill", "revision")
