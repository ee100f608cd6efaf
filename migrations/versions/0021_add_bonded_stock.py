"""Bonded stock: entries into a zone, the account book, ways out other than a sale, returned goods, crossings in use.

Revision ID: 0021_add_bonded_stock
Revises: 0020_add_window_care
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021_add_bonded_stock"
down_revision = "0020_add_window_care"
branch_labels = None
depends_on = None

QUANTITY = sa.Numeric(precision=19, scale=5)
INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()
TABLES = (
    "account_book_item",
    "account_book_entry",
    "account_book_claim",
    "zone_entry",
    "zone_entry_line",
    "zone_exit",
    "zone_step",
    "zone_return",
    "shipment_order",
    "arrival_tally",
)
# Goods that leave a zone by another way than a sale move their lot too.
BEFORE = "'receipt', 'shipment', 'adjustment', 'return', 'destruction', 'recall'"
OUTWARD = "'shipment', 'destruction', 'recall'"
OF_ONE = "(document_id IS NULL) <> (tally_id IS NULL)"


def upgrade() -> None:
    _kinds(f"{BEFORE}, 'exit'", f"{OUTWARD}, 'exit'")
    op.create_table(
        "account_book_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("record_no", sa.String(length=30), nullable=False),
        sa.Column("goods_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("hs", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("on_book", QUANTITY, nullable=False),
        sa.Column("reserved", QUANTITY, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "0 <= reserved AND reserved <= on_book", name=op.f("ck_account_book_item_reserved_within_book")
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_id"], ["warehouse.id"], name=op.f("fk_account_book_item_warehouse_id_warehouse")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_book_item")),
        sa.UniqueConstraint("warehouse_id", "goods_id", name=op.f("uq_account_book_item_warehouse_id_goods_id")),
        sa.UniqueConstraint("warehouse_id", "record_no", name=op.f("uq_account_book_item_warehouse_id_record_no")),
    )
    op.create_index("ix_account_book_item_merchant_id", "account_book_item", ["merchant_id", "id"])
    op.create_table(
        "account_book_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "CASE WHEN kind IN ('entry', 'return') THEN quantity > 0 ELSE quantity < 0 END",
            name=op.f("ck_account_book_entry_sign"),
        ),
        sa.CheckConstraint(
            "kind IN ('entry', 'sale', 'return', 'general_trade', 'abroad', 'destruction', 'transfer', 'expired')",
            name=op.f("ck_account_book_entry_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["account_book_item.id"], name=op.f("fk_account_book_entry_item_id_account_book_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_book_entry")),
        sa.UniqueConstraint("item_id", "kind", "reference", name=op.f("uq_account_book_entry_item_id_kind_reference")),
    )
    op.create_table(
        "account_book_claim",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("state", sa.String(length=5), nullable=False),
        sa.CheckConstraint(
            "state IN ('held', 'drawn', 'freed', 'short')", name=op.f("ck_account_book_claim_state_known")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_account_book_claim_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_account_book_claim_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["account_book_item.id"], name=op.f("fk_account_book_claim_item_id_account_book_item")
        ),
        sa.PrimaryKeyConstraint("declaration_id", "item_id", name=op.f("pk_account_book_claim")),
    )
    op.create_index("ix_account_book_claim_item_id", "account_book_claim", ["item_id", "state"])
    op.create_table(
        "zone_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_name", sa.String(length=200), nullable=False),
        sa.Column("ems_no", sa.String(length=30), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("traf_mode", sa.String(length=1), nullable=False),
        sa.Column("traf_no", sa.String(length=100), nullable=False),
        sa.Column("bill_no", sa.String(length=37), nullable=False),
        sa.Column("dispatch_country", sa.String(length=2), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("from_exit_id", sa.Uuid()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'recorded', 'checked', 'released', 'arrived', 'cancelled')",
            name=op.f("ck_zone_entry_status_known"),
        ),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_zone_entry_warehouse_id_warehouse")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_entry")),
        sa.UniqueConstraint("from_exit_id", name=op.f("uq_zone_entry_from_exit_id")),
        sa.UniqueConstraint("number", name=op.f("uq_zone_entry_number")),
    )
    op.create_index("ix_zone_entry_merchant_id", "zone_entry", ["merchant_id", "id"])
    op.create_index("ix_zone_entry_status", "zone_entry", ["status", "id"])
    op.create_table(
        "zone_entry_line",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("goods_id", sa.Uuid(), nullable=False),
        sa.Column("hs", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("statutory", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("value_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("batch_no", sa.String(length=60), nullable=False),
        sa.Column("produced_on", sa.Date()),
        sa.Column("expires_on", sa.Date()),
        sa.Column("record_no", sa.String(length=30)),
        sa.Column("arrived", QUANTITY),
        sa.Column("lot_id", sa.Uuid()),
        sa.CheckConstraint("arrived BETWEEN 0 AND quantity", name=op.f("ck_zone_entry_line_arrived_within_declared")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_zone_entry_line_quantity_positive")),
        sa.ForeignKeyConstraint(["entry_id"], ["zone_entry.id"], name=op.f("fk_zone_entry_line_entry_id_zone_entry")),
        sa.PrimaryKeyConstraint("entry_id", "position", name=op.f("pk_zone_entry_line")),
    )
    op.create_table(
        "zone_exit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_name", sa.String(length=200), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("paper_no", sa.String(length=40)),
        sa.Column("paper_day", sa.Date()),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("to_warehouse_id", sa.Uuid()),
        sa.Column("return_id", sa.Uuid()),
        sa.Column("declaration_id", sa.Uuid()),
        sa.Column("taxes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text())),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(kind = 'transfer') = (to_warehouse_id IS NOT NULL)", name=op.f("ck_zone_exit_transfer_names_its_zone")
        ),
        sa.CheckConstraint(
            "kind IN ('general_trade', 'abroad', 'destruction', 'transfer', 'expired')",
            name=op.f("ck_zone_exit_kind_known"),
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'done', 'refused', 'withdrawn')",
            name=op.f("ck_zone_exit_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'done') OR paper_no IS NOT NULL", name=op.f("ck_zone_exit_approved_has_paper")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_zone_exit_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_zone_exit_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["account_book_item.id"], name=op.f("fk_zone_exit_item_id_account_book_item")
        ),
        sa.ForeignKeyConstraint(
            ["to_warehouse_id"], ["warehouse.id"], name=op.f("fk_zone_exit_to_warehouse_id_warehouse")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_exit")),
        sa.UniqueConstraint("number", name=op.f("uq_zone_exit_number")),
    )
    op.create_index("ix_zone_exit_item_id", "zone_exit", ["item_id", "status"])
    op.create_index("ix_zone_exit_merchant_id", "zone_exit", ["merchant_id", "id"])
    op.create_table(
        "zone_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=40)),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("detail", sa.String(length=300)),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_step")),
        sa.UniqueConstraint("object_id", "step", name=op.f("uq_zone_step_object_id_step")),
    )
    op.create_table(
        "zone_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("order_number", sa.String(length=20), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("back_by", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=7), nullable=False),
        sa.Column("arrived_on", sa.Date()),
        sa.Column("sound", QUANTITY, nullable=False),
        sa.Column("damaged", QUANTITY, nullable=False),
        sa.Column("lot_id", sa.Uuid()),
        sa.Column("remark", sa.String(length=300)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('awaited', 'checked', 'kept', 'late')", name=op.f("ck_zone_return_status_known")
        ),
        sa.CheckConstraint(
            "sound + damaged <= quantity AND sound >= 0 AND damaged >= 0",
            name=op.f("ck_zone_return_parts_within_quantity"),
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_zone_return_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["account_book_item.id"], name=op.f("fk_zone_return_item_id_account_book_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_return")),
        sa.UniqueConstraint("number", "line", name=op.f("uq_zone_return_number_line")),
    )
    op.create_index(op.f("ix_zone_return_declaration_id"), "zone_return", ["declaration_id"])
    op.create_index(op.f("ix_zone_return_item_id"), "zone_return", ["item_id"])
    op.create_index("ix_zone_return_status", "zone_return", ["status", "id"])
    op.create_table(
        "shipment_order",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("tallied", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_shipment_order_declaration_id_declaration")
        ),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_order_shipment_id_shipment")),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_shipment_order")),
    )
    op.create_index(op.f("ix_shipment_order_shipment_id"), "shipment_order", ["shipment_id"])
    op.create_table(
        "arrival_tally",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("guid", sa.String(length=36), nullable=False),
        sa.Column("cop_no", sa.String(length=20), nullable=False),
        sa.Column("parcels", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("xml", sa.LargeBinary()),
        sa.Column("status", sa.String(length=11), nullable=False),
        sa.Column("pre_no", sa.String(length=18)),
        sa.Column("rkd_no", sa.String(length=18)),
        sa.Column("return_status", sa.String(length=10)),
        sa.Column("return_time", sa.String(length=17)),
        sa.Column("return_info", sa.String(length=1000)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", INSTANT),
        sa.Column("next_send_at", INSTANT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trying_since", INSTANT),
        sa.Column("may_have_arrived", sa.Boolean(), nullable=False),
        sa.Column("dead_at", INSTANT),
        sa.Column("dead_reason", sa.String(length=11)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(dead_at IS NULL) = (dead_reason IS NULL)", name=op.f("ck_arrival_tally_dead_for_a_reason")
        ),
        sa.CheckConstraint("dead_at IS NULL OR next_send_at IS NULL", name=op.f("ck_arrival_tally_dead_is_not_due")),
        sa.CheckConstraint(
            "status IN ('draft', 'ready', 'filed', 'declaring', 'stored', 'sent', 'send_failed', 'received', 'accepted', 'rejected', 'error', 'pending', 'refused')",
            name=op.f("ck_arrival_tally_status_known"),
        ),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_arrival_tally_shipment_id_shipment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival_tally")),
        sa.UniqueConstraint("cop_no", name=op.f("uq_arrival_tally_cop_no")),
        sa.UniqueConstraint("guid", name=op.f("uq_arrival_tally_guid")),
    )
    op.create_index("ix_arrival_tally_due", "arrival_tally", ["next_send_at"])
    op.create_index(op.f("ix_arrival_tally_shipment_id"), "arrival_tally", ["shipment_id"])
    op.create_index("ix_arrival_tally_dead", "arrival_tally", ["id"], postgresql_where=sa.text("dead_at IS NOT NULL"))
    _attempts_of_tallies()


def _attempts_of_tallies() -> None:
    """An attempt sends a document or a tally."""
    op.add_column("window_attempt", sa.Column("tally_id", sa.Uuid()))
    op.alter_column("window_attempt", "document_id", nullable=True)
    op.create_foreign_key(
        op.f("fk_window_attempt_tally_id_arrival_tally"),
        "window_attempt",
        "arrival_tally",
        ["tally_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(op.f("ix_window_attempt_tally_id"), "window_attempt", ["tally_id"])
    op.create_check_constraint(op.f("ck_window_attempt_of_one"), "window_attempt", OF_ONE)


def downgrade() -> None:
    op.execute("DELETE FROM window_attempt WHERE tally_id IS NOT NULL")
    op.drop_constraint(op.f("ck_window_attempt_of_one"), "window_attempt", type_="check")
    op.drop_column("window_attempt", "tally_id")
    op.alter_column("window_attempt", "document_id", nullable=False)
    for name in reversed(TABLES):
        op.drop_table(name)
    op.execute("UPDATE stock_movement SET kind = 'destruction' WHERE kind = 'exit'")
    _kinds(BEFORE, OUTWARD)


def _kinds(known: str, outward: str) -> None:
    """The words of stock movements and the sign of each."""
    for name in ("kind_known", "sign_of_kind"):
        op.drop_constraint(op.f(f"ck_stock_movement_{name}"), "stock_movement", type_="check")
    op.create_check_constraint(op.f("ck_stock_movement_kind_known"), "stock_movement", f"kind IN ({known})")
    sign = f"CASE WHEN kind IN ('receipt', 'return') THEN quantity > 0 WHEN kind IN ({outward}) THEN quantity < 0"
    op.create_check_constraint(op.f("ck_stock_movement_sign_of_kind"), "stock_movement", f"{sign} ELSE true END")
