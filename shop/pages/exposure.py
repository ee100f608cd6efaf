"""Who is shown how often, for an operator to audit."""

from __future__ import annotations

from flask import Blueprint, render_template

from catalog import exposure
from catalog.api.fairness_schemas import Period
from core.web import requires
from shop.pages.forms import read_query

pages = Blueprint("exposure_pages", __name__, url_prefix="/operations")


@pages.get("/exposure")
@requires("operator")
def audit() -> str:
    """Cards shown by category and merchant, and how concentrated they are."""
    query = read_query(Period())
    return render_template("operator/exposure.html", report=exposure.report(*exposure.period(**query)))
