"""Documents for the single window that sending has given up: seen and sent again by operators and the customs desk."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema, fields, validate

from core.paging import PageArguments
from core.schemas import Choice, Id, Pattern, Text
from core.web import actor, requires
from customs.api.answers import after_id, id_page
from customs.dead_letters import resending, views
from customs.dead_letters.rules import REASONS
from customs.dead_letters.views import Filter
from shop.pages import words
from shop.pages.forms import read_form, read_query, take

pages = Blueprint("dead_letters_pages", __name__, url_prefix="/operations/dead-letters")

_MANY = 100


class _Wanted(PageArguments):
    reason = Choice(*REASONS, load_default=None)
    kind = Pattern("[0-9]{3}", "must be a kind of message such as 621", load_default=None)
    order = Text(20, load_default=None)


class _Chosen(Schema):
    ids = fields.List(Id(), load_default=list, validate=validate.Length(max=_MANY))


class _Which(Schema):
    reason = Choice(*REASONS, load_default=None)
    kind = Pattern("[0-9]{3}", "must be a kind of message such as 621", load_default=None)
    order = Text(20, load_default=None)


@pages.get("")
@requires("operator", "customs")
def listing() -> str:
    """What has been given up, newest document first."""
    query = read_query(_Wanted())
    wanted = Filter(query["reason"], query["kind"], query["order"], after_id(query["cursor"]))
    return render_template(
        "operator/dead_letters.html",
        result=id_page(views.listing(wanted, query["limit"] + 1), query["limit"]),
        query=query,
        again={name: query[name] for name in ("reason", "kind", "order") if query[name]},
        reasons=[(reason, words.FILTERS["dead_reason"](reason)) for reason in REASONS],
        kinds=[(kind, f"{kind} {text}") for kind, text in words.DOCUMENT_KINDS.items()],
        limits=views.limits(),
    )


@pages.get("/<uuid:document_id>")
@requires("operator", "customs")
def show(document_id: uuid.UUID) -> str:
    """One of them, with what was tried."""
    return render_template("operator/dead_letter.html", letter=views.one(document_id))


@pages.post("/<uuid:document_id>/resend")
@requires("operator", "customs")
def resend(document_id: uuid.UUID) -> Any:
    """Send it again."""
    return take(lambda: resending.resend(document_id, str(actor().id)), _told(1), url_for("dead_letters_pages.listing"))


@pages.post("/resend")
@requires("operator", "customs")
def resend_chosen() -> Any:
    """Send again those that are ticked."""
    ids = read_form(_Chosen())["ids"]
    return _answer(resending.resend_many(ids, str(actor().id)))


@pages.post("/resend-all")
@requires("operator", "customs")
def resend_all() -> Any:
    """Send again all that fit the filter of the page."""
    form = read_form(_Which())
    wanted = Filter(form["reason"], form["kind"], form["order"])
    return _answer(resending.ask_for_all(wanted, str(actor().id)))


def _answer(number: int) -> Any:
    return take(lambda: None, _told(number), url_for("dead_letters_pages.listing"))


def _told(number: int) -> str:
    return _("Documents sent again: %(number)s", number=number)
