"""The order of the shelf for everybody to read, and for an operator to audit."""

from __future__ import annotations

from datetime import date
from typing import Any

from catalog import exposure, ranking
from catalog.api import fairness_schemas as schemas
from core.web import API_PREFIX, Blueprint, public, requires

blueprint = Blueprint(
    "catalog_fairness", __name__, url_prefix=f"{API_PREFIX}/catalog", description="How the shelf is ordered"
)


@blueprint.route("/ranking")
@public
@blueprint.response(200, schemas.Ranking)
def read_ranking() -> dict[str, Any]:
    """The formula by which listings are ordered: what counts, how much, and what never does."""
    return ranking.published()


@blueprint.route("/audit/exposure")
@requires("operator")
@blueprint.arguments(schemas.Period, location="query")
@blueprint.response(200, schemas.ExposureReport)
def audit_exposure(args: dict[str, date | None]) -> dict[str, Any]:
    """Cards shown by category and merchant, and how concentrated they are beside the listings on sale."""
    return exposure.report(*exposure.period(args["first"], args["last"]))
