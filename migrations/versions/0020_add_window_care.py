"""Attempts to send to the single window, dead letters, counts of sendings; receipts looked after, filing again.

Revision ID: 0020_add_window_care
Revises: 0019_count_price_bands
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020_add_window_care"
down_revision = "0019_count_price_bands"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TRANSPORTS = "transport IN ('http', 'file')"
OUTCOMES = "outcome IN ('started', 'sent', 'unreached', 'unavailable', 'refused', 'answered')"
DEAD = {
    "dead_for_a_reason": "(dead_at IS NULL) = (dead_reason IS NULL)",
    "dead_is_not_due": "dead_at IS NULL OR next_send_at IS NULL",
}


def upgrade() -> None:
    _dead_letters()
    _attempts()
    upgrade_receipts()


def _dead_letters() -> None:
    """Where a document stands with its sending; what was sent before may have arrived."""
    op.add_column("window_document", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("window_document", "tries", server_default=None)
    op.add_column("window_document", sa.Column("trying_since", INSTANT))
    op.add_column("window_document", sa.Column("may_have_arrived", sa.Boolean(), nullable=False, server_default="true"))
    op.alter_column("window_document", "may_have_arrived", server_default=None)
    op.add_column("window_document", sa.Column("dead_at", INSTANT))
    op.add_column("window_document", sa.Column("dead_reason", sa.String(length=11)))
    for name, rule in DEAD.items():
        op.create_check_constraint(
            op.f(f"ck_window_document_{name}"), "window_document", rule, postgresql_not_valid=True
        )
    op.create_index(
        "ix_window_document_dead", "window_document", ["id"], postgresql_where=sa.text("dead_at IS NOT NULL")
    )


def _attempts() -> None:
    op.create_table(
        "window_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("transport", sa.String(length=4), nullable=False),
        sa.Column("outcome", sa.String(length=11), nullable=False),
        sa.Column("detail", sa.String(length=300)),
        sa.Column("digest", sa.LargeBinary(length=32)),
        sa.CheckConstraint(TRANSPORTS, name=op.f("ck_window_attempt_transport_known")),
        sa.CheckConstraint(OUTCOMES, name=op.f("ck_window_attempt_outcome_known")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["window_document.id"],
            name=op.f("fk_window_attempt_document_id_window_document"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_attempt")),
        sa.UniqueConstraint("digest", name=op.f("uq_window_attempt_digest")),
    )
    op.create_index(op.f("ix_window_attempt_document_id"), "window_attempt", ["document_id"])
    op.create_index("ix_window_attempt_at", "window_attempt", ["at"], postgresql_using="brin")
    op.create_table(
        "sending_count",
        sa.Column("transport", sa.String(length=4), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("outcome", sa.String(length=11), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(TRANSPORTS, name=op.f("ck_sending_count_transport_known")),
        sa.CheckConstraint(OUTCOMES, name=op.f("ck_sending_count_outcome_known")),
        sa.CheckConstraint("number > 0", name=op.f("ck_sending_count_number_counts")),
        sa.PrimaryKeyConstraint("transport", "kind", "outcome", name=op.f("pk_sending_count")),
    )


RECEIPTS = "state IN ('stored', 'applied', 'ignored', 'quarantined', 'set_aside')"
RECEIPTS_BEFORE = "state IN ('stored', 'applied', 'ignored', 'quarantined')"


def upgrade_receipts() -> None:
    op.add_column("window_receipt", sa.Column("info", sa.String(length=1000)))
    op.add_column("window_receipt", sa.Column("document_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_window_receipt_document_id_window_document"),
        "window_receipt",
        "window_document",
        ["document_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    _receipt_states(RECEIPTS)
    op.add_column("window_document", sa.Column("reached", sa.String(length=20)))
    op.add_column("declaration", sa.Column("mend_until", INSTANT))
    op.create_check_constraint(
        op.f("ck_declaration_only_rejected_is_mended"),
        "declaration",
        "mend_until IS NULL OR status = 'rejected'",
        postgresql_not_valid=True,
    )
    op.create_index(
        "ix_declaration_mend_until", "declaration", ["mend_until"], postgresql_where=sa.text("mend_until IS NOT NULL")
    )
    _corrections()


def _receipt_states(rule: str) -> None:
    name = op.f("ck_window_receipt_state_known")
    op.drop_constraint(name, "window_receipt", type_="check")
    op.create_check_constraint(name, "window_receipt", rule, postgresql_not_valid=True)


def _corrections() -> None:
    """Who corrected what, and every document as it was filed before."""
    op.create_table(
        "declaration_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("filed", postgresql.JSONB(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("was", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_declaration_correction_declaration_id_declaration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration_correction")),
    )
    op.create_index(op.f("ix_declaration_correction_declaration_id"), "declaration_correction", ["declaration_id"])
    op.create_table(
        "window_document_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("guid", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("xml", sa.LargeBinary()),
        sa.Column("pre_no", sa.String(length=18)),
        sa.Column("invt_no", sa.String(length=20)),
        sa.Column("return_status", sa.String(length=10)),
        sa.Column("return_time", sa.String(length=17)),
        sa.Column("return_info", sa.String(length=1000)),
        sa.Column("first_sent_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["document_id"], ["window_document.id"], name=op.f("fk_window_document_version_document_id_window_document")
        ),
        sa.ForeignKeyConstraint(
            ["correction_id"],
            ["declaration_correction.id"],
            name=op.f("fk_window_document_version_correction_id_declaration_correction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_document_version")),
        sa.UniqueConstraint("guid", name=op.f("uq_window_document_version_guid")),
    )
    op.create_index("ix_window_document_version_document_id", "window_document_version", ["document_id", "id"])
    op.create_index(op.f("ix_window_document_version_correction_id"), "window_document_version", ["correction_id"])


def downgrade_receipts() -> None:
    op.drop_table("window_document_version")
    op.drop_table("declaration_correction")
    op.drop_index("ix_declaration_mend_until", "declaration")
    op.drop_constraint(op.f("ck_declaration_only_rejected_is_mended"), "declaration", type_="check")
    op.drop_column("declaration", "mend_until")
    op.drop_column("window_document", "reached")
    op.execute("UPDATE window_receipt SET state = 'ignored' WHERE state = 'set_aside'")
    _receipt_states(RECEIPTS_BEFORE)
    op.drop_column("window_receipt", "document_id")
    op.drop_column("window_receipt", "info")


def downgrade() -> None:
    downgrade_receipts()
    op.drop_table("sending_count")
    op.drop_table("window_attempt")
    op.drop_index("ix_window_document_dead", "window_document")
    for name in DEAD:
        op.drop_constraint(op.f(f"ck_window_document_{name}"), "window_document", type_="check")
    for name in ("dead_reason", "dead_at", "may_have_arrived", "trying_since", "tries"):
        op.drop_column("window_document", name)
