"""Platform coupons and merchants' promotions with what was used of them; discounts of order lines; refunds without cash.

Revision ID: 0013_add_promotions
Revises: 0012_add_payouts
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_add_promotions"
down_revision = "0012_add_payouts"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)


def upgrade() -> None:
    op.create_table(
        "coupon",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("amount_fen", sa.BigInteger()),
        sa.Column("percent", sa.SmallInteger()),
        sa.Column("at_most_fen", sa.BigInteger()),
        sa.Column("minimum_fen", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_to", INSTANT, nullable=False),
        sa.Column("total_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=False),
        sa.Column("spent_fen", sa.BigInteger(), nullable=False),
        sa.Column("per_person", sa.SmallInteger(), nullable=False),
        sa.Column("routes", postgresql.ARRAY(sa.String(length=30))),
        sa.Column("categories", postgresql.ARRAY(sa.String(length=40))),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("stopped_at", INSTANT),
        sa.CheckConstraint("(amount_fen IS NULL) <> (percent IS NULL)", name=op.f("ck_coupon_amount_or_percent")),
        sa.CheckConstraint("(percent IS NULL) = (at_most_fen IS NULL)", name=op.f("ck_coupon_percent_has_cap")),
        sa.CheckConstraint(
            "amount_fen > 0 AND at_most_fen > 0 AND minimum_fen >= 0", name=op.f("ck_coupon_amounts_positive")
        ),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_coupon_percent_known")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_coupon_valid_in_order")),
        sa.CheckConstraint("uses BETWEEN 0 AND total_uses", name=op.f("ck_coupon_uses_within_total")),
        sa.CheckConstraint("spent_fen BETWEEN 0 AND budget_fen", name=op.f("ck_coupon_spent_within_budget")),
        sa.CheckConstraint("per_person > 0", name=op.f("ck_coupon_per_person_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["user_account.id"], name=op.f("fk_coupon_created_by_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon")),
        sa.UniqueConstraint("code", name=op.f("uq_coupon_code")),
    )
    op.create_table(
        "coupon_holder",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("uses", sa.SmallInteger(), nullable=False),
        sa.Column("most", sa.SmallInteger(), nullable=False),
        sa.Column("credit_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("uses BETWEEN 0 AND most", name=op.f("ck_coupon_holder_uses_within_most")),
        sa.CheckConstraint("credit_fen >= 0", name=op.f("ck_coupon_holder_credit_not_negative")),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupon.id"], name=op.f("fk_coupon_holder_coupon_id_coupon")),
        sa.PrimaryKeyConstraint("coupon_id", "holder_id", name=op.f("pk_coupon_holder")),
    )
    op.create_table(
        "coupon_use",
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("of_credit", sa.Boolean(), nullable=False),
        sa.Column("restored_fen", sa.BigInteger(), nullable=False),
        sa.Column("credited_fen", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("discount_fen > 0", name=op.f("ck_coupon_use_discount_positive")),
        sa.CheckConstraint(
            "restored_fen BETWEEN 0 AND discount_fen", name=op.f("ck_coupon_use_restored_within_discount")
        ),
        sa.CheckConstraint(
            "credited_fen BETWEEN 0 AND restored_fen", name=op.f("ck_coupon_use_credited_within_restored")
        ),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupon.id"], name=op.f("fk_coupon_use_coupon_id_coupon")),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"], name=op.f("fk_coupon_use_purchase_id_purchase")),
        sa.PrimaryKeyConstraint("purchase_id", name=op.f("pk_coupon_use")),
    )
    op.create_index("ix_coupon_use_coupon_id", "coupon_use", ["coupon_id", "purchase_id"])
    op.add_column("order_line", sa.Column("discount_fen", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_check_constraint(
        op.f("ck_order_line_discount_within_goods"), "order_line", "discount_fen BETWEEN 0 AND goods_fen"
    )
    op.create_check_constraint(
        op.f("ck_sales_order_discount_within_goods"), "sales_order", "discount_fen BETWEEN 0 AND goods_fen"
    )
    # What a coupon paid for wholly goes back without cash.
    op.drop_constraint(op.f("ck_refund_amount_positive"), "refund", type_="check")
    op.create_check_constraint(op.f("ck_refund_amount_not_negative"), "refund", "amount_fen >= 0")
    _add_listing_promotions()


def _add_listing_promotions() -> None:
    op.create_table(
        "listing_promotion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("percent", sa.SmallInteger()),
        sa.Column("price_fen", sa.BigInteger()),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_to", INSTANT, nullable=False),
        sa.Column("units_most", QUANTITY),
        sa.Column("per_person", QUANTITY),
        sa.Column("taken", QUANTITY, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("regular_fen", sa.BigInteger()),
        sa.Column("reduced_fen", sa.BigInteger()),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(
            "state IN ('planned', 'running', 'over', 'sold_out', 'stopped', 'failed')",
            name=op.f("ck_listing_promotion_state_known"),
        ),
        sa.CheckConstraint(
            "(percent IS NULL) <> (price_fen IS NULL)", name=op.f("ck_listing_promotion_percent_or_price")
        ),
        sa.CheckConstraint("percent BETWEEN 1 AND 99", name=op.f("ck_listing_promotion_percent_known")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_listing_promotion_price_positive")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_listing_promotion_valid_in_order")),
        sa.CheckConstraint(
            "taken >= 0 AND (units_most IS NULL OR taken <= units_most)",
            name=op.f("ck_listing_promotion_taken_within_most"),
        ),
        sa.CheckConstraint("units_most > 0", name=op.f("ck_listing_promotion_units_most_positive")),
        sa.CheckConstraint("per_person > 0", name=op.f("ck_listing_promotion_per_person_positive")),
        sa.CheckConstraint("reduced_fen < regular_fen", name=op.f("ck_listing_promotion_reduced_is_lower")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_listing_promotion_listing_id_listing")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_listing_promotion_merchant_id_merchant")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_listing_promotion_created_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_promotion")),
    )
    op.create_index("ix_listing_promotion_merchant_id", "listing_promotion", ["merchant_id", "id"])
    op.create_index("ix_listing_promotion_listing_id", "listing_promotion", ["listing_id", "valid_from"])
    op.create_index(
        "uq_listing_promotion_running",
        "listing_promotion",
        ["listing_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_listing_promotion_due",
        "listing_promotion",
        ["valid_from"],
        postgresql_where=sa.text("state IN ('planned', 'running')"),
    )
    op.create_table(
        "promotion_holder",
        sa.Column("promotion_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("taken", QUANTITY, nullable=False),
        sa.Column("most", QUANTITY),
        sa.CheckConstraint(
            "taken >= 0 AND (most IS NULL OR taken <= most)", name=op.f("ck_promotion_holder_taken_within_most")
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["listing_promotion.id"], name=op.f("fk_promotion_holder_promotion_id_listing_promotion")
        ),
        sa.PrimaryKeyConstraint("promotion_id", "holder_id", name=op.f("pk_promotion_holder")),
    )
    op.create_table(
        "promotion_use",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("promotion_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("given_back", sa.Boolean(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_promotion_use_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["listing_promotion.id"], name=op.f("fk_promotion_use_promotion_id_listing_promotion")
        ),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_promotion_use")),
    )
    op.create_index(op.f("ix_promotion_use_promotion_id"), "promotion_use", ["promotion_id"])
    op.add_column("listing", sa.Column("promotion_id", sa.Uuid()))


def downgrade() -> None:
    op.drop_column("listing", "promotion_id")
    for table in ("promotion_use", "promotion_holder", "listing_promotion"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_refund_amount_not_negative"), "refund", type_="check")
    op.create_check_constraint(op.f("ck_refund_amount_positive"), "refund", "amount_fen > 0")
    op.drop_constraint(op.f("ck_sales_order_discount_within_goods"), "sales_order", type_="check")
    op.drop_constraint(op.f("ck_order_line_discount_within_goods"), "order_line", type_="check")
    op.drop_column("order_line", "discount_fen")
    for table in ("coupon_use", "coupon_holder", "coupon"):
        op.drop_table(table)
