"""Accounts, tokens, idempotency keys and the audit log.

Revision ID: 0001_create_core
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_create_core"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    role = op.create_table(
        "role",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(20), nullable=False, unique=True),
        sa.Column("description", sa.String(200), nullable=False),
    )
    op.bulk_insert(
        role,
        [
            {"name": "consumer", "description": "orders goods"},
            {"name": "merchant", "description": "lists goods and sees its own orders"},
            {"name": "customs", "description": "files declarations and reports duty"},
            {"name": "operator", "description": "admits merchants and watches the system"},
        ],
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("password", sa.String(255), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_table(
        "user_role",
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("role_id", sa.Integer(), sa.ForeignKey("role.id"), primary_key=True),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "user_id", sa.Uuid(), sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False, index=True),
        sa.Column("status", sa.Integer()),
        sa.Column("content_type", sa.String(100)),
        sa.Column("location", sa.String(500)),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("request_id", sa.String(40)),
        sa.UniqueConstraint("account_id", "method", "path", "key"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("object_type", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(80), nullable=False, index=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    op.create_table(
        "audit_seal",
        sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("entry_id", sa.BigInteger(), sa.ForeignKey("audit_entry.id"), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    # Append-only by the database's own hand, not by good will.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
        """
    )
    for table in ("audit_entry", "audit_seal"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("audit_seal", "audit_entry", "idempotency_key", "api_token", "user_role", "user_account", "role"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
