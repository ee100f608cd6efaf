"""The tariff: what is in force for a code, an origin and a day. Open to everyone."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request

from core import clock
from core.errors import invalid
from core.web import API_PREFIX, Blueprint, public
from customs import edition, tariff_search, tariff_views
from customs.api import law_schemas as schemas
from customs.api.answers import in_words, ready

blueprint = Blueprint("tariff", __name__, url_prefix=f"{API_PREFIX}/customs", description="The tariff and its law")


@blueprint.route("/tariff")
@public
@blueprint.arguments(schemas.TariffSearch, location="query")
@blueprint.response(200, schemas.TariffLines)
def search_tariff(query: dict[str, Any]) -> Response:
    """Tariff lines by Chinese or English words or by code (dots and spaces allowed), with the rates of a day.

    All words must match; the goods themselves come before what is made of them. `closed` are lines that match better
    but are in force on other days; with no line found, `suggestions` are queries near to this one that find something.
    """
    after, day = tariff_search.after(query["cursor"]), query["day"] or clock.today()
    found = tariff_search.search(day, query["q"] or "", query["prefix"] or "", after, query["limit"])
    return _kept(ready({"items": found.lines, "next": found.following, "suggestions": found.suggestions,
                        "closed": found.closed}))  # fmt: skip


@blueprint.route("/tariff/<hs>")
@public
@blueprint.arguments(schemas.TariffQuestion, location="query")
@blueprint.response(200, schemas.TariffDetail)
def read_tariff(query: dict[str, Any], hs: str) -> Response:
    """Everything in force for a code, an origin and a day, with its sources, and what is not applied and why.

    Ten-digit codes under an eight-digit one are read out together; what holds for only some names them in `only_for`.
    `in_force` is what stands in the tariff, `applied` and `not_applied` what general trade without a proof of origin
    makes of it, `questions` what only the importer can answer, `history` each rate over the life of the line.
    """
    if not (hs.isascii() and hs.isdigit() and len(hs) in (8, 10)):
        raise invalid("hs", "must be a code of 8 or 10 digits without dots")
    found = tariff_views.detail(edition.tariff(), hs, query["origin"], query["day"] or clock.today())
    return _kept(in_words(found, query.get("lang")))


def _kept(answer: Response) -> Response:
    """An answer anyone may keep and must ask about again, since edition or day may turn: unchanged, it is a 304."""
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.make_conditional(request)
    return answer
