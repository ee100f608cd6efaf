"""Goods that leave a zone by another way than a sale, and goods that come back, for the desk and for merchants."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from catalog import recalls
from core.errors import Problem
from core.web import actor, requires
from customs import warehouses
from customs.api import zone_schemas
from customs.api.answers import after_id, id_page
from customs.api.zone_stock import owner, role, told
from customs.consignments import NUMBERED
from customs.zone_stock import exit_views, exits, moves, returned
from customs.zone_stock_models import EXIT_KINDS
from shop.pages import zone_words
from shop.pages.forms import load, read_form, read_query, take

LOTS_SHOWN = 500
_EXIT = ("kind", "lot_id", "quantity", "reason", "value", "to_warehouse_id")

pages = Blueprint("zone_exit_pages", __name__, url_prefix="/zone")


@pages.get("/exits")
@requires("customs", "operator", "merchant")
def list_exits() -> str:
    """Exits, newest first; a merchant's own, with the form to ask for one."""
    return _page(None)


def _page(problem: Problem | None) -> str:
    query = read_query(zone_schemas.ExitFilter())
    rows = exit_views.listing(owner(), query["status"], after_id(query["cursor"]), query["limit"] + 1)
    own = owner()
    lots = [] if own is None else recalls.own_page(own, LOTS_SHOWN, None, recorded=True)["items"]
    return render_template(
        "zone/exits.html",
        result=id_page(rows, query["limit"]),
        lots=lots,
        values=request.form if problem else {},
        problem=problem,
        papers=NUMBERED,
        kinds=[(kind, str(zone_words.EXIT_KINDS[kind])) for kind in EXIT_KINDS],
        places=[(place["id"], place["name"]) for place in warehouses.listing() if place["mode"] == "1210"],
    )


@pages.post("/exits")
@requires("merchant")
def request_exit() -> Any:
    """Ask to take goods out of the zone; what was typed stays when it is refused."""
    try:
        exits.request(str(actor().id), owner(), load(zone_schemas.NewZoneExit(), _told()))
    except Problem as problem:
        if problem.status == 404:
            raise
        return _page(problem), problem.status
    flash(_("It is asked for."), "success")
    return redirect(url_for("zone_exit_pages.list_exits"), 303)


def _told() -> dict[str, Any]:
    """The form as the body of the API; `document-...` are numbers of documents that general trade asks for."""
    typed = {name: text.strip() for name, text in request.form.items() if text.strip()}
    body: dict[str, Any] = {name: typed[name] for name in _EXIT if name in typed}
    numbers = {code: typed[f"document-{code}"] for code in NUMBERED if f"document-{code}" in typed}
    if numbers:
        body["documents"] = numbers
    if "origin_proof" in typed:
        body["origin_proof"] = True
    return body


@pages.get("/exits/<uuid:exit_id>")
@requires("customs", "operator", "merchant")
def one_exit(exit_id: uuid.UUID) -> str:
    """One exit with its steps, duty and what may be done next."""
    found = exit_views.one(exit_id, owner())
    return render_template("zone/exit.html", exit=found, steps=moves.open_steps("exit", found["status"], role()))


@pages.post("/exits/<uuid:exit_id>/steps")
@requires("customs", "merchant")
def take_exit_step(exit_id: uuid.UUID) -> Any:
    """Take a step of an exit."""

    def step() -> object:
        body = read_form(zone_schemas.ExitStep())
        return exits.take(str(actor().id), role(), exit_id, body["step"], told(body), owner=owner())

    return take(step, _("It is done."), url_for("zone_exit_pages.one_exit", exit_id=exit_id))


@pages.get("/returns")
@requires("customs", "operator", "merchant")
def list_returns() -> str:
    """Goods that come back into a zone; the desk says what it found of them."""
    query = read_query(zone_schemas.ReturnFilter())
    rows = returned.listing(owner(), query["status"], after_id(query["cursor"]), query["limit"] + 1)
    result = id_page(rows, query["limit"])
    return render_template("zone/returns.html", result=result, may_check=role() == "customs")


@pages.post("/returns/<uuid:return_id>/check")
@requires("customs")
def check_return(return_id: uuid.UUID) -> Any:
    """Keep what was found of returned goods."""
    return take(
        lambda: returned.check(str(actor().id), return_id, read_form(zone_schemas.ReturnCheck())),
        _("It is kept."),
        url_for("zone_exit_pages.list_returns"),
    )
