"""What the shelf holds beside the page shown: how many listings of the same request stand under each value of a facet.

Browsing is told from the counters, exactly. With words, or a price that cuts through a band, there is no counter: then
10,000 of the matches are counted at most, and `capped` says that there are more. One statement either way.
"""

# ruff: noqa: S608 - put together from constant texts; values travel as parameters

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from catalog import categories, shelf
from catalog.asking import Narrowing, Words
from catalog.page_statements import MATCHED
from catalog.shelf_counts import UNDER_ONE, UNDER_SEVERAL, by_facet
from core.database import read

MERCHANTS = 20  # the largest
COUNTED = 10_000

# name of a filter -> the same as a condition on the counters
_PLACED = {
    "category": "category = %(category)s",
    "department": "department = %(department)s",
    "origin": "origin = %(origin)s",
    "route": "route = %(route)s",
    "merchant": "merchant_id = %(merchant)s",
    "bands": "band = ANY(%(bands)s)",
}
# Of merchants only the largest, with their names.
_TOLD = """
    SELECT facet, value, n, CASE facet WHEN 'merchant' THEN (
        SELECT registered_name FROM merchant WHERE id = CASE facet WHEN 'merchant' THEN value::uuid END) END AS name
    FROM (
        SELECT *, row_number() OVER (PARTITION BY facet ORDER BY n DESC, value) AS place FROM ({}) AS counted
    ) AS ranked
    WHERE facet <> 'merchant' OR place <= %(merchants)s ORDER BY n DESC, value, facet
"""
_PLACE = f"l.category, l.department, l.origin, l.route, l.merchant_id, {shelf.band_of('l.price_fen')} AS band"
_COUNTED = (
    "WITH matched AS MATERIALIZED (SELECT {place}, 1 AS n, row_number() OVER () AS nth FROM listing AS l WHERE {wanted}"
    f" LIMIT {COUNTED + 1}) {by_facet(f'(SELECT * FROM matched WHERE nth <= {COUNTED})')}"
    " UNION ALL SELECT 'matched', '', count(*) FROM matched"
)


def told(narrow: Narrowing, words: Words | None) -> str:
    """The facets of a request as JSON text: {category, origin, route, merchant, price, total, capped}."""
    rows = _from_counters(narrow) if words is None and narrow.whole else _counted(narrow, words)
    matched = next((row.n for row in rows if row.facet == "matched"), 0)
    found: dict[str, Any] = {
        "category": _categories(rows),
        "origin": [{"value": row.value, "count": row.n} for row in rows if row.facet == "origin"],
        "route": [{"value": row.value, "count": row.n} for row in rows if row.facet == "route"],
        "merchant": [{"value": row.value, "name": row.name, "count": row.n} for row in rows if row.facet == "merchant"],
        "price": _bands(rows),
    }
    found |= {"total": sum(entry["count"] for entry in found["route"]), "capped": matched > COUNTED}
    return json.dumps(found, ensure_ascii=False)


def _categories(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Departments and categories in one list; a listing may stand on the department itself, which is told once."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.facet in ("department", "category"):
            counts[row.value] = max(row.n, counts.get(row.value, 0))
    names = {code: categories.find(code) for code in counts}
    return [
        {"value": code, "name": {"zh": names[code].zh, "en": names[code].en}, "count": count}
        for code, count in counts.items()
    ]


def _bands(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Price bands from the lowest, each with the prices to filter by."""
    counts = {int(row.value): row.n for row in rows if row.facet == "band"}
    return [{**shelf.band_value(band), "count": count} for band, count in sorted(counts.items())]


def _from_counters(narrow: Narrowing) -> Sequence[Any]:
    values = {name: value for name, value in narrow.values.items() if name in _PLACED}
    if narrow.bands is not None:
        values["bands"] = list(narrow.bands)
    if len(values) > 1 or (narrow.bands is not None and len(narrow.bands) != 1):
        conditions = " AND ".join(_PLACED[name] for name in values)
        return read(_TOLD.format(UNDER_SEVERAL.format(conditions)), {**values, "merchants": MERCHANTS})
    name, value = next(iter(values.items()), ("", ""))
    by = {"narrowed": "band", "by": str(value[0])} if name == "bands" else {"narrowed": name, "by": str(value)}
    return read(_TOLD.format(UNDER_ONE), {**by, "merchants": MERCHANTS})


def _counted(narrow: Narrowing, words: Words | None) -> Sequence[Any]:
    # A sub-select hides from the planner how common the words are: it would read the table from its beginning instead.
    wanted = [*narrow.conditions(), *([f"l.search @@ (SELECT {MATCHED})"] if words else [])]
    counted = _COUNTED.format(place=_PLACE, wanted=" AND ".join(wanted))
    values = {**narrow.values, **(words.values if words else {}), "merchants": MERCHANTS}
    return read(_TOLD.format(counted), values, planned_anew=words is None)
