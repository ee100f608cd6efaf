"""What of the catalogue is measured: the paths asked for, on a shelf of some thousand listings."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import select, text

from catalog.models import Listing
from core.database import db, transaction

COPIES = 150  # of each listing of the demonstration: about ten thousand rows, as the baseline has

_COPY = """
    WITH fresh AS (
        SELECT listing.id AS original, n, gen_random_uuid() AS id FROM listing, generate_series(1, :copies) AS n
        WHERE sku NOT LIKE 'BENCH-%'
    ), listed AS (
        INSERT INTO listing (id, sku, card, published_at, {columns})
        SELECT fresh.id, 'BENCH-' || n || '-' || sku, replace(card, CAST(listing.id AS text), CAST(fresh.id AS text)),
               published_at - n * interval '1 minute', {columns}
        FROM fresh JOIN listing ON listing.id = fresh.original
        RETURNING id
    )
    INSERT INTO lot (id, {lot_columns}, listing_id)
    SELECT gen_random_uuid(), {lot_columns}, fresh.id FROM fresh JOIN lot ON lot.listing_id = fresh.original
"""


def grow(app: Flask) -> None:
    """Fill the shelf with copies of the demonstration's listings and lots; done once."""
    special = ("id", "sku", "card", "published_at")
    columns = ", ".join(column.name for column in Listing.__table__.columns if column.name not in special)
    lot_columns = (
        "batch_no, produced_on, expires_on, warehouse_id, item_record_no, on_hand, reserved, blocked, created_at"
    )
    with app.app_context():
        grown = db.session.scalar(text("SELECT count(*) FROM listing WHERE sku LIKE 'BENCH-%'"))
        db.session.rollback()
        if not grown:
            with transaction() as session:
                # Constraints between rows written by one statement are checked at its end only.
                session.execute(text(_COPY.format(columns=columns, lot_columns=lot_columns)), {"copies": COPIES})
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE listing, lot"))


def urls(app: Flask) -> dict[str, str]:
    """Name -> path to fetch."""
    shelf = "/api/v1/catalog/listings"
    with app.app_context():
        one = db.session.scalars(select(Listing.id).where(Listing.sku == "CA-LOBSTER-450")).one()
        db.session.rollback()
    return {
        "browse": shelf,
        "browse a category": f"{shelf}?{urlencode({'category': 'beef'})}",
        "search in Chinese": f"{shelf}?{urlencode({'q': '牛肉'})}",
        "search in English": f"{shelf}?{urlencode({'q': 'lobster'})}",
        "detail": f"{shelf}/{one}",
    }
