"""What goods would bear, asked by anybody."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Response

from core.money import fen_text
from core.web import API_PREFIX, Blueprint, public
from customs import assessments, edition
from customs.api import schemas
from customs.api.answers import ready

blueprint = Blueprint(
    "assessments", __name__, url_prefix=f"{API_PREFIX}/customs", description="What goods would bear at customs"
)


@blueprint.route("/assessments", methods=["POST"])
@public
@blueprint.arguments(schemas.AssessmentRequest)
@blueprint.response(200, schemas.Assessment)
def create_assessment(body: dict[str, Any]) -> Response:
    """Duty, consumption tax and VAT of up to 1,000 lines on a day, with the law applied and not applied."""
    request = assessments.parse_request({**body, "lines": [_amounts(line) for line in body["lines"]]})
    return ready(assessments.assess(edition.tariff(), request).to_dict())


def _amounts(line: dict[str, Any]) -> dict[str, Any]:
    """Amounts of a line stand in its own currency: hundredths back to decimals, for the engine keeps them exact."""
    texts = {
        name: Decimal(fen_text(line[name])) for name in ("value", "freight", "insurance") if line[name] is not None
    }
    return {**line, **texts}
