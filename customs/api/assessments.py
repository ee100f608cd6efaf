"""What goods would bear, asked by anybody."""

from __future__ import annotations

from typing import Any

from flask import Response

from core.web import API_PREFIX, Blueprint, public
from customs import assessments, edition
from customs.api import law_schemas as schemas
from customs.api.answers import in_words

blueprint = Blueprint(
    "assessments", __name__, url_prefix=f"{API_PREFIX}/customs", description="What goods would bear at customs"
)


@blueprint.route("/assessments", methods=["POST"])
@public
@blueprint.arguments(schemas.AssessmentRequest)
@blueprint.arguments(schemas.InLanguage, location="query")
@blueprint.response(200, schemas.Assessment)
def create_assessment(body: dict[str, Any], query: dict[str, Any]) -> Response:
    """Duty, consumption tax and VAT of up to 1,000 lines on a day, with the law applied and not applied.

    Every sentence is there in English and Chinese (`lang`, else Accept-Language); `phrases` beside it holds what it was
    made of.
    """
    return in_words(assessments.assess(edition.tariff(), assessments.parse_request(body)).to_dict(), query.get("lang"))
