"""The tariff: what is in force for a code, an origin and a day. Open to everyone."""

from __future__ import annotations

from typing import Any

from flask import Response

from core import clock, paging
from core.errors import invalid
from core.web import API_PREFIX, Blueprint, public
from customs import tariff_search, tariff_views
from customs.api import schemas
from customs.api.answers import ready

blueprint = Blueprint("tariff", __name__, url_prefix=f"{API_PREFIX}/customs", description="The tariff and its law")


@blueprint.route("/tariff")
@public
@blueprint.arguments(schemas.TariffSearch, location="query")
@blueprint.response(200, schemas.TariffLines)
def search_tariff(query: dict[str, Any]) -> Response:
    """Tariff lines by Chinese or English words or by code, with the rates of a day."""
    key = paging.decode(query["cursor"], int, int, str)
    after = None if key is None else (key[0], key[1], key[2])
    day, limit = query["day"] or clock.today(), query["limit"]
    lines, keys = tariff_search.search(day, query["q"] or "", query["prefix"] or "", after, limit + 1)
    following = paging.encode(*keys[limit - 1]) if len(lines) > limit else None
    return ready({"items": lines[:limit], "next": following})


@blueprint.route("/tariff/<hs>")
@public
@blueprint.arguments(schemas.TariffQuestion, location="query")
@blueprint.response(200, schemas.TariffDetail)
def read_tariff(query: dict[str, Any], hs: str) -> Response:
    """Everything in force for a code, an origin and a day, with its sources, and what is not applied and why."""
    if not (hs.isascii() and hs.isdigit() and len(hs) in (8, 10)):
        raise invalid("hs", "must be a code of 8 or 10 digits without dots")
    return ready(tariff_views.detail(hs, query["origin"], query["day"] or clock.today()))
