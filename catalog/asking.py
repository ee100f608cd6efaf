"""What may be asked of the shelf, and the conditions that say it in SQL.

Statements are put together from the constant texts of these files; whatever a client sends travels as a parameter.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from catalog import categories, shelf, words

SORTS = ("relevance", "newest", "price", "-price")

# What narrows a request, as conditions on listing `l`. A sub-select hides the value from the planner: any value has the
# same index and the same plan, and a server that thinks it could do better for one plans every page anew.
_CONDITIONS = {
    "category": "l.category = (SELECT %(category)s::text)",
    "department": "l.department = (SELECT %(department)s::text)",
    "origin": "l.origin = (SELECT %(origin)s::text)",
    "route": "l.route = (SELECT %(route)s::text)",
    "merchant": "l.merchant_id = (SELECT %(merchant)s::uuid)",
    "min_price": "l.price_fen >= %(min_price)s",
    "max_price": "l.price_fen <= %(max_price)s",
    "band": f"{shelf.band_of('l.price_fen')} = (SELECT %(band)s::integer)",
}
ON_SALE = "l.shown AND l.hindrance IS NULL"


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


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The filters of a request: names of conditions, their values, and whether a plan must know the values.

    `bands` are the price bands touched, None without a price; `whole` says that the prices are the edges of those.
    """

    names: tuple[str, ...]
    values: dict[str, Any]
    bands: tuple[int, ...] | None = None
    whole: bool = True

    def conditions(self) -> list[str]:
        return [ON_SALE, *(_CONDITIONS[name] for name in self.names)]

    @property
    def depends_on_prices(self) -> bool:
        """Whether no one plan suits every value: a range of prices may hold a few listings or nearly all."""
        return "band" not in self.names and ("min_price" in self.names or "max_price" in self.names)


def narrowing(request: Request) -> Narrowing:
    """The filters of a request. Raises Problem `category_unknown`."""
    values: dict[str, Any] = {}
    if request.category is not None:
        shelf_of = categories.find(request.category)
        values["department" if shelf_of.code == shelf_of.department else "category"] = shelf_of.code
    for name in ("origin", "route", "merchant"):
        if getattr(request, name) is not None:
            values[name] = getattr(request, name)
    if request.min_price is None and request.max_price is None:
        return Narrowing(tuple(values), values)
    bands, whole = shelf.bands_of(request.min_price, request.max_price)
    priced = {"min_price": request.min_price, "max_price": request.max_price}
    priced = {name: value for name, value in priced.items() if value is not None}
    if whole and len(bands) == 1 and not request.sort.endswith("price"):
        priced = {"band": bands[0]}  # in these orders a band has an index of its own
    values |= priced
    return Narrowing(tuple(values), values, tuple(bands), whole)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a request as the values of its statement.

    `found` is what the index is asked for, `whole` what a listing must match. A sku is an exact hit, looked for on its
    own, as it is rare; a goods code is looked for like a word (a heading stands on a fifth of the shelf), and
    `code_itself` tells it from a sku of the same digits.
    """

    values: dict[str, Any]
    strict: bool
    is_code: bool
    is_sku: bool
    family: str


def asked_words(q: str, narrow: Narrowing) -> Words:
    latin, code = words.latin(q), words.code_query(q)
    is_code = words.is_code(q)
    values = {"han": words.han_query(q), "han_found": words.han_index_query(q), "latin": latin, "code": code}
    values |= {"han_rank": words.han_rank_query(q), "code_itself": f"{code}:A"}
    several = len(words.han_index_lexemes(q)) + len(latin.split()) + len(narrow.names) > 1
    family = "wide" if several else "fine"
    return Words(values, values["han"] != values["han_found"], is_code, bool(code) and not is_code, family)
