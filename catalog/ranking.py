"""In which order listings are shown, and why. The same for every merchant: no figure here knows who sells.

    score (0 to 1,000) = text (0 to 600) + quality (0 to 400)
    text         how well title, facts and description match the words asked for (PostgreSQL ts_rank); 0 without words
    quality      availability (160 when something can be sold now, else 0)
               + freshness (up to 120: share of life left in the lot that goes out first; 120 for what does not age)
               + price (up to 120: 120 for the lowest price of its category, per kg where goods have a weight, 0 for
                 the highest)

Quality is kept in the row, reckoned when a listing or its lots change and again every five minutes, so that a search
over many listings adds one number instead of counting stock. An exact goods code or sku comes before everything else.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.lots import LEAST_LIFE
from core import clock
from core.database import transaction
from core.jobs import task

AVAILABILITY, FRESHNESS, PRICE = 160, 120, 120
TEXT, EXACT = 600, 10_000

_RECKON = text(
    """
    WITH target AS (
        SELECT id, category FROM listing
        WHERE status = 'published' AND (CAST(:listing_id AS uuid) IS NULL OR id = :listing_id)
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ), dearness AS (
        SELECT id, percent_rank() OVER (
            PARTITION BY category ORDER BY (price_fen + tax_fen) / coalesce(nullif(net_weight_kg, 0), 1)) AS rank
        FROM listing WHERE status = 'published' AND category IN (SELECT category FROM target)
    ), first_out AS (
        SELECT DISTINCT ON (listing_id) listing_id, produced_on, expires_on FROM lot
        WHERE on_hand > reserved AND NOT blocked AND (expires_on IS NULL OR expires_on >= :least)
          AND (CAST(:listing_id AS uuid) IS NULL OR listing_id = :listing_id)
        ORDER BY listing_id, expires_on NULLS LAST, created_at, id
    ), parts AS (
        SELECT target.id,
            CASE WHEN first_out.listing_id IS NULL THEN 0 ELSE :availability END AS availability,
            CASE WHEN first_out.listing_id IS NULL THEN 0
                 WHEN first_out.expires_on IS NULL THEN :freshness
                 ELSE least(:freshness, greatest(0, :freshness * (first_out.expires_on - :today)
                      / greatest(1, first_out.expires_on - coalesce(first_out.produced_on, :today)))) END AS freshness,
            CAST(round(CAST(:price * (1 - dearness.rank) AS numeric)) AS integer) AS price
        FROM target JOIN dearness USING (id) LEFT JOIN first_out ON first_out.listing_id = target.id
    )
    UPDATE listing SET quality = parts.availability + parts.freshness + parts.price,
        quality_parts = jsonb_build_object(
            'availability', parts.availability, 'freshness', parts.freshness, 'price', parts.price)
    FROM parts WHERE listing.id = parts.id
        AND quality_parts IS DISTINCT FROM jsonb_build_object(
            'availability', parts.availability, 'freshness', parts.freshness, 'price', parts.price)
    """
)


def reckon(session: Session, listing_id: uuid.UUID | None = None, *, least_life: timedelta = LEAST_LIFE) -> None:
    """Bring the quality of one listing, or of all, up to date in the caller's transaction."""
    day: date = clock.today()
    points = {"availability": AVAILABILITY, "freshness": FRESHNESS, "price": PRICE}
    session.execute(_RECKON, {"listing_id": listing_id, "today": day, "least": day + least_life, **points})


@task("catalog.reckon_quality", schedule="*/5 * * * *")
def reckon_all() -> None:
    """Stock sells and lots age without their listing being touched."""
    with transaction() as session:
        reckon(session)


def explanation(parts: dict[str, Any], text_points: int | None = None) -> dict[str, Any]:
    """The figures of one listing with what each means."""
    told = [
        {"part": "availability", "points": parts.get("availability", 0), "most": AVAILABILITY},
        {"part": "freshness", "points": parts.get("freshness", 0), "most": FRESHNESS},
        {"part": "price", "points": parts.get("price", 0), "most": PRICE},
    ]
    if text_points is not None:
        told.insert(0, {"part": "text", "points": text_points, "most": TEXT})
    return {"score": sum(part["points"] for part in told), "parts": told, "rule": RULE}


RULE = (
    "Points for matching words, for being in stock, for the life left in the lot that goes out first and for the price "
    "within its category. Who the merchant is, what it pays or has sold plays no part."
)
