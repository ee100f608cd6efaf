"""Browsing and searching the shop: one statement a page, joined to an answer without building objects.

Each row carries its card as JSON text, right for the edition and day it names; a row of another day is assessed anew
before it is shown (`cards.refresh`), which after the first reader of a day, or the nightly job, is none. What is left
in stock is never kept: it is summed from the lots in the same statement.

A search for words goes by quality first (see `ranking`): the page statement takes its candidates from the index in
portions of falling quality, so that of a hundred thousand matches a few hundred are looked at.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from catalog import cards, exposure, facets, merchants, page_statements, ranking, shelf
from catalog.asking import SORTS, Narrowing, Request, Words, asked_words, narrowing
from catalog.page_statements import Looking
from core import clock, paging
from core.database import read
from core.errors import NOT_FOUND, Problem, invalid
from core.web import UNAVAILABLE
from customs import edition

__all__ = ["SORTS", "Request", "browse", "detail"]

_MOST = 2**62
_ROUNDS = 20


def browse(request: Request) -> str:
    """A page of cards as JSON text. Raises Problem `invalid_input`, `category_unknown`."""
    narrow = narrowing(request)
    words = None if request.q is None else asked_words(request.q, narrow)
    ranked = words is not None and request.sort == "relevance"
    rows, after = _ranked(request, narrow, words) if ranked and words else _ordered(request, narrow, words)
    exposure.note(rows)
    items = ",".join([_card(row, reasoned=request.sort == "relevance", worded=ranked) for row in rows])
    told = f',"facets":{facets.told(narrow, words)}' if request.facets else ""
    return f'{{"items":[{items}],"next":{json.dumps(after)}{told}}}'


def _card(row: Any, *, reasoned: bool, worded: bool) -> str:
    if not reasoned:
        return f'{row.card},"available":"{row.available}"}}'
    told = ranking.told_text(row.parts, row.text_points, row.exact) if worded else ranking.told_text(row.parts, None)
    return f'{row.card},"available":"{row.available}","ranking":{told}}}'


def _ordered(request: Request, narrow: Narrowing, words: Words | None) -> tuple[Sequence[Any], str | None]:
    """A page in the order of a column: the index of that order, entered at the cursor."""
    values = {**narrow.values, **(words.values if words else {})}
    if request.cursor is not None:
        values |= _column_key(request.sort, request.cursor)
    shape = (request.sort, tuple(narrow.conditions()), words is not None, request.cursor is not None, request.limit + 1)
    rows = _fresh(page_statements.page(*shape), values, anew=words is not None or narrow.depends_on_prices)
    return paging.page(rows, request.limit, lambda row: paging.encode(_plain_key(row.key), str(row.id)))


def _plain_key(key: Any) -> Any:
    return key.isoformat() if isinstance(key, datetime) else key


def _column_key(sort: str, cursor: str) -> dict[str, Any]:
    kind = str if sort == "newest" else int
    key, last = paging.decode(cursor, kind, str) or [None, ""]
    return {"key": _instant(key) if kind is str else _number(key), "key_id": merchants.paged_id(last)}


def _instant(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid("cursor", "is not a cursor of this list") from None


def _number(value: Any) -> int:
    if not -_MOST < int(value) < _MOST:
        raise invalid("cursor", "is not a cursor of this list")
    return int(value)


def _ranked(request: Request, narrow: Narrowing, words: Words) -> tuple[Sequence[Any], str | None]:
    """A page of matches: the ranked ones first, then those that follow by quality; a page never holds both."""
    looking = _looking(narrow, words)
    values = narrow.values | words.values | _tags(narrow)
    part, key, key_id, edge, edge_id = _place(request.cursor)
    values |= {"key": key, "key_id": key_id, "edge": edge, "edge_id": edge_id}
    if part == "following":
        rows = _fresh(page_statements.following(looking, request.limit + 1), values)
        return paging.page(rows, request.limit, lambda row: paging.encode("following", row.key, str(row.id), 0, ""))
    edged = edge is not None
    shape = (looking, edged, request.cursor is not None, request.limit + 1)
    rows = _fresh(page_statements.ranked(*shape), values)
    if rows and not edged and rows[0].near >= ranking.HEAD:
        edge, edge_id = rows[0].edge, rows[0].edge_id
    shown, after = paging.page(
        rows,
        request.limit,
        lambda row: paging.encode("ranked", row.key, str(row.id), -1 if edge is None else edge, str(edge_id or "")),
    )
    if after is None and edge is not None:
        after = paging.encode("following", edge, str(edge_id), 0, "")
    return shown, after


def _looking(narrow: Narrowing, words: Words) -> Looking:
    tagged = any(name in narrow.values for name in _TAGGED)
    banded = narrow.bands is not None
    return Looking(tuple(narrow.conditions()), words.family, words.strict, words.is_code, words.is_sku, tagged, banded)


_TAGGED = ("category", "department", "origin", "route", "merchant")


def _tags(narrow: Narrowing) -> dict[str, Any]:
    tags = [str(narrow.values[name]) for name in _TAGGED if name in narrow.values]
    return {"tags": tags, "band_tags": [shelf.band_tag(band) for band in narrow.bands or ()]}


def _place(cursor: str | None) -> tuple[str, int | None, uuid.UUID | None, int | None, uuid.UUID | None]:
    """Where a page of matches begins: (part, key, id) and, for the ranked, the edge of what was ranked."""
    found = paging.decode(cursor, str, int, str, int, str)
    if found is None:
        return "ranked", None, None, None, None
    part, key, last, edge, edge_id = found
    if part not in ("ranked", "following"):
        raise invalid("cursor", "is not a cursor of this list")
    place = (part, _number(key), merchants.paged_id(last))
    return (
        (*place, None, None)
        if edge < 0 or part == "following"
        else (*place, _number(edge), merchants.paged_id(edge_id))
    )


def _fresh(statement: str, values: dict[str, Any], *, anew: bool = False) -> Sequence[Any]:
    """The rows of a statement, none of a card that another day's law has made."""
    for _ in range(_ROUNDS):
        values |= {"today": clock.today(), "edition": edition.tariff().edition}
        rows = read(statement, values, planned_anew=anew)
        stale = [row.id for row in rows if row.stale]
        if not stale:
            return rows
        cards.refresh(stale)  # what the new day closes leaves the page, and what comes up behind it may be stale too
    raise Problem(UNAVAILABLE, "the shelf is being held to the law of the day; try again shortly")


def detail(listing_id: uuid.UUID) -> tuple[str, int]:
    """One listing in full as JSON text, and its version; one statement. Raises Problem `not_found`."""
    rows = _fresh(page_statements.DETAIL, {"id": listing_id})
    if not rows:
        raise Problem(NOT_FOUND, "no such listing")
    row = rows[0]
    available = "0" if row.hindrance else row.available
    parts = [
        f'{row.card},"available":"{available}"',
        row.detail[1:-1],
        f'"hindrance":{json.dumps(row.hindrance, ensure_ascii=False)}',
        f'"ranking":{ranking.told_text(row.parts, None)}}}',
    ]
    return ",".join(parts), row.version
