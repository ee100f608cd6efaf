"""A shelf of any size for the measurements: the demonstration's listings in many variants, under many merchants.

A few thousand variants (goods, origin, brand, grade) are written by the shop's own code: texts, card and search words.
The server then puts the rows together: identifier, sku, seller, price and day of each. So a million listings take
minutes, and each is as wide, and its words as common or rare, as in a shop.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import select, text

from catalog import cards, quality, ranking, shelf_counts
from catalog.models import Listing
from core.database import db
from customs import codes

ORIGINS = ("AU", "NZ", "CA", "NO", "CL", "FR", "DE", "JP", "BR", "AR", "TH", "VN")
BRANDS = (
    ("北海渔家", "North Bay"), ("金牧", "Golden Pasture"), ("蓝湾", "Blue Cove"), ("老磨坊", "Old Mill"),
    ("白桦", "Birchwood"), ("南十字", "Southern Cross"), ("红松", "Red Pine"), ("青石", "Greystone"),
)  # fmt: skip
GRADES = (
    ("特级", "extra grade"), ("精选", "selected"), ("家庭装", "family pack"), ("试用装", "trial pack"),
    ("有机", "organic"), ("礼盒", "gift box"),
)  # fmt: skip
FARMS = ("Ash", "Brook", "Cedar", "Dun", "Elder", "Fern", "Glen", "Hazel", "Iver", "Juniper", "Kestrel", "Lark")
PER_MERCHANT = 500
VARIANTS_OF_EACH = 24

_MERCHANTS = """
    INSERT INTO merchant (id, registered_name, uscc, country, customs_code, contact, status, submitted_by, submitted_at,
                          decided_at)
    SELECT gen_random_uuid(), '测量贸易' || n || '号有限公司', 'M' || lpad(CAST(n AS text), 17, '0'), 'CN',
           '3122960A17', '{}', 'approved', (SELECT submitted_by FROM merchant ORDER BY id LIMIT 1), now(), now()
    FROM generate_series(1, %(merchants)s::int) AS n ON CONFLICT DO NOTHING
"""
# Prices spread around the goods' own by a factor of e^(3/5); every merchant sells some kinds of goods, none sells all,
# unless there are too few merchants to cover all kinds.
_ROWS = """
    WITH seller AS (
        SELECT id, registered_name, row_number() OVER (ORDER BY id) - 1 AS place FROM merchant WHERE uscc LIKE 'M%%'
    ), told AS (
        SELECT n, now() - make_interval(secs => (%(rows)s::int - n) * 31536000.0 / %(rows)s::int) AS at,
               (n * 7919::bigint) %% %(merchants)s::int AS place,
               ((n * 7919::bigint) %% %(merchants)s::int * 31 + floor(random() * %(breadth)s::int)::int)
                   %% %(shapes)s::int AS number,
               random() + random() + random() AS draw, random() AS sold
        FROM generate_series(%(first)s::int, %(last)s::int) AS n
    ), one AS (
        SELECT told.n, told.at, told.sold, seller.id AS seller, seller.registered_name AS name, shape.*,
               CAST(round(shape.price_fen * exp((draw - 1.5) * 0.4)) AS bigint) AS price,
               uuidv7(told.at - now()) AS fresh, 'BENCH-' || told.n AS own
        FROM told JOIN seller ON seller.place = told.place
        JOIN bench_shape AS shape USING (number)
    )
    INSERT INTO listing (id, merchant_id, sku, price_fen, published_at, search, quality, quality_parts, card, {same})
    SELECT fresh, seller, own, one.price, at, search || CAST('''#bench-' || n || ''':1A' AS tsvector),
           q.availability + q.freshness + q.price + {delivery},
           jsonb_build_object('availability', q.availability, 'freshness', q.freshness, 'price', q.price,
                              'delivery', {delivery}),
           replace(replace(replace(replace(replace(replace(card, '@id', CAST(fresh AS text)), '@sku', own),
               '@seller', CAST(seller AS text)), '@name', name), '@price', fen.price), '@landed', fen.price), {same}
    FROM one, LATERAL (SELECT to_char(one.price / 100.0, 'FM9999999990.00') AS price) AS fen,
    LATERAL (SELECT CASE WHEN sold < 0.9 THEN {availability} ELSE 0 END AS availability,
                    CASE WHEN sold < 0.9 THEN floor(sold * {freshness})::int ELSE 0 END AS freshness,
                    floor(random() * {price})::int AS price) AS q
"""
_LOTS = """
    INSERT INTO lot (id, listing_id, batch_no, produced_on, expires_on, warehouse_id, item_record_no, on_hand, reserved,
                     blocked, least_life_days, created_at)
    SELECT uuidv7(), listing.id, 'B' || n, current_date - 60, current_date + 300 + 30 * n, place.id, 'REC1',
           CASE WHEN listing.quality_parts ->> 'availability' = '0' THEN 0 ELSE 500 END, 0, false, 3,
           listing.published_at
    FROM listing CROSS JOIN generate_series(1, 2) AS n
    CROSS JOIN LATERAL (SELECT id FROM warehouse WHERE mode = coalesce(listing.mode, '0110') LIMIT 1) AS place
    WHERE listing.sku LIKE 'BENCH-%%' AND listing.route <> 'services'
"""


def fill(app: Flask, superuser: str, rows: int) -> None:
    """Put `rows` published listings on the shelf, with lots; done once. `superuser` may load without triggers."""
    with app.app_context():
        known = db.session.scalar(select(Listing.id).where(Listing.sku == "BENCH-1"))
        shapes = [] if known else list(_shapes())
        db.session.rollback()
    if not shapes:
        return
    with psycopg.connect(superuser) as connection:
        _store(connection, shapes)
        _load(connection, rows, len(shapes))
    with app.app_context():
        _settle()


def _shapes() -> Iterator[dict[str, Any]]:
    """Variants of the demonstration's listings, written by the shop's own code; the same in every run."""
    chance = random.Random(20261123)
    for template in db.session.scalars(select(Listing).where(Listing.status == "published").order_by(Listing.sku)):
        db.session.expunge(template)
        given = {name: getattr(template, name) for name in ("title_zh", "title_en", "description_en", "origin")}
        for _ in range(VARIANTS_OF_EACH):
            brand, grade = chance.choice(BRANDS), chance.choice(GRADES)
            farm = f"{chance.choice(FARMS)}{chance.choice(FARMS).lower()}"
            template.origin = chance.choice((given["origin"], *ORIGINS))
            template.brand = brand[1]
            template.title_zh = f"{brand[0]}{given['title_zh']} {grade[0]}"
            template.title_en = f"{given['title_en']}, {grade[1]}"
            template.description_en = (
                f"{given['description_en']} From {farm} in {codes.country_name(template.origin, 'en')}."
            )
            yield _shape(template)


def _shape(row: Listing) -> dict[str, Any]:
    card = json.loads(row.card or "{}")
    card |= {"id": "@id", "sku": "@sku", "title": {"zh": row.title_zh, "en": row.title_en}, "origin": row.origin}
    card |= {"merchant": {"id": "@seller", "name": "@name"}, "price": "@price", "landed_price": "@landed"}
    words = db.session.scalar(select(cards._search_of(row)))
    changed = {"card": json.dumps(card, ensure_ascii=False, separators=(",", ":")), "search": words}
    for name in ("title_zh", "title_en", "description_en", "origin", "brand"):
        changed[name] = getattr(row, name)
    return {"sku": row.sku, **changed}


def _store(connection: psycopg.Connection[Any], shapes: list[dict[str, Any]]) -> None:
    """The variants as a table: the template's row with what was changed."""
    names = [name for name in shapes[0] if name != "sku"]
    connection.execute("CREATE UNLOGGED TABLE bench_shape AS SELECT 0 AS number, * FROM listing WITH NO DATA")
    same = ", ".join(column.name for column in Listing.__table__.columns if column.name not in names)
    given = ", ".join(f"%({name})s{'::tsvector' if name == 'search' else ''}" for name in names)
    statement = (
        f"INSERT INTO bench_shape (number, {', '.join(names)}, {same})"
        f" SELECT %(number)s, {given}, {same} FROM listing WHERE sku = %(sku)s"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [{**shape, "number": number} for number, shape in enumerate(shapes)])


def _load(connection: psycopg.Connection[Any], rows: int, shapes: int) -> None:
    """Indexes are dropped first and made at the end: as a restored backup is loaded."""
    connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
    connection.execute("SET maintenance_work_mem = '1GB'")
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('listing', 'lot')"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    merchants = max(5, rows // PER_MERCHANT)
    breadth = shapes if merchants * 31 < shapes else 48
    values = {"rows": rows, "merchants": merchants, "shapes": shapes, "breadth": breadth}
    connection.execute(_MERCHANTS, values)
    written = ("id", "merchant_id", "sku", "price_fen", "published_at", "search", "quality", "quality_parts", "card")
    same = ", ".join(column.name for column in Listing.__table__.columns if column.name not in written)
    points = {"availability": ranking.AVAILABILITY, "freshness": ranking.FRESHNESS, "price": ranking.PRICE}
    neutral = ranking.DELIVERY * ranking.ASSUMED_IN_TIME // ranking.ASSUMED_DUE
    statement = _ROWS.format(same=same, delivery=neutral, **points)
    for first in range(1, rows + 1, 50_000):
        connection.execute(statement, {**values, "first": first, "last": min(rows, first + 49_999)})
    connection.execute(_LOTS, {})
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("DROP TABLE bench_shape")


def _settle() -> None:
    """What a running shop has done before: counted, measured, gathered statistics."""
    shelf_counts.recount()
    quality.measure()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE listing, lot, shelf_count, shelf_total, search_step"))
