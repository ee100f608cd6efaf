"""Companies, requests for quotation and offers between them; orders of services, which have no warehouse and no code.

Revision ID: 0011_add_quotations
Revises: 0010_add_wares
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_add_quotations"
down_revision = "0010_add_wares"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(precision=19, scale=5)
JSON = postgresql.JSONB()
# Services are kept in no warehouse, pass no customs and have no goods code.
EMPTY_FOR_SERVICES = (
    ("sales_order", "mode", sa.String(length=4)),
    ("sales_order", "warehouse_id", sa.Uuid()),
    ("order_line", "hs", sa.String(length=10)),
    ("order_allocation", "warehouse_id", sa.Uuid()),
)


def upgrade() -> None:
    for table, column, kind in EMPTY_FOR_SERVICES:
        op.alter_column(table, column, existing_type=kind, nullable=True)
    op.create_check_constraint(
        op.f("ck_sales_order_goods_have_place"),
        "sales_order",
        "route = 'services' OR mode IS NOT NULL AND warehouse_id IS NOT NULL",
        postgresql_not_valid=True,  # every order up to now has its place: the two columns have just ceased to be required
    )
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("registered_name", sa.String(length=100), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500)),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('submitted', 'verified', 'rejected', 'suspended')", name=op.f("ck_company_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_company_account_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("account_id", name=op.f("uq_company_account_id")),
    )
    op.create_index(op.f("ix_company_uscc"), "company", ["uscc"])
    op.create_index("ix_company_status", "company", ["status", "id"])
    op.create_table(
        "rfq",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_name", sa.String(length=100), nullable=False),
        sa.Column("company_uscc", sa.String(length=18), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_name", sa.String(length=200), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=40), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("destination", sa.String(length=100), nullable=False),
        sa.Column("needed_by", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("specification", JSON, nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=500)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("offers", sa.SmallInteger(), nullable=False),
        sa.Column("messages", sa.SmallInteger(), nullable=False),
        sa.Column("company_news", sa.Boolean(), nullable=False),
        sa.Column("merchant_news", sa.Boolean(), nullable=False),
        sa.Column("purchase_id", sa.Uuid()),
        sa.CheckConstraint(
            "status IN ('requested', 'offered', 'accepted', 'declined', 'expired', 'withdrawn')",
            name=op.f("ck_rfq_status_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_rfq_quantity_positive")),
        sa.CheckConstraint(
            "(status = 'accepted') = (purchase_id IS NOT NULL)", name=op.f("ck_rfq_accepted_is_ordered")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["user_account.id"], name=op.f("fk_rfq_account_id_user_account")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_rfq_company_id_company")),
        sa.ForeignKeyConstraint(
            ["purchase_id"],
            ["purchase.id"],
            name=op.f("fk_rfq_purchase_id_purchase"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rfq")),
        sa.UniqueConstraint("number", name=op.f("uq_rfq_number")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_rfq_attempt_id")),
        sa.UniqueConstraint("purchase_id", name=op.f("uq_rfq_purchase_id")),
    )
    op.create_index("ix_rfq_account_id", "rfq", ["account_id", "id"])
    op.create_index("ix_rfq_merchant_id", "rfq", ["merchant_id", "id"])
    op.create_index(op.f("ix_rfq_company_id"), "rfq", ["company_id"])
    op.create_index(op.f("ix_rfq_listing_id"), "rfq", ["listing_id"])
    op.create_index(
        "ix_rfq_lapsing", "rfq", ["expires_at"], postgresql_where=sa.text("status IN ('requested', 'offered')")
    )
    op.create_table(
        "rfq_offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rfq_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("offered_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit_price", QUANTITY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("exchange_rate", sa.Numeric(precision=16, scale=8)),
        sa.Column("moisture_percent", sa.Numeric(precision=6, scale=3)),
        sa.Column("dry_quantity", QUANTITY),
        sa.Column("incoterm", sa.String(length=3), nullable=False),
        sa.Column("delivery_weeks", sa.SmallInteger(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("amounts", JSON, nullable=False),
        sa.Column("goods_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("insurance_fen", sa.BigInteger(), nullable=False),
        sa.Column("installation_fen", sa.BigInteger(), nullable=False),
        sa.Column("training_fen", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("law", JSON),
        sa.CheckConstraint(
            "status IN ('open', 'superseded', 'withdrawn', 'accepted', 'declined', 'expired')",
            name=op.f("ck_rfq_offer_status_known"),
        ),
        sa.CheckConstraint("quantity > 0 AND unit_price > 0", name=op.f("ck_rfq_offer_price_positive")),
        sa.CheckConstraint("(currency = 'CNY') = (exchange_rate IS NULL)", name=op.f("ck_rfq_offer_rate_of_foreign")),
        sa.CheckConstraint(
            "(moisture_percent IS NULL) = (dry_quantity IS NULL)", name=op.f("ck_rfq_offer_dry_with_moisture")
        ),
        sa.CheckConstraint(
            "dry_quantity IS NULL OR 0 < dry_quantity AND dry_quantity <= quantity",
            name=op.f("ck_rfq_offer_dry_within_wet"),
        ),
        sa.CheckConstraint(
            "total_fen = goods_fen + freight_fen + insurance_fen + installation_fen + training_fen",
            name=op.f("ck_rfq_offer_total_sums"),
        ),
        sa.ForeignKeyConstraint(["rfq_id"], ["rfq.id"], name=op.f("fk_rfq_offer_rfq_id_rfq")),
        sa.ForeignKeyConstraint(["offered_by"], ["user_account.id"], name=op.f("fk_rfq_offer_offered_by_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rfq_offer")),
        sa.UniqueConstraint("rfq_id", "revision", name=op.f("uq_rfq_offer_rfq_id_revision")),
    )
    op.create_index(
        "uq_rfq_offer_standing",
        "rfq_offer",
        ["rfq_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'accepted')"),
    )
    op.create_table(
        "rfq_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rfq_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("side IN ('company', 'merchant')", name=op.f("ck_rfq_message_side_known")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["user_account.id"], name=op.f("fk_rfq_message_account_id_user_account")
        ),
        sa.ForeignKeyConstraint(["rfq_id"], ["rfq.id"], name=op.f("fk_rfq_message_rfq_id_rfq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rfq_message")),
    )
    op.create_index(op.f("ix_rfq_message_rfq_id"), "rfq_message", ["rfq_id"])
    op.execute(
        "CREATE TRIGGER rfq_message_append_only BEFORE UPDATE OR DELETE ON rfq_message"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("rfq_message", "rfq_offer", "rfq", "company"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_sales_order_goods_have_place"), "sales_order", type_="check")
    # Refused while orders of services stand: they cannot be told without these being empty.
    for table, column, kind in EMPTY_FOR_SERVICES:
        op.alter_column(table, column, existing_type=kind, nullable=False)
