"""A database with many orders in it: paid purchases like those of the shop, put together by the server.

Each is a copy of one that was really placed and paid, with identifiers, number, buyer and day of its own, over all
tables that a checkout writes. So a million take minutes, and each row is as wide as in a shop.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import psycopg

_CHUNK = 20_000

# One row for each purchase that is made, and three for its lines.
_MADE = """
    CREATE UNLOGGED TABLE bench_order AS
    SELECT n, at, uuidv7(at - now()) AS purchase_id, uuidv7(at - now()) AS order_id, uuidv7(at - now()) AS payment_id,
           uuidv7(at - now()) AS posting_id, CAST(%(buyers)s AS uuid[]) AS buyers,
           'LB' || lpad(CAST(n AS text), 16, '0') AS number
    FROM (SELECT n, now() - make_interval(secs => n * 31536000.0 / %(orders)s::int) AS at
          FROM generate_series(1, %(orders)s::int) AS n) AS told
"""
_LINES = """
    CREATE UNLOGGED TABLE bench_line AS
    SELECT made.n, made.order_id, line.id AS like_id, uuidv7(made.at - now()) AS line_id
    FROM bench_order AS made CROSS JOIN order_line AS line
    WHERE line.order_id = (SELECT id FROM sales_order WHERE purchase_id = %(like)s)
"""
_BUYER = "made.buyers[1 + made.n %% cardinality(made.buyers)]"
_OF_ORDER = "(SELECT id FROM sales_order WHERE purchase_id = %(like)s)"
# Table, the columns that differ, and which rows are copied.
_COPIES: tuple[tuple[str, dict[str, str], str], ...] = (
    (
        "purchase",
        {"id": "purchase_id", "attempt_id": "uuidv7(made.at - now())", "account_id": _BUYER, "created_at": "at",
         "expires_at": "at", "paid_at": "at"},
        "like_row.id = %(like)s",
    ),
    (
        "sales_order",
        {"id": "order_id", "number": "number", "purchase_id": "purchase_id", "account_id": _BUYER,
         "status": "'completed'", "waybill_no": "'W' || made.number", "payment_no": "'P' || made.number",
         "created_at": "at", "paid_at": "at"},
        "like_row.purchase_id = %(like)s",
    ),
    (
        "payment",
        {"id": "payment_id", "purchase_id": "purchase_id", "intent_id": "'pi_' || made.number",
         "client_secret": "'pi_' || made.number || '_secret'", "created_at": "at", "closed_at": "at"},
        "like_row.purchase_id = %(like)s",
    ),
    ("order_event", {"order_id": "order_id", "at": "at"}, f"like_row.order_id = {_OF_ORDER}"),
    ("payment_exchange", {"purchase_id": "purchase_id", "at": "at"}, "like_row.purchase_id = %(like)s"),
    (
        "ledger_posting",
        {"id": "posting_id", "reference": "CAST(made.payment_id AS text)", "purchase_id": "purchase_id", "at": "at"},
        "like_row.purchase_id = %(like)s",
    ),
    (
        "ledger_entry",
        {"posting_id": "posting_id",
         "order_id": "CASE WHEN like_row.order_id IS NOT NULL THEN made.order_id END"},
        "like_row.posting_id = (SELECT id FROM ledger_posting WHERE purchase_id = %(like)s)",
    ),
    (
        "audit_entry",
        {"at": "at", "object_id": "CAST(made.purchase_id AS text)"},
        "like_row.object_id = CAST(%(like)s AS text)",
    ),
)  # fmt: skip
_OF_LINES = """
    INSERT INTO order_line (id, order_id, {same})
    SELECT made.line_id, made.order_id, {same_of} FROM bench_line AS made
    JOIN order_line AS like_row ON like_row.id = made.like_id WHERE made.n BETWEEN %(first)s AND %(last)s
"""
_OF_SHARES = """
    INSERT INTO order_allocation (line_id, {same})
    SELECT made.line_id, {same_of} FROM bench_line AS made
    JOIN order_allocation AS like_row ON like_row.line_id = made.like_id WHERE made.n BETWEEN %(first)s AND %(last)s
"""


def fill(superuser: str, orders: int, buyers: Sequence[uuid.UUID], like: uuid.UUID) -> None:
    """Put `orders` copies of the paid purchase `like` into the database. `superuser` may load without triggers."""
    with psycopg.connect(superuser) as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
        values: dict[str, Any] = {"orders": orders, "buyers": list(buyers), "like": like}
        connection.execute(_MADE, values)
        connection.execute(_LINES, values)
        for first in range(1, orders + 1, _CHUNK):
            part = {**values, "first": first, "last": min(orders, first + _CHUNK - 1)}
            for table, own, which in _COPIES:
                connection.execute(_copy(connection, table, own, which), part)
            connection.execute(_with_same(connection, _OF_LINES, "order_line", {"id", "order_id"}), part)
            connection.execute(_with_same(connection, _OF_SHARES, "order_allocation", {"line_id"}), part)
        connection.execute("DROP TABLE bench_order, bench_line")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _copy(connection: psycopg.Connection, table: str, own: dict[str, str], which: str) -> str:
    same = _columns(connection, table, set(own))
    names, texts = [*own, *same], [*own.values(), *(f"like_row.{name}" for name in same)]
    made = "(SELECT * FROM bench_order WHERE n BETWEEN %(first)s AND %(last)s) AS made"
    drawn = ", ".join(_of_made(text) for text in texts)
    copied = f"SELECT {drawn} FROM {made} CROSS JOIN {table} AS like_row WHERE {which}"
    return f"INSERT INTO {table} ({', '.join(names)}) {copied}"


def _of_made(text: str) -> str:
    """A plain name is a column of the made row."""
    return f"made.{text}" if text.isidentifier() else text


def _with_same(connection: psycopg.Connection, statement: str, table: str, own: set[str]) -> str:
    same = _columns(connection, table, own)
    return statement.format(same=", ".join(same), same_of=", ".join(f"like_row.{name}" for name in same))


def _columns(connection: psycopg.Connection, table: str, own: set[str]) -> list[str]:
    """The columns of a table that are copied as they are; the server numbers what it numbers by itself."""
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND is_identity = 'NO' ORDER BY ordinal_position",
        (table,),
    )
    return [name for (name,) in rows if name not in own]
