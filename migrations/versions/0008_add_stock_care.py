"""Foreign merchants, members with roles, recalls, catch weight and minimum remaining life.

Revision ID: 0008_add_stock_care
Revises: 0007_add_bulk_imports
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008_add_stock_care"
down_revision = "0007_add_bulk_imports"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()
ROLES = "role IN ('owner', 'manager', 'stock_clerk', 'viewer')"
KINDS = "kind IN ('receipt', 'shipment', 'adjustment', 'return', 'destruction', 'recall')"
SIGNS = (
    "CASE WHEN kind IN ('receipt', 'return') THEN quantity > 0"
    " WHEN kind IN ('shipment', 'destruction', 'recall') THEN quantity < 0 ELSE true END"
)
# Checked for rows written from now on: reading the rows of a large table through would keep its writers waiting. The
# rows of before keep them as they are, since every new column of theirs is empty or has its constant.
LISTING_CHECKS = {
    "priced_by_known": "priced_by IN ('unit', 'kg')",
    "catch_weight_whole": (
        "num_nonnulls(kg_price_fen, piece_weight_kg, weight_tolerance) = CASE priced_by WHEN 'kg' THEN 3 ELSE 0 END"
    ),
    "weight_tolerance_bounded": "weight_tolerance BETWEEN 0 AND 10",
    "least_life_one_rule": "num_nonnulls(least_life_days, least_life_percent) < 2",
}
LOT_CHECKS = {
    "block_kind_known": "block_kind IN ('hold', 'quarantine', 'recall')",
    "least_life_not_negative": "least_life_days >= 0",
}


def upgrade() -> None:
    _merchants()
    _members()
    _listings()
    _lots()
    _orders()


def _merchants() -> None:
    op.alter_column("merchant", "uscc", existing_type=sa.String(length=18), nullable=True)
    op.add_column("merchant", sa.Column("foreign_registration_no", sa.String(length=60)))
    op.add_column("merchant", sa.Column("country", sa.String(length=2), nullable=False, server_default="CN"))
    op.alter_column("merchant", "country", server_default=None)
    op.add_column("merchant", sa.Column("bank_account", JSON))
    checks = {
        "one_registration": "(uscc IS NULL) = (foreign_registration_no IS NOT NULL)",
        "foreign_has_country": "(foreign_registration_no IS NULL) = (country = 'CN')",
        "foreign_has_agent": "country = 'CN' OR domestic_agent ->> 'uscc' IS NOT NULL",
        "one_account": "stripe_account IS NULL OR bank_account IS NULL",
    }
    for name, rule in checks.items():
        op.create_check_constraint(op.f(f"ck_merchant_{name}"), "merchant", rule)
    op.create_index(
        "uq_merchant_foreign",
        "merchant",
        ["country", "foreign_registration_no"],
        unique=True,
        postgresql_where=sa.text("status <> 'rejected'"),
    )


def _members() -> None:
    op.add_column("merchant_member", sa.Column("role", sa.String(length=12), nullable=False, server_default="owner"))
    op.alter_column("merchant_member", "role", server_default=None)
    op.create_check_constraint(op.f("ck_merchant_member_role_known"), "merchant_member", ROLES)
    op.create_table(
        "merchant_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("invited_at", INSTANT, nullable=False),
        sa.CheckConstraint(ROLES, name=op.f("ck_merchant_invitation_role_known")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_merchant_invitation_merchant_id_merchant")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_merchant_invitation_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_invitation")),
        sa.UniqueConstraint("merchant_id", "user_id", name=op.f("uq_merchant_invitation_merchant_id_user_id")),
    )
    op.create_index(op.f("ix_merchant_invitation_user_id"), "merchant_invitation", ["user_id"])


def _listings() -> None:
    op.add_column("listing", sa.Column("priced_by", sa.String(length=4), nullable=False, server_default="unit"))
    op.alter_column("listing", "priced_by", server_default=None)
    op.add_column("listing", sa.Column("kg_price_fen", sa.BigInteger()))
    op.add_column("listing", sa.Column("piece_weight_kg", QUANTITY))
    for name in ("weight_tolerance", "least_life_days", "least_life_percent"):
        op.add_column("listing", sa.Column(name, sa.SmallInteger()))
    for name, rule in LISTING_CHECKS.items():
        _check_from_now_on("listing", name, rule)


def _check_from_now_on(table: str, name: str, rule: str) -> None:
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule, postgresql_not_valid=True)


def _lots() -> None:
    op.add_column("lot", sa.Column("block_kind", sa.String(length=12)))
    op.add_column("lot", sa.Column("blocked_at", INSTANT))
    op.execute("UPDATE lot SET block_kind = 'hold', blocked_at = created_at WHERE blocked")
    op.add_column("lot", sa.Column("least_life_days", sa.SmallInteger(), nullable=False, server_default="3"))
    op.alter_column("lot", "least_life_days", server_default=None)
    op.add_column("lot", sa.Column("weight_kg", QUANTITY))
    for name, rule in LOT_CHECKS.items():
        _check_from_now_on("lot", name, rule)
    _check_from_now_on("lot", "blocked_for_a_kind", "blocked = (block_kind IS NOT NULL)")
    op.create_index("ix_lot_batch_no", "lot", ["batch_no"])
    op.create_index(
        "ix_lot_stopped", "lot", ["blocked_at"], postgresql_where=sa.text("block_kind IN ('quarantine', 'recall')")
    )
    op.add_column("stock_movement", sa.Column("weight_kg", QUANTITY))
    for name in ("kind_known", "quantity_not_zero"):
        op.drop_constraint(op.f(f"ck_stock_movement_{name}"), "stock_movement", type_="check")
    _check_from_now_on("stock_movement", "kind_known", KINDS)
    _check_from_now_on("stock_movement", "moves_something", "quantity <> 0 OR weight_kg <> 0")
    _check_from_now_on("stock_movement", "sign_of_kind", SIGNS)


def _orders() -> None:
    op.add_column("order_line", sa.Column("weighed_fen", sa.BigInteger()))
    op.add_column("order_allocation", sa.Column("weight_kg", QUANTITY))
    op.add_column("return_request", sa.Column("unsent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("return_request", "unsent", server_default=None)
    op.create_table(
        "recalled_order",
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("was", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('cancelled', 'refunded', 'customs_asked', 'taken_back')",
            name=op.f("ck_recalled_order_outcome_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_recalled_order_order_id_sales_order")),
        sa.PrimaryKeyConstraint("lot_id", "order_id", name=op.f("pk_recalled_order")),
    )
    op.create_index(op.f("ix_recalled_order_order_id"), "recalled_order", ["order_id"])


def downgrade() -> None:
    op.drop_table("recalled_order")
    op.drop_column("return_request", "unsent")
    op.drop_column("order_allocation", "weight_kg")
    op.drop_column("order_line", "weighed_fen")
    for name in ("kind_known", "moves_something", "sign_of_kind"):
        op.drop_constraint(op.f(f"ck_stock_movement_{name}"), "stock_movement", type_="check")
    op.drop_column("stock_movement", "weight_kg")
    before = {"kind_known": "kind IN ('receipt', 'shipment', 'adjustment')", "quantity_not_zero": "quantity <> 0"}
    for name, rule in before.items():
        _check_from_now_on("stock_movement", name, rule)
    op.drop_index("ix_lot_stopped", "lot")
    op.drop_index("ix_lot_batch_no", "lot")
    for name in ("blocked_for_a_kind", *LOT_CHECKS):
        op.drop_constraint(op.f(f"ck_lot_{name}"), "lot", type_="check")
    for name in ("weight_kg", "least_life_days", "blocked_at", "block_kind"):
        op.drop_column("lot", name)
    for name in LISTING_CHECKS:
        op.drop_constraint(op.f(f"ck_listing_{name}"), "listing", type_="check")
    columns = (
        "least_life_percent",
        "least_life_days",
        "weight_tolerance",
        "piece_weight_kg",
        "kg_price_fen",
        "priced_by",
    )
    for name in columns:
        op.drop_column("listing", name)
    op.drop_table("merchant_invitation")
    op.drop_column("merchant_member", "role")
    op.drop_index("uq_merchant_foreign", "merchant")
    for name in ("one_account", "foreign_has_agent", "foreign_has_country", "one_registration"):
        op.drop_constraint(op.f(f"ck_merchant_{name}"), "merchant", type_="check")
    for name in ("bank_account", "country", "foreign_registration_no"):
        op.drop_column("merchant", name)
    op.alter_column("merchant", "uscc", existing_type=sa.String(length=18), nullable=False)
