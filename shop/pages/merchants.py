"""The operator's page of merchants: those of each state, and the two steps that follow admission."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import merchants
from catalog.api.schemas import MerchantArguments
from catalog.models import MERCHANT_STATUSES
from core.schemas import Choice, Text
from core.web import actor, requires
from shop.pages.forms import read_form, read_query, take

pages = Blueprint("merchants_pages", __name__, url_prefix="/operations")


class _Arguments(MerchantArguments):
    status = Choice(*MERCHANT_STATUSES, load_default="approved")


class _Decision(Schema):
    decision = Choice("suspend", "reinstate", required=True)
    reason = Text(300, required=True)


@pages.get("/merchants")
@requires("operator")
def listing() -> str:
    """Merchants of a state, by default those that sell."""
    query = read_query(_Arguments())
    result = merchants.under_review(**query)
    return render_template("operator/merchants.html", result=result, status=query["status"], statuses=MERCHANT_STATUSES)


@pages.post("/merchants/<uuid:merchant_id>")
@requires("operator")
def decide(merchant_id: uuid.UUID) -> Any:
    """Suspend a merchant, or let a suspended one sell again."""
    return take(
        lambda: merchants.decide(str(actor().id), merchant_id, **read_form(_Decision())),
        _("The decision is kept."),
        url_for("merchants_pages.listing", status=request.args.get("status")),
    )
