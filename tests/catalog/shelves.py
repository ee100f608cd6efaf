"""Shelves of many listings, copied in the database from one that went through the shop's own code."""

from __future__ import annotations

import uuid

from sqlalchemy import text

from catalog.models import Listing
from core.database import db, transaction

_SPREAD = {
    "origin": "(ARRAY['AU', 'CA', 'NZ', 'NO', 'CL'])[1 + n % 5]",
    "price_fen": "1000 + (n * 7919) % 1500000",
    "published_at": "now() - n * interval '1 minute'",
    "quality": "n % 401",
}


def copy(listing_id: uuid.UUID, count: int, **changed: str) -> None:
    """`count` more of a listing with equal sort keys; `changed` are columns as SQL over the copy's number `n`."""
    own = {"id", "sku", "card", *changed}
    same = [column.name for column in Listing.__table__.columns if column.name not in own]
    names, values = ", ".join([*same, *changed]), ", ".join([*same, *changed.values()])
    with transaction() as session:
        session.execute(
            text(
                f"INSERT INTO listing (id, sku, card, {names}) SELECT fresh.id, 'COPY-' || gen_random_uuid(),"
                f" replace(card, :id, CAST(fresh.id AS text)), {values} FROM listing,"
                " LATERAL (SELECT n, gen_random_uuid() AS id FROM generate_series(1, :count) AS n"
                "  WHERE listing.id IS NOT NULL) AS fresh WHERE listing.id = CAST(:id AS uuid)"
            ),
            {"id": str(listing_id), "count": count},
        )


def spread(listing_id: uuid.UUID, count: int, **changed: str) -> None:
    """Copies that differ in origin, price, day and quality."""
    copy(listing_id, count, **{**_SPREAD, **changed})


def settle() -> None:
    """Gather statistics, as a running server does by itself."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE listing"))
        connection.execute(text("ANALYZE lot, shelf_count, shelf_total, search_step"))
