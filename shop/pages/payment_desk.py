"""Pages about payments: disputes and the reconciler for an operator, an order's original payment data for customs."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from core.errors import NOT_FOUND, Problem
from core.paging import PageArguments
from core.schemas import Choice, Pattern, Text
from core.web import actor, requires
from customs.payment_data import requests
from shop import dispute_views, payment_data, reconcile
from shop.pages.forms import read_query, take
from shop.payment_models import DISPUTE_STATES

pages = Blueprint("payment_desk_pages", __name__)

RUNS_SHOWN = 12
QUESTIONS_SHOWN = 30


class _Disputes(PageArguments):
    state = Choice(*DISPUTE_STATES, load_default=None)


class _Wanted(Schema):
    order = Text(20, load_default=None)
    session = Pattern("[A-Za-z0-9-]{1,36}", "is not a session", load_default=None)


@pages.get("/operations/payments")
@requires("operator")
def disputes() -> str:
    """Disputes, newest first, and what the reconciler has found."""
    query = read_query(_Disputes())
    return render_template(
        "operator/payments.html",
        result=dispute_views.page_of(query["state"], query["limit"], query["cursor"]),
        state=query["state"],
        states=DISPUTE_STATES,
        runs=reconcile.runs(RUNS_SHOWN),
    )


@pages.get("/desk/payment-data")
@requires("customs", "operator")
def payment_data_of() -> str:
    """The original payment data of one order."""
    query = read_query(_Wanted())
    found, unknown = None, False
    if query["order"]:
        try:
            found = payment_data.of_order(actor(), query["order"], query["session"])
        except Problem as problem:
            if problem.code != NOT_FOUND:
                raise
            unknown = True
    questions = requests.listing(None, None, QUESTIONS_SHOWN, query["order"])
    return render_template("desk/payment_data.html", query=query, found=found, unknown=unknown, questions=questions)


@pages.post("/desk/payment-data/<uuid:request_id>/again")
@requires("customs", "operator")
def upload_again(request_id: uuid.UUID) -> Any:
    """Take up an upload that was given up."""
    return take(
        lambda: requests.upload_again(request_id, str(actor().id)),
        _("It is uploaded again."),
        url_for("payment_desk_pages.payment_data_of"),
    )


@pages.get("/desk/payment-data/<string:number>.json")
@requires("customs", "operator")
def export_payment_data(number: str) -> Response:
    """The same as a file."""
    found = payment_data.of_order(actor(), number, read_query(_Wanted())["session"])
    text = json.dumps(found, ensure_ascii=False, indent=1)
    answer = Response(text, mimetype="application/json")
    answer.headers["Content-Disposition"] = (
        f'attachment; filename="payment-data-{found["payExchangeInfoLists"][0]["orderNo"]}.json"'
    )
    return answer
