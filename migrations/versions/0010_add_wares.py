"""Pictures, price history, overseas establishments, notices to merchants, the daily check of the law.

Revision ID: 0010_add_wares
Revises: 0009_add_shelf_counts
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_add_wares"
down_revision = "0009_add_shelf_counts"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def upgrade() -> None:
    # A constant default is kept in the catalogue: no row is rewritten, however many there are.
    op.add_column("listing", sa.Column("images", JSON, nullable=False, server_default=sa.text("'[]'")))
    op.create_table(
        "price_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("price_fen", sa.BigInteger()),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_price_change_price_positive")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_price_change_listing_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change")),
    )
    op.create_index("ix_price_change_listing_id", "price_change", ["listing_id", "at", "id"])
    op.create_table(
        "establishment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefixes", JSON, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.Column("standing", sa.String(length=12), nullable=False),
        sa.Column("imported_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "standing IN ('registered', 'suspended', 'cancelled')", name=op.f("ck_establishment_standing_known")
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_establishment_valid_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_establishment")),
        sa.UniqueConstraint("country", "key", "valid_from", name=op.f("uq_establishment_country_key_valid_from")),
    )
    op.create_table(
        "merchant_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.Uuid()),
        sa.Column("data", JSON, nullable=False),
        sa.Column("read_at", INSTANT),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_merchant_notice_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_notice")),
    )
    op.create_index("ix_merchant_notice_merchant_id", "merchant_notice", ["merchant_id", "id"])
    op.create_index(
        "ix_merchant_notice_unread", "merchant_notice", ["merchant_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_table(
        "law_check",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("edition", sa.String(length=80), nullable=False),
        sa.Column("last_id", sa.Uuid()),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("day", "edition", name=op.f("pk_law_check")),
    )
    op.execute(
        "CREATE TRIGGER price_change_append_only BEFORE UPDATE OR DELETE ON price_change"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("law_check", "merchant_notice", "establishment", "price_change"):
        op.drop_table(table)
    op.drop_column("listing", "images")
