"""The operator's recall: a batch over all merchants, what is stopped, and what became of the orders."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from catalog import recalls
from catalog.api.stock_schemas import BatchRecall, Recall, StoppedArguments
from core.errors import Problem
from core.paging import PageArguments
from core.web import actor, requires
from shop import recall_views
from shop.pages.forms import read_form, read_query, take, tell

pages = Blueprint("recalls_pages", __name__, url_prefix="/operations")

SHOWN = 50


@pages.get("/recalls")
@requires("operator")
def stopped() -> str:
    """The lots of a batch, or what is recalled and in quarantine."""
    query = read_query(StoppedArguments())
    return render_template("operator/recalls.html", result=recalls.find(**query), batch_no=query["batch_no"])


@pages.get("/recalls/lots/<uuid:lot_id>")
@requires("operator")
def lot(lot_id: uuid.UUID) -> str:
    """One lot and its orders."""
    query = read_query(PageArguments())
    return render_template(
        "operator/lot.html",
        lot=recalls.one(None, lot_id),
        orders=recall_views.orders_of_lot(None, lot_id, SHOWN, query["cursor"]),
    )


@pages.post("/recalls")
@requires("operator")
def recall_batch() -> Any:
    """Recall every lot of a batch."""
    try:
        found = recalls.recall_batch(str(actor().id), **read_form(BatchRecall()))
    except Problem as problem:
        tell(problem)
    else:
        flash(_("Lots recalled: %(count)s", count=len(found["items"])), "success")
    return redirect(url_for("recalls_pages.stopped"), 303)


@pages.post("/recalls/lots/<uuid:lot_id>")
@requires("operator")
def recall(lot_id: uuid.UUID) -> Any:
    """Recall one lot."""
    return _do(lot_id, lambda who: recalls.recall(who, None, lot_id, read_form(Recall())["reason"]))


@pages.post("/recalls/lots/<uuid:lot_id>/quarantine")
@requires("operator")
def quarantine(lot_id: uuid.UUID) -> Any:
    """Stop one lot until it has been examined."""
    return _do(lot_id, lambda who: recalls.quarantine(who, lot_id, read_form(Recall())["reason"]))


@pages.post("/recalls/lots/<uuid:lot_id>/release")
@requires("operator")
def release(lot_id: uuid.UUID) -> Any:
    """Lift a quarantine."""
    return _do(lot_id, lambda who: recalls.release(who, lot_id, read_form(Recall())["reason"]))


def _do(lot_id: uuid.UUID, deed: Callable[[str], object]) -> Any:
    return take(lambda: deed(str(actor().id)), _("It is done."), url_for("recalls_pages.lot", lot_id=lot_id))
