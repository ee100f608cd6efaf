"""Bulk imports of listings.

Revision ID: 0007_add_bulk_imports
Revises: 0006_create_assessment_files
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_add_bulk_imports"
down_revision = "0006_create_assessment_files"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
COUNTERS = ("rows", "position", "done", "created", "updated", "unchanged", "failed", "errors_size", "begun_done")


def upgrade() -> None:
    op.add_column("listing", sa.Column("source_digest", sa.LargeBinary(length=16)))
    op.create_table(
        "listing_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("preview", sa.Boolean(), nullable=False),
        sa.Column("submit", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("runs", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTERS),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("problem", postgresql.JSONB()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("told_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_listing_import_status_known")
        ),
        sa.CheckConstraint("done = created + updated + unchanged + failed", name=op.f("ck_listing_import_rows_add_up")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_listing_import_merchant_id_merchant")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_account.id"],
            name=op.f("fk_listing_import_account_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_import")),
    )
    op.create_index("ix_listing_import_merchant_id", "listing_import", ["merchant_id", "id"])
    op.create_index(op.f("ix_listing_import_account_id"), "listing_import", ["account_id"])
    op.create_index(op.f("ix_listing_import_expires_at"), "listing_import", ["expires_at"])


def downgrade() -> None:
    op.drop_table("listing_import")
    op.drop_column("listing", "source_digest")
