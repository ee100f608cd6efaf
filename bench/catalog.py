"""What of the catalogue is measured: every way to a shelf of a chosen size, beside the bare page or SELECT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import text

from bench import bare
from bench.load import Ask
from core import paging
from core.database import db

SHELF = "/api/v1/catalog/listings"
DEEP = 1_000
SMALL = 1_000
CARDS = 24
BROWSE, SMALL_SEARCH, LARGE_SEARCH = 0.6, 0.4, 0.15

Figure = tuple[str, Ask, Ask, str, float | None]
PAGE, PAGE_NAME = Ask("/page"), "bare page of 24 rows"

_FILTERS: dict[str, dict[str, str]] = {
    "category": {"category": "lobster"},
    "department": {"category": "beef"},
    "origin": {"origin": "NZ"},
    "rare origin": {"origin": "CH"},
    "route": {"route": "cross_border_retail"},
    "rare route": {"route": "services"},
    "price band": {"min_price": "50.00", "max_price": "99.99"},
    "category and origin": {"category": "lobster", "origin": "NO"},
    "route and price band": {"route": "general_trade", "min_price": "100.00", "max_price": "199.99"},
}
_SEARCHES = {
    "Chinese word": "牛肉",
    "English word": "lobster",
    "word on half the shelf": "frozen",
    "Chinese words": "澳洲牛肉",
    "English words": "organic lobster",
    "goods code": "0202",
    "sku": "BENCH-500",
    "word of no listing": "猪肉",
}


def figures(app: Flask, rows: int) -> Iterator[Figure]:
    """Name, our request, the baseline's, what that does, and the target.

    The baseline's page has 24 rows: where ours has fewer, the name says how many.
    """
    for name, ask, *others in _figures(app, rows):
        page = app.test_client().get(ask.path).get_json()
        count = len(page["items"]) if "items" in page else CARDS
        yield name if count == CARDS else f"{name} ({count})", ask, *others


def _figures(app: Flask, rows: int) -> Iterator[Figure]:
    with app.app_context():
        one, merchant = db.session.execute(
            text("SELECT id, merchant_id FROM listing WHERE sku LIKE 'BENCH-%' ORDER BY id LIMIT 1 OFFSET 300")
        ).one()
        db.session.rollback()
        deep = {sort: _deep(sort, rows) for sort in ("newest", "price", "relevance")}
    yield "browse", _ask({}), PAGE, PAGE_NAME, BROWSE
    for sort, cursor in deep.items():
        yield f"{sort}, page 1", _ask({"sort": sort}), PAGE, PAGE_NAME, BROWSE
        yield f"{sort}, page {_page(rows):,}", _ask({"sort": sort, "cursor": cursor}), PAGE, PAGE_NAME, BROWSE
    for name, query in {**_FILTERS, "merchant": {"merchant": str(merchant)}}.items():
        yield f"of a {name}", _ask(query), PAGE, PAGE_NAME, BROWSE
    yield "category by price", _ask({"category": "lobster", "sort": "price"}), PAGE, PAGE_NAME, BROWSE
    yield "category by relevance", _ask({"category": "lobster", "sort": "relevance"}), PAGE, PAGE_NAME, BROWSE
    yield "browse with facets", _ask({"facets": "1"}), PAGE, PAGE_NAME, None
    yield "category with facets", _ask({"facets": "1", "category": "lobster"}), PAGE, PAGE_NAME, None
    one_select = Ask(f"/one/{bare.ROWS // 2}")
    yield "detail", Ask(f"{SHELF}/{one}"), one_select, "bare indexed SELECT", BROWSE
    target = SMALL_SEARCH if rows <= SMALL else LARGE_SEARCH
    for name, words in _SEARCHES.items():
        yield f"search, {name}", _ask({"q": words}), PAGE, PAGE_NAME, target
    yield "search with facets", _ask({"q": "lobster", "facets": "1"}), PAGE, PAGE_NAME, None


def _ask(query: dict[str, str]) -> Ask:
    return Ask(f"{SHELF}?{urlencode(query)}" if query else SHELF)


def _page(rows: int) -> int:
    """The page that is called deep: the thousandth, or the last but one of a small shelf."""
    return min(DEEP, rows // CARDS - 1)


def _deep(sort: str, rows: int) -> str:
    """The cursor of that page, as the page before it would give it."""
    key, direction = {"newest": ("published_at", "DESC"), "price": ("price_fen", ""), "relevance": ("quality", "DESC")}[
        sort
    ]
    last: Any = db.session.execute(
        text(
            f"SELECT {key} AS key, id FROM listing WHERE shown AND hindrance IS NULL"
            f" ORDER BY {key} {direction}, id {direction} LIMIT 1 OFFSET :before"
        ),
        {"before": (_page(rows) - 1) * CARDS - 1},
    ).one()
    db.session.rollback()
    return paging.encode(last.key.isoformat() if sort == "newest" else last.key, str(last.id))
