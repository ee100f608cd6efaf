"""Receipts of customs that speak of nothing we know: seen, tried again, bound, set aside, by operators and the desk."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from core.paging import PageArguments
from core.schemas import Choice, Id, Pattern, Text
from core.web import actor, requires
from customs.api.answers import after_id, id_page
from customs.quarantine import deciding, views
from customs.quarantine.views import STATES, Filter
from shop.pages import words
from shop.pages.forms import read_form, read_query, take

pages = Blueprint("quarantine_pages", __name__, url_prefix="/operations/quarantine")


class _Wanted(PageArguments):
    state = Choice(*STATES, load_default="quarantined")
    kind = Pattern("[0-9]{3}", "must be a kind of message such as 622", load_default=None)
    number = Text(60, load_default=None)


class _Sought(Schema):
    number = Text(60, load_default=None)


class _Binding(Schema):
    document = Id(required=True)
    reason = Text(300, required=True)


class _Reason(Schema):
    reason = Text(300, required=True)


@pages.get("")
@requires("operator", "customs")
def listing() -> str:
    """What waits for somebody to look at it, newest first."""
    query = read_query(_Wanted())
    wanted = Filter(query["state"], query["kind"], query["number"], after_id(query["cursor"]))
    return render_template(
        "operator/quarantine.html",
        result=id_page(views.listing(wanted, query["limit"] + 1), query["limit"]),
        query=query,
        again={name: query[name] for name in ("state", "kind", "number") if query[name]},
        states=[(state, words.FILTERS["receipt_state"](state)) for state in STATES],
    )


@pages.get("/<uuid:receipt_id>")
@requires("operator", "customs")
def show(receipt_id: uuid.UUID) -> str:
    """One of them, with the documents it could be about."""
    number = read_query(_Sought())["number"]
    return render_template("operator/quarantined.html", receipt=views.one(receipt_id, number), number=number)


@pages.post("/again")
@requires("operator", "customs")
def try_all_again() -> Any:
    """Apply all of them again."""
    return take(lambda: deciding.try_all_again(str(actor().id)), _("They are tried again."), _there())


@pages.post("/<uuid:receipt_id>/again")
@requires("operator", "customs")
def try_again(receipt_id: uuid.UUID) -> Any:
    """Apply one again."""
    return take(lambda: deciding.try_again(receipt_id, str(actor().id)), _("It is tried again."), _there())


@pages.post("/<uuid:receipt_id>/bind")
@requires("operator", "customs")
def bind(receipt_id: uuid.UUID) -> Any:
    """Say which document it speaks of."""

    def step() -> None:
        form = read_form(_Binding())
        deciding.bind(receipt_id, uuid.UUID(str(form["document"])), str(actor().id), form["reason"])

    return take(step, _("It is applied to that document."), _there())


@pages.post("/<uuid:receipt_id>/set-aside")
@requires("operator", "customs")
def set_aside(receipt_id: uuid.UUID) -> Any:
    """Set it aside."""

    def step() -> None:
        deciding.set_aside(receipt_id, str(actor().id), read_form(_Reason())["reason"])

    return take(step, _("It is set aside."), _there())


def _there() -> str:
    return url_for("quarantine_pages.listing")
