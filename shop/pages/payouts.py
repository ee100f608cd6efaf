"""A merchant's money: what it is owed, what was paid out, its statements."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from catalog import merchants, rights
from catalog.api.acting import task
from core.errors import NOT_FOUND, Problem
from core.paging import PageArguments
from core.web import actor, requires
from shop import payout_accounts, payout_views, statement_files, statements
from shop.api.payouts import as_file
from shop.pages.forms import read_query, tell

pages = Blueprint("payouts_pages", __name__, url_prefix="/trade/payouts")


@pages.get("")
@requires("merchant")
def overview() -> str:
    """The balance, what comes next, what was paid, and the statements."""
    own = merchants.acting_for(actor().id)
    return render_template(
        "trade/payouts.html",
        standing=payout_views.standing(own),
        result=payout_views.page_of(own, **read_query(PageArguments())),
        months=statements.months(own),
        may_open=rights.MEMBERS in rights.MAY[_role()],
    )


def _role() -> str:
    found = merchants.membership(actor().id)
    return found["role"] if found else "viewer"


@pages.post("/account")
@requires("merchant")
@task(rights.MEMBERS)
def open_account() -> Any:
    """Open the account for payouts, or ask anew what it may do."""
    try:
        told = payout_accounts.open_for(merchants.acting_for(actor().id), str(actor().id))
    except Problem as problem:
        tell(problem)
    else:
        if told["state"] == "ready":
            flash(_("The account for payouts is ready."), "success")
    return redirect(url_for("payouts_pages.overview"), 303)


@pages.get("/<uuid:payout_id>")
@requires("merchant")
def one(payout_id: uuid.UUID) -> str:
    """A payout with its orders."""
    found = payout_views.one(merchants.acting_for(actor().id), payout_id)
    return render_template("trade/payout.html", payout=found)


@pages.get("/statements/<month>.<kind>")
@requires("merchant")
def statement(month: str, kind: str) -> Response:
    """The statement of a month as a file, in the language of the page."""
    if kind not in statement_files.WRITERS:
        raise Problem(NOT_FOUND, "no such file")
    found = statements.of(merchants.acting_for(actor().id), month)
    return as_file(found, kind, "en" if str(get_locale()) == "en" else "zh")
