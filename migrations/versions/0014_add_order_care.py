"""Consumer notice accepted with an order; parcels of an order, and what could not be supplied of it.

Revision ID: 0014_add_order_care
Revises: 0013_add_promotions
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014_add_order_care"
down_revision = "0013_add_promotions"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()
NOTICE = (
    ("notice_version", sa.String(length=20)),
    ("notice_digest", sa.String(length=64)),
    ("notice_accepted_at", INSTANT),
    ("notice_how", sa.String(length=10)),
)
SENT = "ck_order_allocation_sent_within_quantity"


def upgrade() -> None:
    for name, kind in NOTICE:
        op.add_column("sales_order", sa.Column(name, kind))
    op.add_column("order_allocation", sa.Column("sent", QUANTITY, nullable=False, server_default="0"))
    op.create_check_constraint(op.f(SENT), "order_allocation", "sent BETWEEN 0 AND quantity")
    op.create_table(
        "parcel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("waybill_no", sa.String(length=60), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_parcel_number_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_parcel_order_id_sales_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_parcel_order_id_number")),
        sa.UniqueConstraint("order_id", "attempt_id", name=op.f("uq_parcel_order_id_attempt_id")),
        sa.UniqueConstraint("waybill_no", name=op.f("uq_parcel_waybill_no")),
    )
    op.create_table(
        "parcel_line",
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_parcel_line_quantity_positive")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_parcel_line_parcel_id_parcel")),
        sa.ForeignKeyConstraint(["line_id"], ["order_line.id"], name=op.f("fk_parcel_line_line_id_order_line")),
        sa.PrimaryKeyConstraint("parcel_id", "line_id", name=op.f("pk_parcel_line")),
    )
    op.create_table(
        "shortage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("parts", JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("refund_id", sa.Uuid()),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_shortage_order_id_sales_order")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_shortage_refund_id_refund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortage")),
        sa.UniqueConstraint("order_id", "attempt_id", name=op.f("uq_shortage_order_id_attempt_id")),
    )


def downgrade() -> None:
    op.drop_table("shortage")
    op.drop_table("parcel_line")
    op.drop_table("parcel")
    op.drop_constraint(op.f(SENT), "order_allocation", type_="check")
    op.drop_column("order_allocation", "sent")
    for name, _kind in reversed(NOTICE):
        op.drop_column("sales_order", name)
