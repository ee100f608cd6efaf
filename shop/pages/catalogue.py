"""The shop window: browsing, one listing with every tax and its law, a merchant."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import Blueprint, render_template, request

from catalog import categories, merchants, search, versions
from catalog.models import ROUTES
from core.errors import Problem
from core.paging import PageArguments
from core.schemas import Choice, Money, Text, country
from core.web import public
from shop.pages import words
from shop.pages.filters import country as country_name
from shop.pages.forms import read_query
from shop.pages.listing_view import breakdown, facts
from shop.pages.rfqs import request_form

pages = Blueprint("catalogue_pages", __name__)

SHELF = 4  # cards of a department on the front page: one row on a desktop, two on a phone


class _Query(PageArguments):
    q = Text(100, load_default=None)
    category = Text(40, load_default=None)
    origin = country(load_default=None)
    route = Choice(*ROUTES, load_default=None)
    min_price = Money(load_default=None)
    max_price = Money(load_default=None)
    sort = Choice(*search.SORTS, load_default=None)


@pages.get("/")
@public
def home() -> str:
    """The front page with the first goods of every department, or cards under the filters of the address."""
    query = read_query(_Query())
    if any(query[name] is not None for name in (*_NAMES, "sort")):
        return _window(query)
    shelves = [{**department, "cards": _first_of(department["code"])} for department in categories.tree()]
    return render_template(
        "catalogue/front.html", shelves=[shelf for shelf in shelves if shelf["cards"]], categories=categories.tree()
    )


def _first_of(department: str) -> list[dict[str, Any]]:
    wanted = search.Request(sort="relevance", limit=SHELF, category=department)
    return list(json.loads(search.browse(wanted))["items"])


def _window(query: dict[str, Any]) -> str:
    asked = {**query, "sort": query["sort"] or "relevance"}
    result = json.loads(search.browse(search.Request(**asked, facets=True)))
    return render_template(
        "catalogue/window.html",
        query=query,
        result=result,
        categories=categories.tree(),
        category=_category(query["category"]),
        counts={row["value"]: row["count"] for row in result["facets"]["category"]},
        again=_again(),
        route_choices=[(route, words.FILTERS["route"](route)) for route in ROUTES],
        origin_choices=_origins(result, query["origin"]),
        sort_choices=[(sort, words.SORTS[sort]) for sort in search.SORTS],
    )


_NAMES = ("q", "category", "origin", "route", "min_price", "max_price", "cursor")


def _again() -> dict[str, str]:
    """The filters as typed, for the link to the next page."""
    names = {*_NAMES, "sort", "limit"} - {"cursor"}
    return {name: value for name, value in request.args.items() if name in names and value}


def _category(code: str | None) -> dict[str, Any] | None:
    """The node of the tree, with its children when it is a department. Raises Problem `category_unknown`."""
    if code is None:
        return None
    found = categories.find(code)
    for department in categories.tree():
        for node in (department, *department["children"]):
            if node["code"] == found.code:
                return node
    return None


def _origins(result: dict[str, Any], chosen: str | None) -> list[tuple[str, str]]:
    """The origins that the present filters leave, by name, with how many listings of each."""
    counts = {row["value"]: row["count"] for row in result["facets"]["origin"]}
    codes = counts.keys() | ({chosen} if chosen else set())
    named = sorted((country_name(code), code) for code in codes)
    return [(code, f"{name} ({counts.get(code, 0)})") for name, code in named]


@pages.get("/listings/<uuid:listing_id>")
@public
def listing(listing_id: uuid.UUID) -> str:
    """One listing in full; of one that is not in the shop any more what it was, since papers name this address."""
    try:
        text, _version = search.detail(listing_id)
    except Problem:
        return _once_sold(listing_id)
    card = json.loads(text)
    return render_template(
        "catalogue/listing.html",
        card=card,
        breakdown=breakdown(card),
        facts=facts(card),
        description=card.get("description"),
        ranking=card["ranking"],
        rfq_form=_request_form(card),
    )


def _once_sold(listing_id: uuid.UUID) -> str:
    """What was in the shop once. Raises Problem `not_found`."""
    card = versions.last_published(listing_id)
    return render_template("catalogue/once_sold.html", card=card, facts=facts(card))


def _request_form(card: dict[str, Any]) -> dict[str, Any] | None:
    """The form of a request for quotation where things are sold between companies."""
    if card["category"] not in categories.between_companies():
        return None
    return request_form(card, categories.find(card["category"]).department)


@pages.get("/merchants/<uuid:merchant_id>")
@public
def merchant(merchant_id: uuid.UUID) -> str:
    """Who sells, and what."""
    arguments = read_query(PageArguments())
    profile = merchants.profile(merchant_id)
    wanted = search.Request(sort="newest", merchant=merchant_id, **arguments)
    return render_template("catalogue/merchant.html", merchant=profile, result=json.loads(search.browse(wanted)))
