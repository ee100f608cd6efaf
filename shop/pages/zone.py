"""Bonded stock for the desk and for merchants: entries into a zone, the account book, and what does not agree."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from catalog import listings, merchants
from core.errors import Problem
from core.web import actor, requires
from customs import warehouses
from customs.api import zone_schemas
from customs.api.answers import after_id, id_page
from customs.api.zone_stock import ENTRY_LOG_MOST, merchant_of, owner, role, told
from customs.zone_stock import differences, entries, entry_views, moves
from shop.pages.forms import load, read_query, take

pages = Blueprint("zone_pages", __name__, url_prefix="/zone")

LINES_SHOWN = 4
GOODS_SHOWN = 500
_LINE = ("listing_id", "quantity", "value", "batch_no", "produced_on", "expires_on")
_HEAD = ("warehouse_id", "traf_mode", "traf_no", "bill_no", "dispatch_country")


@pages.get("/entries")
@requires("customs", "operator", "merchant")
def list_entries() -> str:
    """Entries, newest first; a merchant's own."""
    query = read_query(zone_schemas.EntryFilter())
    rows = entry_views.listing(owner(), query["status"], after_id(query["cursor"]), query["limit"] + 1)
    return render_template("zone/entries.html", result=id_page(rows, query["limit"]), mine=owner() is not None)


@pages.get("/entries/new")
@requires("merchant")
def new_entry() -> str:
    """The form of an entry."""
    return _form(None)


@pages.post("/entries")
@requires("merchant")
def create_entry() -> Any:
    """Draft an entry of own goods."""
    try:
        body = load(zone_schemas.NewZoneEntry(), _told())
        made = entries.create(str(actor().id), merchant_of(None), body)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _form(problem), problem.status
    flash(_("The entry is drafted."), "success")
    return redirect(url_for("zone_pages.entry", entry_id=made["id"]), 303)


def _told() -> dict[str, Any]:
    """The form as the body of the API: a line is given where its goods or its quantity are."""
    typed = {name: text.strip() for name, text in request.form.items() if text.strip()}
    rows = [{name: typed[f"{name}-{at}"] for name in _LINE if f"{name}-{at}" in typed} for at in _filled()]
    return {**{name: typed[name] for name in _HEAD if name in typed}, "lines": rows}


def _filled() -> list[int]:
    """The numbers of the lines that say something."""
    told = request.form
    asked = range(1, LINES_SHOWN + 1)
    return [at for at in asked if any(told.get(f"{name}-{at}", "").strip() for name in ("listing_id", "quantity"))]


def _form(problem: Problem | None) -> str:
    own = merchants.acting_for(actor().id)
    goods = listings.managed_page(own, status=None, limit=GOODS_SHOWN, cursor=None, mode="1210")["items"]
    return render_template(
        "zone/new_entry.html",
        goods=goods,
        places=[place for place in warehouses.listing() if place["mode"] == "1210"],
        values=request.form if problem else {},
        rows=range(1, LINES_SHOWN + 1),
        problem=problem,
        errors=_by_input(problem.errors or {}) if problem else {},
    )


def _by_input(errors: dict[str, list[str]]) -> dict[str, list[str]]:
    """Rules by the input they speak of: `lines.0.value` is the value of the first line that was filled in."""
    filled = _filled()
    found = {}
    for field, rules in errors.items():
        _lines, _dot, rest = field.partition("lines.")
        at, dot, name = rest.partition(".")
        known = dot and at.isdecimal() and int(at) < len(filled)
        found[f"{name}-{filled[int(at)]}" if known else field] = rules
    return found


@pages.get("/entries/<uuid:entry_id>")
@requires("customs", "operator", "merchant")
def entry(entry_id: uuid.UUID) -> str:
    """One entry with its papers, lines and what may be done next."""
    found = entry_views.one(entry_id, owner())
    return render_template("zone/entry.html", entry=found, steps=moves.open_steps("entry", found["status"], role()))


@pages.post("/entries/<uuid:entry_id>/steps")
@requires("customs", "merchant")
def take_entry_step(entry_id: uuid.UUID) -> Any:
    """Take a step of an entry."""

    def step() -> object:
        body = load(zone_schemas.EntryStep(), _step())
        who = (str(actor().id), role(), entry_id, body["step"], told(body))
        return entries.take(*who, owner=owner(), arrived=body["arrived"])

    return take(step, _("It is done."), url_for("zone_pages.entry", entry_id=entry_id))


def _step() -> dict[str, Any]:
    """The form as the body of the API; `arrived-1` is what the zone counted of line 1."""
    typed = {name: text.strip() for name, text in request.form.items() if text.strip()}
    counted = [
        {"line": at, "quantity": typed[f"arrived-{at}"]}
        for at in range(1, zone_schemas.LINES_MOST + 1)
        if f"arrived-{at}" in typed
    ]
    step: dict[str, Any] = {name: typed[name] for name in ("step", "number", "day", "detail") if name in typed}
    return {**step, "arrived": counted} if counted else step


@pages.get("/book")
@requires("customs", "operator", "merchant")
def book() -> str:
    """The account book by item, and above it what does not agree."""
    query = read_query(zone_schemas.BookFilter())
    rows = differences.listing(owner(), query["warehouse"], after_id(query["cursor"]), query["limit"] + 1)
    result = id_page(rows, query["limit"])
    return render_template("zone/book.html", result=result, differences=differences.report(owner()))


@pages.get("/book/<uuid:item_id>")
@requires("customs", "operator", "merchant")
def item(item_id: uuid.UUID) -> str:
    """One item with its entries."""
    return render_template("zone/item.html", item=differences.one(item_id, owner(), ENTRY_LOG_MOST))
