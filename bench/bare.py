"""The baseline: a bare Flask application that does the least a shop backend could do for the same answer.

It runs under the same gunicorn settings, on the same PostgreSQL, and is asked in the same minute. It knows no money
rule, no tax, no authorisation: hello; one indexed SELECT; a page of 24 rows; an order with three lines and three stock
decrements in one transaction.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading

from flask import Flask, jsonify
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

ROWS = 10_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS bare_listing (
    id bigint PRIMARY KEY, title_zh text, title_en text, category text, merchant text, origin text, hs text, route text,
    unit text, price bigint, tax bigint, landed bigint, image text, published_at timestamptz,
    stock bigint CHECK (stock >= 0)
);
CREATE INDEX IF NOT EXISTS bare_newest ON bare_listing (published_at DESC, id DESC);
CREATE TABLE IF NOT EXISTS bare_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total bigint, at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS bare_line (
    order_id bigint REFERENCES bare_order, listing bigint, quantity bigint, price bigint
);
INSERT INTO bare_listing
SELECT n, '澳洲冷冻去骨牛肉 ' || n, 'Frozen boneless beef ' || n, 'beef', 'merchant ' || n %% 5, 'AU', '0202300090',
       'general_trade', 'kg', 5000 + n, 300, 5300 + n, '/static/art/beef.svg', now() - n * interval '1 minute',
       1000000000
FROM generate_series(1, %d) AS n ON CONFLICT DO NOTHING;
"""

app = Flask(__name__)
_lock = threading.Lock()
_pools: dict[int, ConnectionPool] = {}
_next = itertools.count(1)


def _pool() -> ConnectionPool:
    """One pool a process, opened after the fork by whichever thread comes first."""
    with _lock:
        if os.getpid() not in _pools:
            url = os.environ["DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
            pool = ConnectionPool(url, min_size=8, max_size=10, kwargs={"row_factory": dict_row}, open=True)
            atexit.register(pool.close)
            _pools[os.getpid()] = pool
        return _pools[os.getpid()]


@app.get("/hello")
def hello() -> str:
    return "hello"


@app.get("/one/<int:number>")
def one(number: int) -> object:
    with _pool().connection() as connection:
        return jsonify(connection.execute("SELECT * FROM bare_listing WHERE id = %s", (number,)).fetchone())


@app.get("/page")
def page() -> object:
    with _pool().connection() as connection:
        rows = connection.execute("SELECT * FROM bare_listing ORDER BY published_at DESC, id DESC LIMIT 24").fetchall()
        return jsonify(items=rows)


@app.post("/order")
def order() -> object:
    first = next(_next) * 37 % (ROWS - 3) + 1
    listings = [first, first + 1, first + 2]
    with _pool().connection() as connection:
        number = connection.execute("INSERT INTO bare_order (total) VALUES (1000) RETURNING id").fetchone()["id"]
        for listing in listings:
            connection.execute("UPDATE bare_listing SET stock = stock - 1 WHERE id = %s AND stock >= 1", (listing,))
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bare_line VALUES (%s, %s, 1, 500)", [(number, n) for n in listings])
    return jsonify(id=number), 201
