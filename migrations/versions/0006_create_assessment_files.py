"""Files of lines to be assessed.

Revision ID: 0006_create_assessment_files
Revises: 0005_create_shop
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_create_assessment_files"
down_revision = "0005_create_shop"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()


def upgrade() -> None:
    op.create_table(
        "assessment_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("runs", sa.SmallInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", JSON),
        sa.Column("problem", JSON),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("told_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_assessment_file_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_account.id"],
            name=op.f("fk_assessment_file_account_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment_file")),
    )
    op.create_index("ix_assessment_file_account_id", "assessment_file", ["account_id", "id"])
    op.create_index(op.f("ix_assessment_file_expires_at"), "assessment_file", ["expires_at"])


def downgrade() -> None:
    op.drop_table("assessment_file")
