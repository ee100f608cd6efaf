"""Browsing and searching the shop: one statement a page, joined to an answer without building objects.

Each row carries its card as JSON text, right for the edition and day it names; a row of another day is assessed anew
before it is shown (`cards.refresh`), which after the first reader of a day, or the nightly job, is none. What is left
in stock is never kept: it is summed from the lots in the same statement.

Statements are put together from the constant texts of this file; whatever a client sends travels as a parameter.
"""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from catalog import cards, categories, merchants, ranking, words
from catalog.lots import LEAST_LIFE
from core import clock, paging
from core.database import db
from core.errors import NOT_FOUND, Problem, invalid

SORTS = ("relevance", "newest", "price", "-price")

# sort -> (order, the part of it after the cursor, kinds of the cursor's parts, column of its first part)
_ORDERS = {
    "relevance": ("score DESC, id DESC", "(score, id) < (:key, :key_id)", int, "score"),
    "newest": ("published_at DESC, id DESC", "(published_at, id) < (CAST(:key AS timestamptz), :key_id)", str, None),
    "price": ("price_fen, id", "(price_fen, id) > (:key, :key_id)", int, "price_fen"),
    "-price": ("price_fen DESC, id DESC", "(price_fen, id) < (:key, :key_id)", int, "price_fen"),
}
_FILTERS = {
    "category": "l.category = :category",
    "department": "l.department = :department",
    "origin": "l.origin = :origin",
    "route": "l.route = :route",
    "merchant": "l.merchant_id = :merchant",
    "min_price": "l.price_fen >= :min_price",
    "max_price": "l.price_fen <= :max_price",
}
_MATCHES = (
    "(l.search @@ (CAST(:han AS tsquery) && plainto_tsquery('english', :latin)) OR l.search @@ CAST(:code AS tsquery))"
)
# Flags: 1 divides by the logarithm of the length, so a short title beats a long description.
_TEXT_POINTS = (
    f"least({ranking.TEXT}, CAST(round(CAST({ranking.TEXT} * ts_rank(l.search, CAST(:han_rank AS tsquery) ||"
    f" plainto_tsquery('english', :latin)) AS numeric)) AS integer))"
)
_EXACT = f"CASE WHEN l.search @@ CAST(:code AS tsquery) THEN {ranking.EXACT} ELSE 0 END"
_SHOWN = "l.shown AND l.hindrance IS NULL"
AVAILABLE = (
    "SELECT CAST(trim_scale(coalesce(sum(on_hand - reserved), 0)) AS text) AS available FROM lot"
    " WHERE listing_id = {} AND NOT blocked AND (expires_on IS NULL OR expires_on >= :least)"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; prices are fen, `sort` one of SORTS."""

    sort: str
    limit: int = 24
    q: str | None = None
    category: str | None = None
    origin: str | None = None
    route: str | None = None
    merchant: uuid.UUID | None = None
    min_price: int | None = None
    max_price: int | None = None
    cursor: str | None = None
    facets: bool = False


def browse(request: Request) -> str:
    """A page of cards as JSON text. Raises Problem `invalid_input`, `category_unknown`."""
    rows = _rows(request)
    shown, after = paging.page(rows, request.limit, lambda row: _cursor_of(request.sort, row))
    tail = _with_reasons if request.sort == "relevance" else _plain
    items = ",".join([tail(row) for row in shown])
    facets = f',"facets":{json.dumps(_facets(request), ensure_ascii=False)}' if request.facets else ""
    return f'{{"items":[{items}],"next":{json.dumps(after)}{facets}}}'


def _plain(row: Any) -> str:
    return f'{row.card[:-1]},"available":"{row.available}"}}'


def _with_reasons(row: Any) -> str:
    told = ranking.explanation(row.quality_parts, row.text_points)
    return f'{row.card[:-1]},"available":"{row.available}","ranking":{json.dumps(told)}}}'


def _rows(request: Request) -> Sequence[Any]:
    statement, values = _statement(request)
    rows = _read(statement, values)
    if cards.refresh(cards.stale(rows)):
        rows = _read(statement, values)
    return rows


def _read(statement: Any, values: dict[str, Any]) -> Sequence[Any]:
    """One statement needs no transaction around it: two trips to the server less."""
    with _reader(db.engine).connect() as connection:
        return connection.execute(statement, values).all()


@functools.cache
def _reader(engine: Engine) -> Engine:
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _statement(request: Request) -> tuple[Any, dict[str, Any]]:
    values = _values(request)
    given = tuple(name for name in _FILTERS if name in values)
    shape = (request.sort, given, request.q is not None, request.cursor is not None, int(request.limit) + 1)
    return _page_statement(*shape), values


def _values(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {"least": clock.today() + LEAST_LIFE}
    for name in ("origin", "route", "merchant", "min_price", "max_price"):
        if getattr(request, name) is not None:
            values[name] = getattr(request, name)
    if request.category is not None:
        shelf = categories.find(request.category)
        values["department" if shelf.code == shelf.department else "category"] = shelf.code
    if request.q is not None:
        values |= {"han": words.han_query(request.q), "latin": words.latin(request.q)}
        values |= {"han_rank": words.han_rank_query(request.q), "code": words.code_query(request.q)}
    if request.cursor is not None:
        values |= _key(request.sort, request.cursor)
    return values


@functools.lru_cache(maxsize=512)
def _page_statement(sort: str, given: tuple[str, ...], worded: bool, continued: bool, limit: int) -> Any:
    """The statement for one combination of filters; texts come from the tables above, values only as parameters.

    The limit is written out: as a parameter it would keep the server from reusing the plan, at half the cost of a page.
    """
    order, after, _, _ = _ORDERS[sort]
    columns = ["l.id", "l.card", "l.assessed_on", "l.assessed_edition", "l.published_at", "l.price_fen"]
    listed = "listing l"
    if sort == "relevance" and worded:
        # OFFSET 0 keeps the planner from writing the rank out twice, once to show and once to sort by.
        listed += f" CROSS JOIN LATERAL (SELECT {_TEXT_POINTS} AS text_points, {_EXACT} AS exact OFFSET 0) AS points"
        columns += ["l.quality_parts", "text_points", "exact + text_points + l.quality AS score"]
    elif sort == "relevance":
        columns += ["l.quality_parts", "NULL AS text_points", "l.quality AS score"]
    conditions = [_SHOWN, *(_FILTERS[name] for name in given), *([_MATCHES] if worded else [])]
    scored = f"SELECT {', '.join(columns)} FROM {listed} WHERE {' AND '.join(conditions)}"  # noqa: S608
    cut = f"SELECT * FROM ({scored}) AS scored {f'WHERE {after}' if continued else ''} ORDER BY {order} LIMIT {limit}"  # noqa: S608
    lots = AVAILABLE.format("page.id")
    return text(f"SELECT page.*, s.available FROM ({cut}) AS page CROSS JOIN LATERAL ({lots}) AS s ORDER BY {order}")  # noqa: S608


def _cursor_of(sort: str, row: Any) -> str:
    column = _ORDERS[sort][3]
    key = row.published_at.isoformat() if column is None else getattr(row, column)
    return paging.encode(key, str(row.id))


def _key(sort: str, cursor: str) -> dict[str, Any]:
    kind = _ORDERS[sort][2]
    key, last = paging.decode(cursor, kind, str) or [None, ""]
    values = {"key": key, "key_id": merchants.paged_id(last)}
    if kind is str:
        try:
            values["key"] = datetime.fromisoformat(str(key))
        except ValueError:
            raise invalid("cursor", "is not a cursor of this list") from None
    elif not -(2**62) < int(key or 0) < 2**62:
        raise invalid("cursor", "is not a cursor of this list")
    return values


def _facets(request: Request) -> dict[str, list[dict[str, Any]]]:
    """How many listings of the same request stand under each category, origin, route and merchant; one statement."""
    values = _values(request)
    given = [_FILTERS[name] for name in _FILTERS if name in values]
    conditions = [_SHOWN, *given, *([_MATCHES] if request.q is not None else [])]
    statement = (
        "SELECT l.department, l.category, l.origin, l.route, l.merchant_id, min(m.registered_name) AS name,"  # noqa: S608
        " count(*) AS count FROM listing l JOIN merchant m ON m.id = l.merchant_id"
        f" WHERE {' AND '.join(conditions)} GROUP BY GROUPING SETS (l.department, l.category, l.origin, l.route,"
        " l.merchant_id) ORDER BY count DESC, l.department, l.category, l.origin, l.route, l.merchant_id"
    )
    found: dict[str, list[dict[str, Any]]] = {"category": [], "origin": [], "route": [], "merchant": []}
    for row in _read(text(statement), values):
        _count(found, row)
    return found


def _count(found: dict[str, list[dict[str, Any]]], row: Any) -> None:
    if row.merchant_id is not None:
        found["merchant"].append({"value": str(row.merchant_id), "name": row.name, "count": row.count})
    elif row.origin is not None:
        found["origin"].append({"value": row.origin, "count": row.count})
    elif row.route is not None:
        found["route"].append({"value": row.route, "count": row.count})
    else:
        code = row.category or row.department
        names = categories.find(code)
        known = {entry["value"] for entry in found["category"]}
        if code not in known:  # a listing may stand on the department itself
            found["category"].append({"value": code, "name": {"zh": names.zh, "en": names.en}, "count": row.count})


_DETAIL = text(
    "SELECT l.id, l.card, l.detail, l.hindrance, l.version, l.quality_parts, l.assessed_on, l.assessed_edition,"  # noqa: S608
    f" s.available FROM listing l CROSS JOIN LATERAL ({AVAILABLE.format('l.id')}) AS s WHERE l.id = :id AND l.shown"
)


def detail(listing_id: uuid.UUID) -> tuple[str, int]:
    """One listing in full as JSON text, and its version; one statement. Raises Problem `not_found`."""
    values = {"id": listing_id, "least": clock.today() + LEAST_LIFE}
    rows = _read(_DETAIL, values)
    if cards.refresh(cards.stale(rows)):
        rows = _read(_DETAIL, values)
    if not rows:
        raise Problem(NOT_FOUND, "no such listing")
    row = rows[0]
    available = "0" if row.hindrance else row.available
    parts = [
        f'{row.card[:-1]},"available":"{available}"',
        row.detail[1:-1],
        f'"hindrance":{json.dumps(row.hindrance, ensure_ascii=False)}',
        f'"ranking":{json.dumps(ranking.explanation(row.quality_parts))}}}',
    ]
    return ",".join(parts), row.version
