"""Reckoning the quality of listings: what `catalog.ranking` promises, from stock, prices and delivery records.

One listing is reckoned when it or its lots change, all of them every five minutes, a few thousand in a transaction. A
price finds its place among the prices of its category as they were measured last (every hour): counting all of them for
each change would cost more than the change.
"""

# ruff: noqa: S608 - put together from constant texts; values travel as parameters

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import shelf
from catalog.lots import SALEABLE
from catalog.ranking import (
    ASSUMED_DUE,
    ASSUMED_IN_TIME,
    AVAILABILITY,
    DELIVERY,
    FRESHNESS,
    NEUTRAL_PRICE,
    PRICE,
    QUALITY,
)
from core import clock
from core.database import db, transaction
from core.jobs import task

BATCH = 5_000
MEASURED_EVERY = timedelta(hours=1)

_LANDED = "round((price_fen + tax_fen) / coalesce(nullif(net_weight_kg, 0), 1))::bigint"
# How many of the steps lie below a price, out of PRICE of them, is how dear it is.
_PRICED = f"{PRICE} - least({PRICE}, width_bucket({_LANDED} - 1, level.steps))"
_LIFE = "greatest(1, first_out.expires_on - coalesce(first_out.produced_on, :today))"
_FRESH = f"least({FRESHNESS}, greatest(0, {FRESHNESS} * (first_out.expires_on - :today) / {_LIFE}))"
_RECKON = f"""
    WITH reckoned AS (
        SELECT listing.id, jsonb_build_object(
            'availability', CASE WHEN first_out.listing_id IS NULL THEN 0 ELSE {AVAILABILITY} END,
            'freshness', CASE WHEN first_out.listing_id IS NULL THEN 0
                              WHEN first_out.expires_on IS NULL THEN {FRESHNESS} ELSE {_FRESH} END,
            'price', CASE WHEN level.steps IS NULL THEN {NEUTRAL_PRICE} ELSE {_PRICED} END,
            'delivery', {DELIVERY} * (coalesce(record.in_time, 0) + {ASSUMED_IN_TIME})
                        / (coalesce(record.due, 0) + {ASSUMED_DUE})
        ) AS parts
        FROM {{target}} AS listing
        LEFT JOIN price_level AS level ON level.category = listing.category
        LEFT JOIN delivery_record AS record ON record.listing_id = listing.id
        LEFT JOIN LATERAL (
            SELECT listing_id, produced_on, expires_on FROM lot
            WHERE listing_id = listing.id AND on_hand > reserved AND {SALEABLE}
            ORDER BY expires_on NULLS LAST, created_at, id LIMIT 1
        ) AS first_out ON true
    ), changed AS (
        SELECT listing.id, reckoned.parts FROM listing JOIN reckoned USING (id)
        WHERE listing.quality_parts IS DISTINCT FROM reckoned.parts
        ORDER BY listing.id FOR NO KEY UPDATE OF listing SKIP LOCKED
    ), stored AS (
        UPDATE listing SET quality_parts = changed.parts,
            quality = (SELECT sum(part.value::int) FROM jsonb_each_text(changed.parts) AS part)
        FROM changed WHERE listing.id = changed.id
    )
    SELECT count(*) AS seen, (SELECT id FROM reckoned ORDER BY id DESC LIMIT 1) AS last FROM reckoned
"""
_ONE = text(_RECKON.format(target="(SELECT * FROM listing WHERE id = :listing_id AND status = 'published')"))
_MANY = text(
    _RECKON.format(
        target="(SELECT * FROM listing WHERE status = 'published' AND (CAST(:after AS uuid) IS NULL OR id > :after)"
        " ORDER BY id LIMIT :batch)"
    )
)
_MEASURE = text(
    f"""
    INSERT INTO price_level (category, measured_at, steps)
    SELECT category, :now, (
        SELECT array_agg(round(step)::bigint ORDER BY place) FROM unnest(steps) WITH ORDINALITY AS each (step, place)
    )
    FROM (
        SELECT category, percentile_cont(
            (SELECT array_agg(n / {PRICE}.0 ORDER BY n) FROM generate_series(0, {PRICE}) AS n)::double precision[]
        ) WITHIN GROUP (ORDER BY {_LANDED}) AS steps
        FROM listing WHERE status = 'published' GROUP BY category
    ) AS measured
    ON CONFLICT (category) DO UPDATE SET measured_at = excluded.measured_at, steps = excluded.steps
    """
)
_PORTION = text(
    "INSERT INTO search_step (family, step, most, least, tags) VALUES (:family, :step, :most, :least, :tags)"
)
_MEASURED = text(
    "SELECT EXISTS (SELECT FROM price_level WHERE measured_at > :since) AND NOT EXISTS ("
    "SELECT FROM (SELECT category FROM shelf_count UNION SELECT category FROM shelf_change) AS stocked"
    " WHERE NOT EXISTS (SELECT FROM price_level WHERE price_level.category = stocked.category))"
)


def reckon(session: Session, listing_id: uuid.UUID) -> None:
    """Bring the quality of one listing up to date in the caller's transaction."""
    session.execute(_ONE, {"listing_id": listing_id, "today": clock.today()})


@task("catalog.reckon_quality", schedule="*/5 * * * *")
def reckon_all() -> None:
    """Stock sells and lots age without their listing being touched."""
    _measure_when_due()
    after: Any = None
    while True:
        with transaction() as session:
            values = {"after": after, "batch": BATCH, "today": clock.today()}
            seen, after = session.execute(_MANY, values).one()
        if seen < BATCH:
            return


def _measure_when_due() -> None:
    since = clock.now() - MEASURED_EVERY
    measured = db.session.scalar(_MEASURED, {"since": since})
    db.session.rollback()
    if not measured:
        measure()


def measure() -> None:
    """Take the prices of all categories and the spread of quality over the shelf anew."""
    with transaction() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('catalog.measure'))"))
        session.execute(_MEASURE, {"now": clock.now()})
        _step(session)


# The populations of the first portion of a search and how much the next is larger: a single word is common or rare,
# several words together are rare, and every portion asks the index about each of them.
WORTH_CUTTING = 5_000
FAMILIES = {"fine": (600, 4, 6), "wide": (3_000, 4, 5)}


def _step(session: Session) -> None:
    """Cut the qualities into portions, best first, by how many listings have each."""
    rows = session.execute(text("SELECT quality, count(*) FROM listing WHERE shown AND hindrance IS NULL GROUP BY 1"))
    count = {quality: number for quality, number in rows}
    session.execute(text("DELETE FROM search_step"))
    for family, (first, factor, most_steps) in FAMILIES.items():
        steps = portions(count, first, factor, most_steps if sum(count.values()) >= WORTH_CUTTING else 1)
        told = [
            {"family": family, "step": step, "most": most, "least": least, "tags": _tags(most, least)}
            for step, (most, least) in enumerate(steps)
        ]
        session.execute(_PORTION, told)


def _tags(most: int, least: int) -> list[str]:
    """The last portion is a large half of the shelf, asked of rare words only: one tag serves better than hundreds."""
    return [str(quality) for quality in range(least, most + 1)] if least else [shelf.EVERY]


def portions(count: dict[int, int], first: int, factor: int, steps: int) -> list[tuple[int, int]]:
    """Ranges (most, least) from the best quality to 0, the first holding about `first` listings, each next `factor`
    times as many; at most `steps` of them, the last takes what is left.
    """
    found: list[tuple[int, int]] = []
    most, held, goal = QUALITY, 0, first
    for quality in range(QUALITY, 0, -1):
        held += count.get(quality, 0)
        if held >= goal and len(found) < steps - 1:
            found.append((most, quality))
            most, held, goal = quality - 1, 0, goal * factor
    return [*found, (most, 0)]
