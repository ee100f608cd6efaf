"""The shop window: what anybody may see."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from catalog import art, categories, merchants, policy, search
from catalog.api import schemas
from core.errors import NOT_FOUND, Problem
from core.idempotency import idempotent
from core.web import API_PREFIX, Blueprint, actor, public, requires

blueprint = Blueprint("catalog", __name__, url_prefix=f"{API_PREFIX}/catalog", description="What is on sale")


def ready(text: str) -> Response:
    return Response(text, mimetype="application/json")


def parsed_id(text: str) -> uuid.UUID:
    """An identifier in an address; anything else names no object. Raises Problem `not_found`."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        raise Problem(NOT_FOUND) from None
    if str(found) != text:
        raise Problem(NOT_FOUND)
    return found


@blueprint.route("/categories")
@public
@blueprint.response(200, schemas.Category(many=True))
def list_categories() -> Response:
    """The shelves of the shop as a tree."""
    return ready(json.dumps(categories.tree(), ensure_ascii=False))


@blueprint.route("/listings")
@public
@blueprint.arguments(schemas.Browse(), location="query")
@blueprint.response(200, schemas.Cards)
def browse_listings(args: dict[str, Any]) -> Response:
    """A page of cards; the default order is `relevance` with `q`, else `newest`."""
    sort = args.pop("sort", None) or ("relevance" if args["q"] else "newest")
    return ready(search.browse(search.Request(sort=sort, **args)))


@blueprint.route("/listings/<listing_id>")
@public
@blueprint.response(200, schemas.Detail)
def read_listing(listing_id: str) -> Response:
    """One listing in full: facts, landed price with the law behind it, and why it ranks where it does."""
    text, _version = search.detail(parsed_id(listing_id))
    return ready(text)


@blueprint.route("/merchants/<merchant_id>")
@public
@blueprint.response(200, schemas.Profile)
def read_merchant(merchant_id: str) -> dict[str, Any]:
    """The public profile of an admitted merchant."""
    return merchants.profile(parsed_id(merchant_id))


@blueprint.route("/merchants", methods=["POST"])
@requires()
@idempotent(required=False)
@blueprint.arguments(schemas.NewMerchant)
@blueprint.response(201, schemas.Merchant)
def apply_as_merchant(values: dict[str, Any]) -> dict[str, Any]:
    """Apply to sell here; an operator reviews it."""
    return merchants.apply(actor().id, values)


@blueprint.route("/policy")
@public
@blueprint.response(200, schemas.Policy)
def read_policy() -> dict[str, Any]:
    """Rules and fees, the same for every merchant."""
    return policy.text()


@blueprint.route("/art/<name>.svg")
@public
@blueprint.response(200, content_type="image/svg+xml")
def read_art(name: str) -> BaseResponse:
    """A drawing shown with listings."""
    answer = Response(art.read(name), mimetype="image/svg+xml")
    answer.cache_control.public = True
    answer.cache_control.max_age = 86400
    answer.add_etag()
    return answer.make_conditional(request)
