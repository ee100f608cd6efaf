"""Warehouses, persons, allowances, declarations, messages to the single window and receipts from it.

Revision ID: 0003_create_customs
Revises: 0002_create_jobs
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_create_customs"
down_revision = "0002_create_jobs"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("id_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_masked", sa.String(length=18), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("id_hash", name=op.f("uq_person_id_hash")),
    )
    op.create_table(
        "warehouse",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("zone", sa.String(length=100), nullable=False),
        sa.Column("customs_code", sa.String(length=4), nullable=False),
        sa.Column("port_code", sa.String(length=4), nullable=False),
        sa.Column("traf_mode", sa.String(length=1), nullable=False),
        sa.Column("loct_no", sa.String(length=10)),
        sa.Column("ems_no", sa.String(length=30)),
        sa.Column("area_code", sa.String(length=18)),
        sa.Column("area_name", sa.String(length=100)),
        sa.Column("agent_code", sa.String(length=18)),
        sa.Column("agent_name", sa.String(length=100)),
        sa.Column("logistics_code", sa.String(length=18)),
        sa.Column("logistics_name", sa.String(length=100)),
        sa.Column("guarantor", sa.String(length=10)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('bonded', 'direct', 'general')", name=op.f("ck_warehouse_kind_known")),
        sa.CheckConstraint(
            "mode <> '1210' OR (ems_no IS NOT NULL AND area_code IS NOT NULL AND area_name IS NOT NULL)",
            name=op.f("ck_warehouse_bonded_has_account_book"),
        ),
        sa.CheckConstraint("mode IN ('1210', '9610', '0110')", name=op.f("ck_warehouse_mode_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouse")),
        sa.UniqueConstraint("name", name=op.f("uq_warehouse_name")),
    )
    op.create_table(
        "window_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.String(length=80)),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_message")),
        sa.UniqueConstraint("digest", name=op.f("uq_window_message_digest")),
    )
    op.create_table(
        "account_person",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["user_account.id"],
            name=op.f("fk_account_person_account_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_person_person_id_person")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_person")),
    )
    op.create_index(op.f("ix_account_person_person_id"), "account_person", ["person_id"], unique=False)
    op.create_table(
        "allowance_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("order_number", sa.String(length=20), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_allowance_entry_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowance_entry")),
    )
    op.create_index("ix_allowance_entry_person_id", "allowance_entry", ["person_id", "year", "id"], unique=False)
    op.create_table(
        "allowance_hold",
        sa.Column("order_number", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "state IN ('held', 'used', 'confirmed', 'returned')", name=op.f("ck_allowance_hold_state_known")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_allowance_hold_amount_positive")),
        sa.CheckConstraint(
            "returned_fen BETWEEN 0 AND amount_fen", name=op.f("ck_allowance_hold_returned_within_amount")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_allowance_hold_person_id_person")),
        sa.PrimaryKeyConstraint("order_number", name=op.f("pk_allowance_hold")),
    )
    op.create_index(op.f("ix_allowance_hold_account_id"), "allowance_hold", ["account_id"], unique=False)
    op.create_index("ix_allowance_hold_person_id", "allowance_hold", ["person_id", "year"], unique=False)
    op.create_table(
        "allowance_year",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.Column("used_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("reserved_fen + used_fen <= limit_fen", name=op.f("ck_allowance_year_within_limit")),
        sa.CheckConstraint("reserved_fen >= 0", name=op.f("ck_allowance_year_reserved_not_negative")),
        sa.CheckConstraint("used_fen >= 0", name=op.f("ck_allowance_year_used_not_negative")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_allowance_year_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "year", name=op.f("pk_allowance_year")),
    )
    op.create_table(
        "declaration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("order_number", sa.String(length=20)),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("merchant_id", sa.Uuid()),
        sa.Column("merchant_name", sa.String(length=200), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("zone", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_info", sa.String(length=1000)),
        sa.Column("edition", sa.String(length=80), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("filed_on", sa.Date()),
        sa.Column("released_on", sa.Date()),
        sa.Column("released_at", INSTANT),
        sa.Column("charged_tax_fen", sa.BigInteger()),
        sa.Column("snapshot", JSON, nullable=False),
        sa.Column("private", sa.LargeBinary()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(status IN ('released', 'closed')) <= (released_on IS NOT NULL)",
            name=op.f("ck_declaration_released_has_day"),
        ),
        sa.CheckConstraint(
            "kind IN ('retail', 'retail_return', 'general_trade')", name=op.f("ck_declaration_kind_known")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'pending', 'failed', 'filed', 'declared', 'held', 'rejected', 'released', 'closed', 'cancelled', 'returned_abroad')",
            name=op.f("ck_declaration_status_known"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_declaration_person_id_person")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_declaration_warehouse_id_warehouse")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration")),
        sa.UniqueConstraint("number", name=op.f("uq_declaration_number")),
    )
    op.create_index("ix_declaration_merchant_id", "declaration", ["merchant_id", "id"], unique=False)
    op.create_index("ix_declaration_newest", "declaration", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_declaration_order_number"), "declaration", ["order_number"], unique=False)
    op.create_index("ix_declaration_status", "declaration", ["status", "id"], unique=False)
    op.create_index(
        "uq_declaration_order",
        "declaration",
        ["order_number"],
        unique=True,
        postgresql_where=sa.text("kind = 'retail'"),
    )
    op.create_table(
        "shipment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("traf_mode", sa.String(length=1), nullable=False),
        sa.Column("traf_no", sa.String(length=100), nullable=False),
        sa.Column("voyage_no", sa.String(length=32), nullable=False),
        sa.Column("bill_no", sa.String(length=37), nullable=False),
        sa.Column("dispatch_country", sa.String(length=2), nullable=False),
        sa.Column("entry_day", sa.Date()),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_shipment_warehouse_id_warehouse")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
    )
    op.create_index(op.f("ix_shipment_warehouse_id"), "shipment", ["warehouse_id"], unique=False)
    op.create_table(
        "declaration_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("hs", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("origin", sa.String(length=2)),
        sa.Column("route", sa.String(length=30), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("merchant_id", sa.Uuid()),
        sa.Column("merchant_name", sa.String(length=200), nullable=False),
        sa.Column("zone", sa.String(length=100), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("value_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("insurance_fen", sa.BigInteger(), nullable=False),
        sa.Column("dutiable_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("additional_duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("consumption_tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("vat_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("charged_tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("assessment", JSON, nullable=False),
        sa.Column("billed_price_fen", sa.BigInteger()),
        sa.Column("billed_duty_fen", sa.BigInteger()),
        sa.Column("billed_consumption_tax_fen", sa.BigInteger()),
        sa.Column("billed_vat_fen", sa.BigInteger()),
        sa.Column("released_on", sa.Date()),
        sa.CheckConstraint(
            "duty_fen + additional_duty_fen + consumption_tax_fen + vat_fen = tax_fen",
            name=op.f("ck_declaration_line_tax_sums"),
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_declaration_line_declaration_id_declaration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration_line")),
        sa.UniqueConstraint("declaration_id", "position", name=op.f("uq_declaration_line_declaration_id_position")),
    )
    op.create_index("ix_declaration_line_merchant_id", "declaration_line", ["merchant_id", "released_on"], unique=False)
    op.create_index(
        "ix_declaration_line_released",
        "declaration_line",
        ["released_on"],
        unique=False,
        postgresql_where=sa.text("released_on IS NOT NULL"),
    )
    op.create_table(
        "tax_bill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("tax_no", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("return_time", sa.String(length=17), nullable=False),
        sa.Column("duty_fen", sa.BigInteger(), nullable=False),
        sa.Column("consumption_tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("vat_fen", sa.BigInteger(), nullable=False),
        sa.Column("ent_duty_no", sa.String(length=50)),
        sa.CheckConstraint(
            "status IN ('generated', 'consolidated', 'void', 'pending')", name=op.f("ck_tax_bill_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_tax_bill_declaration_id_declaration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_bill")),
        sa.UniqueConstraint("declaration_id", "tax_no", name=op.f("uq_tax_bill_declaration_id_tax_no")),
    )
    op.create_table(
        "window_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("guid", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("identifiers", JSON, nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("xml", sa.LargeBinary()),
        sa.Column("pre_no", sa.String(length=18)),
        sa.Column("invt_no", sa.String(length=20)),
        sa.Column("return_status", sa.String(length=10)),
        sa.Column("return_time", sa.String(length=17)),
        sa.Column("return_info", sa.String(length=1000)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", INSTANT),
        sa.Column("next_send_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_window_document_declaration_id_declaration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_document")),
        sa.UniqueConstraint("guid", name=op.f("uq_window_document_guid")),
    )
    op.create_index(op.f("ix_window_document_declaration_id"), "window_document", ["declaration_id"], unique=False)
    op.create_index(
        "ix_window_document_due",
        "window_document",
        ["next_send_at"],
        unique=False,
        postgresql_where=sa.text("next_send_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_window_document_invt_no"), "window_document", ["invt_no"], unique=False)
    op.create_index("ix_window_document_reference", "window_document", ["kind", "reference"], unique=False)
    op.create_table(
        "window_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("key", JSON, nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("return_time", sa.String(length=17), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=300)),
        sa.Column("declaration_id", sa.Uuid()),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("applied_at", INSTANT),
        sa.CheckConstraint(
            "state IN ('stored', 'applied', 'ignored', 'quarantined')", name=op.f("ck_window_receipt_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_window_receipt_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["window_message.id"], name=op.f("fk_window_receipt_message_id_window_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_receipt")),
        sa.UniqueConstraint("identity", name=op.f("uq_window_receipt_identity")),
    )
    op.create_index(op.f("ix_window_receipt_declaration_id"), "window_receipt", ["declaration_id"], unique=False)
    op.create_index(op.f("ix_window_receipt_message_id"), "window_receipt", ["message_id"], unique=False)
    op.create_index(
        "ix_window_receipt_quarantined",
        "window_receipt",
        ["kind"],
        unique=False,
        postgresql_where=sa.text("state = 'quarantined'"),
    )
    op.create_index(
        "ix_window_receipt_waiting",
        "window_receipt",
        ["return_time", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'stored'"),
    )
    op.execute(
        "CREATE TRIGGER allowance_entry_append_only BEFORE UPDATE OR DELETE ON allowance_entry"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in (
        "window_receipt",
        "window_document",
        "tax_bill",
        "declaration_line",
        "shipment",
        "declaration",
        "allowance_year",
        "allowance_hold",
        "allowance_entry",
        "account_person",
        "window_message",
        "warehouse",
        "person",
    ):
        op.drop_table(table)
