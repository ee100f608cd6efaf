"""What an operator decides: merchants and listings under review, jobs that failed for good."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import listings, merchants
from core import audit, jobs
from core.database import db, transaction
from core.errors import Problem
from core.schemas import Choice, Text
from core.web import actor, requires
from shop.pages.forms import read_form, tell

pages = Blueprint("operator_pages", __name__, url_prefix="/operations")

SHOWN = 50


class _Decision(Schema):
    decision = Choice("approve", "reject", required=True)
    reason = Text(300, required=True)


@pages.get("/review")
@requires("operator")
def review() -> str:
    """What waits for a decision, oldest first."""
    return render_template(
        "operator/review.html",
        merchants=merchants.under_review("submitted", SHOWN, None),
        listings=listings.under_review(SHOWN, None),
    )


@pages.post("/review/merchants/<uuid:merchant_id>")
@requires("operator")
def decide_merchant(merchant_id: uuid.UUID) -> Any:
    """Admit or refuse a merchant."""
    return _decide(lambda form: merchants.decide(str(actor().id), merchant_id, form["decision"], form["reason"]))


@pages.post("/review/listings/<uuid:listing_id>")
@requires("operator")
def decide_listing(listing_id: uuid.UUID) -> Any:
    """Admit or refuse a listing."""
    return _decide(lambda form: listings.review(str(actor().id), listing_id, form["decision"], form["reason"]))


def _decide(decide: Any) -> Any:
    try:
        decide(read_form(_Decision()))
    except Problem as problem:
        tell(problem)
    else:
        flash(_("The decision is kept."), "success")
    return redirect(url_for("operator_pages.review"), 303)


@pages.get("/jobs")
@requires("operator")
def failed_jobs() -> str:
    """Jobs that failed for good, newest first."""
    return render_template("operator/jobs.html", rows=jobs.dead_letters(db.session(), after=None, limit=SHOWN))


@pages.post("/jobs/<int:job_id>/again")
@requires("operator")
def run_again(job_id: int) -> Any:
    """Put a failed job back into the queue."""
    with transaction() as session:
        jobs.run_again(session, min(job_id, 2**63 - 1))
        audit.record(session, str(actor().id), "job_retried", "job", str(job_id))
    flash(_("The job runs again."), "success")
    return redirect(url_for("operator_pages.failed_jobs"), 303)
