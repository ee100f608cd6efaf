"""The statements of the shop window. Each is one round trip, and the same text for the same kind of request, so that
the server keeps its plan: the number of rows is written out, since as a parameter it would keep the plan from reuse.
"""

# ruff: noqa: S608 - put together from constant texts; values travel as parameters

from __future__ import annotations

import functools
from dataclasses import dataclass

from catalog import ranking, shelf
from catalog.lots import SALEABLE

# The sort key of the last row seen, hidden from the planner as the filters are (`asking`).
_AFTER = "((SELECT %(key)s::{}), (SELECT %(key_id)s::uuid))"
# sort -> (order, where the next page goes on, its key)
ORDERS = {
    "relevance": ("l.quality DESC, l.id DESC", f"(l.quality, l.id) < {_AFTER.format('bigint')}", "l.quality"),
    "newest": (
        "l.published_at DESC, l.id DESC",
        f"(l.published_at, l.id) < {_AFTER.format('timestamptz')}",
        "l.published_at",
    ),
    "price": ("l.price_fen, l.id", f"(l.price_fen, l.id) > {_AFTER.format('bigint')}", "l.price_fen"),
    "-price": ("l.price_fen DESC, l.id DESC", f"(l.price_fen, l.id) < {_AFTER.format('bigint')}", "l.price_fen"),
}
_STALE = "l.assessed_on IS DISTINCT FROM %(today)s OR l.assessed_edition IS DISTINCT FROM %(edition)s AS stale"
# A card is JSON text; what follows it is added before its last brace.
_CARD = f"l.id, l.merchant_id::text AS merchant, l.category, {_STALE}, left(l.card, -1) AS card"
_AVAILABLE = (
    "SELECT trim_scale(coalesce(sum(on_hand - reserved), 0))::text AS available FROM lot WHERE listing_id = {} AND "
    + SALEABLE.replace(":today", "%(today)s")
)
_WITH_STOCK = (
    f"SELECT page.*, stock.available FROM ({{}}) AS page CROSS JOIN LATERAL ({_AVAILABLE.format('page.id')}) AS stock"
)

DETAIL = (
    f"SELECT {_CARD}, l.detail, l.hindrance, l.version, l.quality_parts::text AS parts, stock.available"
    f" FROM listing AS l CROSS JOIN LATERAL ({_AVAILABLE.format('l.id')}) AS stock WHERE l.id = %(id)s AND l.shown"
)


@functools.lru_cache(maxsize=512)
def page(sort: str, conditions: tuple[str, ...], worded: bool, continued: bool, rows: int) -> str:
    """A page in the order of one column, of all listings that meet the conditions (and, `worded`, match the words)."""
    order, after, key = ORDERS[sort]
    columns = f"{_CARD}, {key} AS key" + (", l.quality_parts::text AS parts" if sort == "relevance" else "")
    wanted = [*conditions, *([f"l.search @@ ({MATCHED})"] if worded else []), *([after] if continued else [])]
    cut = f"SELECT {columns} FROM listing AS l WHERE {' AND '.join(wanted)} ORDER BY {order} LIMIT {rows}"
    return _WITH_STOCK.format(cut)


_LATIN = "plainto_tsquery('english', %(latin)s)"
MATCHED = f"(CAST(%(han)s AS tsquery) && {_LATIN}) || CAST(%(code)s AS tsquery)"
_TEXT_POINTS = (
    f"least({ranking.TEXT}, ({ranking.TEXT} * ts_rank(l.search, (SELECT rank FROM asked)))::integer)"  # a cast rounds
)
_EXACT = "l.search @@ (SELECT code FROM asked)"
_EXACT_CODE = "l.search @@ (SELECT code_itself FROM asked)"
# A merchant names its sku: one that is a word of other listings (lobster) buys no place before them.
_ALONE = "(SELECT NOT EXISTS (SELECT FROM near WHERE id NOT IN (SELECT id FROM exact)))"
_BEST = "ORDER BY l.quality DESC, l.id DESC"


@dataclass(frozen=True, slots=True)
class Looking:
    """How to look for words. `strict`: what the index finds must be looked at again; `is_code`: a goods code is typed,
    which is looked for as a word is. `tagged`, `banded`: the index narrows by tags, by price bands.
    """

    conditions: tuple[str, ...]
    family: str
    strict: bool
    is_code: bool
    is_sku: bool
    tagged: bool
    banded: bool


@functools.lru_cache(maxsize=512)
def ranked(looking: Looking, edged: bool, continued: bool, rows: int) -> str:
    """A page of the best matches, ranked by words and quality.

    The candidates are the exact hits and the first HEAD matches in the order of quality, or (`edged`, on later pages)
    all of a quality not below that of the last of them, so that what is published meanwhile moves nobody across.
    """
    if edged:
        near = _portions(looking, "(l.quality, l.id) >= (%(edge)s, %(edge_id)s)", "most >= %(edge)s", 4 * ranking.HEAD)
    else:
        near = _portions(looking, "", "", ranking.HEAD)
    after = "WHERE (key, id) < (%(key)s, %(key_id)s)" if continued else ""
    picked = "(SELECT id FROM exact UNION SELECT id FROM near)" if looking.is_sku else "near"
    exact = f"{_EXACT} AND {_ALONE}" if looking.is_sku else _EXACT_CODE if looking.is_code else "false"
    return f"""
        WITH {_asked(looking)}, {_exact(looking)} near AS MATERIALIZED ({near}), page AS (
            SELECT * FROM (
                SELECT l.id, text_points, exact,
                    CASE WHEN exact THEN {ranking.EXACT} ELSE 0 END + text_points + l.quality AS key
                FROM {picked} AS picked JOIN listing AS l ON l.id = picked.id
                CROSS JOIN LATERAL (SELECT {_TEXT_POINTS} AS text_points, {exact} AS exact OFFSET 0) AS points
            ) AS scored {after} ORDER BY key DESC, id DESC LIMIT {rows}
        )
        SELECT {_CARD}, l.quality_parts::text AS parts, page.text_points, page.exact, page.key, stock.available,
               (SELECT count(*) FROM near) AS near, edge.quality AS edge, edge.id AS edge_id
        FROM page JOIN listing AS l USING (id) CROSS JOIN LATERAL ({_AVAILABLE.format("l.id")}) AS stock
        LEFT JOIN (SELECT quality, id FROM near ORDER BY quality, id LIMIT 1) AS edge ON true
        ORDER BY page.key DESC, l.id DESC
    """


@functools.lru_cache(maxsize=512)
def following(looking: Looking, rows: int) -> str:
    """A page of the matches that come after the ranked ones, by quality alone."""
    rest = _portions(
        looking,
        "(l.quality, l.id) < (%(key)s, %(key_id)s)"
        + (" AND l.id NOT IN (SELECT id FROM exact)" if looking.is_sku else ""),
        "least <= %(key)s",
        rows,
    )
    return f"""
        WITH {_asked(looking)}, {_exact(looking)} page AS MATERIALIZED ({rest})
        SELECT {_CARD}, l.quality_parts::text AS parts, NULL AS text_points, false AS exact, l.quality AS key,
            stock.available
        FROM page JOIN listing AS l USING (id) CROSS JOIN LATERAL ({_AVAILABLE.format("l.id")}) AS stock {_BEST}
    """


def _asked(looking: Looking) -> str:
    """What is asked, read once."""
    code = " || code" if looking.is_code else ""
    itself = ", CAST(%(code_itself)s AS tsquery) AS code_itself" if looking.is_code else ""
    return f"""asked AS MATERIALIZED (
        SELECT (han_found && latin){code} AS found, (han && latin){code} AS whole, code{itself},
            han_rank || latin AS rank
        FROM (SELECT CAST(%(han_found)s AS tsquery) AS han_found, CAST(%(han)s AS tsquery) AS han,
            CAST(%(han_rank)s AS tsquery) AS han_rank, CAST(%(code)s AS tsquery) AS code, {_LATIN} AS latin) AS given
    )"""


def _exact(looking: Looking) -> str:
    """Who bears the very sku, when it can be one; a goods code is borne by too many."""
    if not looking.is_sku:
        return ""
    wanted = " AND ".join([*looking.conditions, _EXACT])
    return f"exact AS MATERIALIZED (SELECT l.id FROM listing AS l WHERE {wanted} {_BEST} LIMIT {ranking.HEAD}),"


def _portions(looking: Looking, bound: str, worth: str, rows: int) -> str:
    """The first `rows` matches in the order of quality: portion after portion, until there are enough.

    A nested loop goes through the portions in their order and stops at the LIMIT. `worth` says which portions can hold
    anything within `bound`.
    """
    tags = shelf.tags("l")
    wanted = [*looking.conditions, "l.search @@ (SELECT found FROM asked)", f"{tags} && portion.tags"]
    if looking.tagged:
        wanted.append(f"{tags} @> %(tags)s::text[]")
    if looking.banded:
        wanted.append(f"{tags} && %(band_tags)s::text[]")
    if looking.strict:
        wanted.append("(l.search @@ (SELECT whole FROM asked)) IS TRUE")
    # Not for the index, whose order of qualities would tempt the planner to read it from one end to the other.
    wanted.append("(l.quality <= portion.most) IS TRUE")
    if bound:
        wanted.append(bound)
    portions = (
        f"SELECT * FROM search_step WHERE family = '{looking.family}'{f' AND {worth}' if worth else ''} ORDER BY step"
    )
    found = f"SELECT l.id, l.quality FROM listing AS l WHERE {' AND '.join(wanted)} {_BEST} LIMIT {rows}"
    each = f"({portions}) AS portion CROSS JOIN LATERAL ({found}) AS found"
    return f"SELECT found.id, found.quality FROM {each} LIMIT {rows}"
