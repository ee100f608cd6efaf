"""What browsing and searching a million listings needs: an index for every order under no filter or one, counters of
the shelf, places of prices, delivery records, exposure.

Revision ID: 0009_add_shelf_counts
Revises: 0008_add_stock_care
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_add_shelf_counts"
down_revision = "0008_add_stock_care"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ON_SALE = "shown AND hindrance IS NULL"
BAND = "width_bucket({}price_fen, '{{5000,10000,20000,50000,200000,1000000}}'::bigint[])"
TAGS = (
    "ARRAY['all'::text, quality::text, category::text, department::text, origin::text, route::text, merchant_id::text,"
    f" 'b' || ({BAND.format('')})::text]"
)
FACETS = ("department", "category", "origin", "route", "merchant_id")
OLD = {
    "newest": ["published_at", "id"],
    "price": ["price_fen", "id"],
    "quality": ["quality", "id"],
    "department": ["department", "published_at", "id"],
    "category": ["category", "published_at", "id"],
}


def upgrade() -> None:
    _indexes()
    _tables()
    _counting()


def _indexes() -> None:
    for name in OLD:
        op.drop_index(f"ix_listing_{name}", "listing")
    op.drop_index("ix_listing_search", "listing")
    for narrowed in (None, *FACETS):
        for key in ("published_at", "price_fen", "quality"):
            columns = [name for name in (narrowed, key) if name]
            _sale_index("_".join(columns), *columns)
    for key in ("published_at", "quality"):
        _sale_index(f"band_{key}", sa.text(f"({BAND.format('')})"), key)
    # Few rows wait to be merged into the index, since every search reads all that wait.
    op.create_index(
        "ix_listing_words",
        "listing",
        ["search", sa.text(f"({TAGS})")],
        postgresql_using="gin",
        postgresql_where=sa.text(ON_SALE),
        postgresql_with={"gin_pending_list_limit": 256},
    )


def _sale_index(name: str, *columns: str | sa.TextClause) -> None:
    op.create_index(f"ix_listing_sale_{name}", "listing", [*columns, "id"], postgresql_where=sa.text(ON_SALE))


def _place(*names: str) -> list[sa.Column]:
    kinds = {"merchant_id": sa.Uuid(), "band": sa.SmallInteger(), "origin": sa.String(2), "route": sa.String(20)}
    return [sa.Column(name, kinds.get(name, sa.String(40)), nullable=False) for name in names]


def _tables() -> None:
    place = ("category", "department", "origin", "route", "merchant_id", "band")
    op.create_table(
        "shelf_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_place(*place),
        sa.Column("delta", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("delta IN (-1, 1)", name=op.f("ck_shelf_change_delta_is_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf_change")),
    )
    # Rows live for seconds, and every page with facets reads the table: what is dead must go at once.
    op.execute("ALTER TABLE shelf_change SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)")
    op.create_table(
        "shelf_count",
        *_place(*place),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*place, name=op.f("pk_shelf_count")),
    )
    op.create_index("ix_shelf_count_department", "shelf_count", ["department", "origin"])
    op.create_index("ix_shelf_count_origin", "shelf_count", ["origin", "route"])
    op.create_index("ix_shelf_count_merchant_id", "shelf_count", ["merchant_id"])
    op.create_table(
        "shelf_total",
        sa.Column("narrowed", sa.String(12), nullable=False),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("facet", sa.String(12), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("narrowed", "by", "facet", "value", name=op.f("pk_shelf_total")),
    )
    op.create_index(
        "ix_shelf_total_merchant",
        "shelf_total",
        ["narrowed", "by", "n"],
        postgresql_where=sa.text("facet = 'merchant'"),
    )
    op.create_table(
        "price_level",
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("measured_at", INSTANT, nullable=False),
        sa.Column("steps", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("category", name=op.f("pk_price_level")),
    )
    op.create_table(
        "search_step",
        sa.Column("family", sa.String(8), nullable=False),
        sa.Column("step", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("most", sa.SmallInteger(), nullable=False),
        sa.Column("least", sa.SmallInteger(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("least <= most", name=op.f("ck_search_step_in_order")),
        sa.PrimaryKeyConstraint("family", "step", name=op.f("pk_search_step")),
    )
    # One portion is always right; the worker cuts it up when there is something to cut.
    op.execute(
        "INSERT INTO search_step (family, step, most, least, tags) SELECT family, 0, 400, 0,"
        " ARRAY['all'] FROM unnest(ARRAY['fine', 'wide']) AS family"
    )
    op.create_table(
        "delivery_record",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.CheckConstraint("0 <= in_time AND in_time <= due", name=op.f("ck_delivery_record_in_time_within_due")),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_delivery_record")),
    )
    op.create_table(
        "exposure",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("shown > 0", name=op.f("ck_exposure_shown_positive")),
        sa.PrimaryKeyConstraint("day", "category", "merchant_id", name=op.f("pk_exposure")),
    )


def _counting() -> None:
    """Whatever changes a listing, and however many at once: the counters learn of it in the same transaction."""
    place = ("category", "department", "origin", "route", "merchant_id")
    insert = f"INSERT INTO shelf_change ({', '.join(place)}, band, delta) VALUES"

    def row(name: str, delta: str) -> str:
        return f"({', '.join(f'{name}.{column}' for column in place)}, {BAND.format(f'{name}.')}, {delta})"

    def on_sale(name: str) -> str:
        return f"({name}.shown AND {name}.hindrance IS NULL)"

    op.execute(f"""
        CREATE FUNCTION count_shelf() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND {on_sale("OLD")} THEN
                {insert} {row("OLD", "-1")};
            END IF;
            IF TG_OP <> 'DELETE' AND {on_sale("NEW")} THEN
                {insert} {row("NEW", "1")};
            END IF;
            RETURN NULL;
        END $$
    """)
    told = ("shown", "hindrance", *place, "price_fen")

    def before(name: str) -> str:
        cells = [*(f"{name}.{column}" for column in place), BAND.format(f"{name}."), on_sale(name)]
        return f"({', '.join(cells)})"

    events = {
        "added": ("INSERT", on_sale("NEW")),
        "changed": (f"UPDATE OF {', '.join(told)}", f"{before('OLD')} IS DISTINCT FROM {before('NEW')}"),
        "removed": ("DELETE", on_sale("OLD")),
    }
    for name, (event, when) in events.items():
        op.execute(
            f"CREATE TRIGGER listing_{name}_counted AFTER {event} ON listing FOR EACH ROW WHEN ({when})"
            " EXECUTE FUNCTION count_shelf()"
        )


def downgrade() -> None:
    for name in ("added", "changed", "removed"):
        op.execute(f"DROP TRIGGER listing_{name}_counted ON listing")
    op.execute("DROP FUNCTION count_shelf()")
    for table in (
        *("exposure", "delivery_record", "search_step", "price_level"),
        *("shelf_total", "shelf_count", "shelf_change"),
    ):
        op.drop_table(table)
    op.drop_index("ix_listing_words", "listing")
    for key in ("published_at", "quality"):
        op.drop_index(f"ix_listing_sale_band_{key}", "listing")
    for narrowed in (None, *FACETS):
        for key in ("published_at", "price_fen", "quality"):
            op.drop_index(f"ix_listing_sale_{'_'.join(name for name in (narrowed, key) if name)}", "listing")
    op.create_index("ix_listing_search", "listing", ["search"], postgresql_using="gin")
    for name, columns in OLD.items():
        op.create_index(f"ix_listing_{name}", "listing", columns, postgresql_where=sa.text("shown"))
