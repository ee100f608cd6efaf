"""An operator's page of paid orders that wait for a decision before they are declared."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from core.errors import Problem
from core.paging import PageArguments
from core.web import actor, requires
from shop import review, review_views
from shop.api.schemas import PaymentReview
from shop.pages.forms import read_form, read_query, tell

pages = Blueprint("reviews_pages", __name__)


@pages.get("/operations/payment-review")
@requires("operator")
def waiting() -> str:
    """What waits, oldest first, with its reasons and the orders beside it."""
    query = read_query(PageArguments())
    return render_template("operator/payment_review.html", result=review_views.page_of(**query))


@pages.post("/operations/payment-review/<uuid:order_id>")
@requires("operator")
def decide(order_id: uuid.UUID) -> Any:
    """Let an order be filed, or pay it back."""
    try:
        form = read_form(PaymentReview())
        review.decide(actor(), order_id, form["decision"], form["reason"])
    except Problem as problem:
        tell(problem)
    else:
        flash(_("The decision is kept."), "success")
    return redirect(url_for("reviews_pages.waiting"), 303)
