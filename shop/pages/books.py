"""The operator's view of the books: sums by account, what did not agree, payouts, and what waits for a person."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from core.errors import Problem
from core.paging import PageArguments
from core.web import actor, requires
from shop import books as books_service
from shop import incidents, payout_views
from shop.api.payout_schemas import Remedy
from shop.pages.forms import read_form, read_query, tell

pages = Blueprint("books_pages", __name__, url_prefix="/operations/books")

SHOWN = 50


@pages.get("")
@requires("operator")
def overview() -> str:
    """The last check, open incidents, and the payouts of all merchants."""
    return render_template(
        "operator/books.html",
        last=books_service.last_check(),
        incidents=incidents.open_ones(SHOWN),
        result=payout_views.page_of(None, **read_query(PageArguments())),
    )


@pages.post("/check")
@requires("operator")
def check() -> Any:
    """Check the books now."""
    books_service.ask_for_check(str(actor().id))
    flash(_("The books are being checked; open the page again in a moment."), "success")
    return redirect(url_for("books_pages.overview"), 303)


@pages.post("/incidents/<int:incident_id>/close")
@requires("operator")
def close_incident(incident_id: int) -> Any:
    """Say what was done about an incident."""
    try:
        incidents.close(str(actor().id), min(incident_id, 2**63 - 1), read_form(Remedy())["remedy"])
    except Problem as problem:
        tell(problem)
    else:
        flash(_("The incident is closed."), "success")
    return redirect(url_for("books_pages.overview"), 303)
