"""The merchant's listings, one by one: written, given pictures, submitted, withdrawn; and what was told of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import galleries, hs_suggestions, listings, merchants, notices, pictures, rights, versions
from catalog.api import wares as wares_api
from catalog.api.acting import task
from catalog.api.wares_schemas import SuggestionArguments
from core.errors import Problem
from core.paging import PageArguments
from core.schemas import Choice, Pattern
from core.web import actor, maybe_actor, requires
from shop.pages import filters, language, listing_form
from shop.pages.forms import read_form, read_query, take

pages = Blueprint("wares_pages", __name__, url_prefix="/trade")

_STEPS = ("submit", "publish", "withdraw")
# The buttons of each status; what is not allowed is refused by the service anyway.
_OFFERED = {
    "draft": ("submit",),
    "submitted": ("withdraw",),
    "published": ("withdraw",),
    "withdrawn": ("publish", "submit"),
}


class _Step(Schema):
    step = Choice(*_STEPS, required=True)


class _Version(Schema):
    version = Pattern("[0-9]{1,9}", "must be a version", required=True)


class _Move(Schema):
    digest = Pattern("[0-9a-f]{64}", "must be the digest of a picture", required=True)
    where = Choice("first", "earlier", "later", "away", required=True)


@pages.url_value_preprocessor
def _take_pictures(endpoint: str | None, _values: Any) -> None:
    """Runs before the CSRF token is looked for in the form, that is, before the file is read; strangers stay small."""
    if endpoint == "wares_pages.add_picture" and maybe_actor() is not None:
        request.max_content_length = pictures.SIZE_MOST + wares_api.FORM_MOST


@pages.app_context_processor
def _count_notices() -> dict[str, Any]:
    return {"notices_unread": _unread}


def _unread() -> int:
    """How many notices the merchant of this page has not read; asked once a page."""
    if "notices_unread" not in g:
        g.notices_unread = notices.unread(_own())
    return int(g.notices_unread)


def _own() -> uuid.UUID:
    return merchants.acting_for(actor().id)


def _selling() -> uuid.UUID:
    return merchants.acting_for(actor().id, selling=True)


@pages.get("/listings/new")
@requires("merchant")
def new() -> str:
    """An empty form."""
    return _form({"route": "general_trade", "unit": "kg"}, None, None)


@pages.post("/listings")
@requires("merchant")
def create() -> Any:
    """Write a draft, or show the fields of the chosen code and category."""
    if request.form.get("step") == "parts":
        return _form(request.form.to_dict(), None, None)
    try:
        made = listings.create(str(actor().id), _selling(), listing_form.values(request.form, new=True))
    except Problem as problem:
        return _form(request.form.to_dict(), problem, None), problem.status
    flash(_("The draft is kept. Add pictures, then hand it in for review."), "success")
    return redirect(url_for("wares_pages.edit", listing_id=made["id"]), 303)


@pages.get("/listings/<uuid:listing_id>")
@requires("merchant")
def edit(listing_id: uuid.UUID) -> str:
    """One own listing with all its fields."""
    listing = listings.managed(_own(), listing_id)
    return _form(listing_form.boxes(listing), None, listing)


@pages.post("/listings/<uuid:listing_id>")
@requires("merchant")
def change(listing_id: uuid.UUID) -> Any:
    """Keep what was changed as the next version."""
    listing = listings.managed(_own(), listing_id)
    if request.form.get("step") == "parts":
        return _form(request.form.to_dict(), None, listing)
    version = int(read_form(_Version())["version"])
    try:
        values = listing_form.values(request.form, new=False)
        listings.change(str(actor().id), _selling(), listing_id, version, values)
    except Problem as problem:
        return _form(request.form.to_dict(), problem, listing), problem.status
    flash(_("The changes are kept."), "success")
    return redirect(url_for("wares_pages.edit", listing_id=listing_id), 303)


def _form(given: dict[str, str], problem: Problem | None, listing: dict[str, Any] | None) -> str:
    found: dict[str, Any] = {"listing": listing, "offered": (), "needs": [], "history": []}
    if listing is not None:
        target = uuid.UUID(listing["id"])
        found["offered"] = _OFFERED[listing["status"]]
        found["needs"] = listings.needs(_own(), target)
        found["history"] = versions.own_page(_own(), target, 10, None)["items"]
    return render_template(
        "trade/listing.html",
        values=given,
        problem=problem,
        errors=listing_form.errors(problem),
        choices=listing_form.choices(),
        parts=listing_form.parts(given),
        most=galleries.MOST,
        **found,
    )


@pages.post("/listings/<uuid:listing_id>/step")
@requires("merchant")
def step(listing_id: uuid.UUID) -> Any:
    """Submit, publish again or withdraw."""
    asked = read_form(_Step())["step"]
    own = _own() if asked == "withdraw" else _selling()
    done = {"submit": _("The listing is handed in for review."), "publish": _("The listing is in the shop."),
            "withdraw": _("The listing is out of the shop.")}  # fmt: skip
    return _tell(listing_id, lambda: listings.move(str(actor().id), own, listing_id, asked), done[asked])


@pages.post("/listings/<uuid:listing_id>/pictures")
@requires("merchant")
def add_picture(listing_id: uuid.UUID) -> Any:
    """Add a picture behind the others."""
    return _tell(
        listing_id,
        lambda: galleries.add(str(actor().id), _selling(), listing_id, wares_api.uploaded()),
        _("The picture is added."),
    )


@pages.post("/listings/<uuid:listing_id>/pictures/move")
@requires("merchant")
def move_picture(listing_id: uuid.UUID) -> Any:
    """Show a picture earlier or later, or not any more."""
    form = read_form(_Move())
    who, own, digest = str(actor().id), _selling(), form["digest"]
    if form["where"] == "away":
        return _tell(listing_id, lambda: galleries.remove(who, own, listing_id, digest), _("The picture is removed."))

    def reorder() -> Any:
        there = [entry["digest"] for entry in listings.managed(own, listing_id)["images"]]
        return galleries.reorder(who, own, listing_id, _moved(there, digest, form["where"]))

    return _tell(listing_id, reorder, _("The pictures are in their new order."))


def _moved(there: list[str], digest: str, to: str) -> list[str]:
    if digest not in there:
        return [*there, digest]  # refused by the service: it is none of the listing's
    place = there.index(digest)
    rest = [each for each in there if each != digest]
    target = {"first": 0, "earlier": max(0, place - 1), "later": min(len(rest), place + 1)}[to]
    return [*rest[:target], digest, *rest[target:]]


def _tell(listing_id: uuid.UUID, act: Callable[[], Any], done: str) -> Any:
    return take(act, done, url_for("wares_pages.edit", listing_id=listing_id))


@pages.get("/listing-parts")
@requires("merchant")
def parts() -> str:
    """The fields of a code and a category, for the form that is open."""
    given = request.args.to_dict()
    return render_template("trade/_listing_parts.html", values={}, errors={}, parts=listing_form.parts(given))


@pages.get("/hs-suggestions")
@requires("merchant")
def suggestions() -> Response:
    """Codes for what is being typed, in the language of the page."""
    found = hs_suggestions.suggest(**read_query(SuggestionArguments()))
    items = [{"hs": line["hs"], "name": filters.both(line["description"]), "note": _note(line)}
             for line in found["items"]]  # fmt: skip
    answer = jsonify(items=items, suggestions=found["suggestions"])
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _note(line: dict[str, Any]) -> str:
    """One line about a code: the duty at a glance and whether the retail list is open."""
    retail = line["retail"]
    modes = ", ".join(retail["modes"])
    opened = _("on the retail list, mode %(modes)s", modes=modes) if retail["open"] else _("not on the retail list")
    duty, vat = (filters.rate(line["duty"][name]) for name in ("mfn", "vat"))
    rates = _("duty %(duty)s, VAT %(vat)s", duty=duty, vat=vat)
    licence = [_("automatic licence")] if line["licence"] else []
    units = "/".join(str(unit["zh"] if language.word() == "zh" else unit["word"]) for unit in line["units"])
    return " · ".join([rates, opened, *licence, units])


@pages.get("/notices")
@requires("merchant")
def told() -> str:
    """What the platform has told the merchant, newest first."""
    result = notices.own_page(_own(), unread=False, **read_query(PageArguments()))
    return render_template("trade/notices.html", result=result)


@pages.post("/notices/read")
@requires("merchant")
@task(rights.READ)
def read_notices() -> Any:
    """All of them are read."""
    notices.read_all(_own())
    return redirect(url_for("wares_pages.told"), 303)
