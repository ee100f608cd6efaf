"""Merchants, listings with their versions, lots and stock movements.

Revision ID: 0004_create_catalog
Revises: 0003_create_customs
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_create_catalog"
down_revision = "0003_create_customs"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()
APPEND_ONLY = ("listing_version", "stock_movement")


def upgrade() -> None:
    op.create_table(
        "merchant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registered_name", sa.String(length=100), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("customs_code", sa.String(length=10), nullable=False),
        sa.Column("domestic_agent", JSON),
        sa.Column("contact", JSON, nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=500)),
        sa.Column("stripe_account", sa.String(length=80)),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('submitted', 'approved', 'suspended', 'rejected')", name=op.f("ck_merchant_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by"], ["user_account.id"], name=op.f("fk_merchant_submitted_by_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
    )
    op.create_index("ix_merchant_status", "merchant", ["status", "id"])
    op.create_index(op.f("ix_merchant_submitted_by"), "merchant", ["submitted_by"])
    op.create_index(
        "uq_merchant_uscc", "merchant", ["uscc"], unique=True, postgresql_where=sa.text("status <> 'rejected'")
    )
    op.create_table(
        "listing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("description_zh", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("department", sa.String(length=40), nullable=False),
        sa.Column("hs", sa.String(length=10)),
        sa.Column("origin", sa.String(length=2), nullable=False),
        sa.Column("route", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=4)),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_weight_kg", QUANTITY),
        sa.Column("gross_weight_kg", QUANTITY),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("specification", sa.String(length=255), nullable=False),
        sa.Column("declaration_elements", JSON, nullable=False),
        sa.Column("statutory", JSON, nullable=False),
        sa.Column("net_content", JSON),
        sa.Column("gtin", sa.String(length=14)),
        sa.Column("establishment_no", sa.String(length=40)),
        sa.Column("cold_chain", sa.Boolean(), nullable=False),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("image", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT),
        sa.Column("published_at", INSTANT),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("card", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("assessed_edition", sa.String(length=80)),
        sa.Column("assessed_on", sa.Date()),
        sa.Column("hindrance", JSON),
        sa.Column("search", postgresql.TSVECTOR()),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("quality_parts", JSON, nullable=False),
        sa.CheckConstraint(
            "(route = 'cross_border_retail') = (mode IS NOT NULL)", name=op.f("ck_listing_mode_of_retail")
        ),
        sa.CheckConstraint("hs IS NOT NULL OR route = 'services'", name=op.f("ck_listing_goods_have_code")),
        sa.CheckConstraint(
            "route IN ('cross_border_retail', 'general_trade', 'services')", name=op.f("ck_listing_route_known")
        ),
        sa.CheckConstraint(
            "status <> 'published' OR (card IS NOT NULL AND detail IS NOT NULL)",
            name=op.f("ck_listing_published_is_ready"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'published', 'withdrawn')", name=op.f("ck_listing_status_known")
        ),
        sa.CheckConstraint("NOT shown OR status = 'published'", name=op.f("ck_listing_shown_is_published")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_listing_price_positive")),
        sa.CheckConstraint("version > 0", name=op.f("ck_listing_version_positive")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_listing_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("merchant_id", "sku", name=op.f("uq_listing_merchant_id_sku")),
    )
    op.create_index(
        "ix_listing_category",
        "listing",
        ["category", "published_at", "id"],
        postgresql_where=sa.text("shown"),
    )
    op.create_index(
        "ix_listing_department",
        "listing",
        ["department", "published_at", "id"],
        postgresql_where=sa.text("shown"),
    )
    op.create_index("ix_listing_merchant_id", "listing", ["merchant_id", "id"])
    op.create_index("ix_listing_newest", "listing", ["published_at", "id"], postgresql_where=sa.text("shown"))
    op.create_index("ix_listing_price", "listing", ["price_fen", "id"], postgresql_where=sa.text("shown"))
    op.create_index("ix_listing_quality", "listing", ["quality", "id"], postgresql_where=sa.text("shown"))
    op.create_index("ix_listing_search", "listing", ["search"], postgresql_using="gin")
    op.create_index(
        "ix_listing_submitted", "listing", ["submitted_at", "id"], postgresql_where=sa.text("status = 'submitted'")
    )
    op.create_table(
        "merchant_member",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_merchant_member_merchant_id_merchant")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_merchant_member_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_merchant_member")),
    )
    op.create_index(op.f("ix_merchant_member_merchant_id"), "merchant_member", ["merchant_id"])
    op.create_table(
        "listing_version",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_listing_version_listing_id_listing")),
        sa.PrimaryKeyConstraint("listing_id", "version", name=op.f("pk_listing_version")),
    )
    op.create_table(
        "lot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("batch_no", sa.String(length=60), nullable=False),
        sa.Column("produced_on", sa.Date()),
        sa.Column("expires_on", sa.Date()),
        sa.Column("warehouse_id", sa.Uuid()),
        sa.Column("item_record_no", sa.String(length=30)),
        sa.Column("on_hand", QUANTITY, nullable=False),
        sa.Column("reserved", QUANTITY, nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("block_reason", sa.String(length=200)),
        sa.Column("consignment_line_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("0 <= reserved AND reserved <= on_hand", name=op.f("ck_lot_reserved_within_on_hand")),
        sa.CheckConstraint(
            "expires_on IS NULL OR produced_on IS NULL OR produced_on < expires_on", name=op.f("ck_lot_expires_later")
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_lot_listing_id_listing")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_lot_warehouse_id_warehouse")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint(
            "listing_id",
            "batch_no",
            "warehouse_id",
            name=op.f("uq_lot_listing_id_batch_no_warehouse_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_lot_consignment_line_id"), "lot", ["consignment_line_id"])
    op.create_index("ix_lot_listing_id", "lot", ["listing_id", "expires_on"])
    op.create_index(op.f("ix_lot_warehouse_id"), "lot", ["warehouse_id"])
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.CheckConstraint("kind IN ('receipt', 'shipment', 'adjustment')", name=op.f("ck_stock_movement_kind_known")),
        sa.CheckConstraint("quantity <> 0", name=op.f("ck_stock_movement_quantity_not_zero")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_movement_lot_id_lot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
        sa.UniqueConstraint("lot_id", "kind", "reference", name=op.f("uq_stock_movement_lot_id_kind_reference")),
    )

    # A search ranks thousands of vectors a page: kept in the row (the long texts leave it instead), none is fetched apart.
    op.execute("ALTER TABLE listing ALTER COLUMN search SET STORAGE MAIN, ALTER COLUMN card SET STORAGE MAIN")

    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("stock_movement", "lot", "listing_version", "merchant_member", "listing", "merchant"):
        op.drop_table(table)
