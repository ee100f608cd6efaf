"""The check that orders, declarations, allowance and taxes agree: its runs and what they found.

Revision ID: 0024_add_findings
Revises: 0023_add_payment_data
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_add_findings"
down_revision = "0023_add_payment_data"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "window_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_check")),
    )
    op.create_table(
        "window_finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.String(length=80), nullable=True),
        sa.Column("remark", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_id"], ["window_check.id"], name=op.f("fk_window_finding_check_id_window_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_finding")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_window_finding_kind_subject")),
    )
    op.create_index(
        "ix_window_finding_open",
        "window_finding",
        ["kind", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    op.drop_table("window_finding")
    op.drop_table("window_check")
