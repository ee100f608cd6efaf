"""The merchant's side of what goods look like and need: pictures, versions, suggestions of codes, notices."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, BinaryIO, TypeVar, cast

from flask import Response, request

from catalog import attributes, galleries, hs_suggestions, listings, merchants, notices, pictures, rights, versions
from catalog.api import schemas, wares_schemas
from catalog.api.acting import task
from catalog.api.window import blueprint as window
from catalog.api.window import parsed_id
from core.errors import invalid
from core.web import API_PREFIX, Blueprint, actor, public, requires

blueprint = Blueprint(
    "catalog_wares", __name__, url_prefix=f"{API_PREFIX}/catalog/manage", description="Pictures, versions, notices"
)

V = TypeVar("V", bound=Callable[..., Any])
FORM_MOST = 64 << 10  # bytes of a form beside its file
_UPLOAD = {
    "required": True,
    "content": {"multipart/form-data": {"schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary", "description": "a JPEG, PNG or WebP picture"}},
    }}},
}  # fmt: skip


def takes_picture(view: V) -> V:
    """A view whose request may be as large as a picture."""

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = pictures.SIZE_MOST + FORM_MOST
        return view(*args, **kwargs)

    return cast(V, run)


def uploaded() -> BinaryIO:
    """The one file of this request. Raises Problem `invalid_input`."""
    given = request.files.getlist("file")
    if len(given) != 1 or len(request.files) != 1:
        raise invalid("file", "exactly one file is needed, in the form field `file`")
    return cast(BinaryIO, given[0].stream)


def _own() -> Any:
    return merchants.acting_for(actor().id)


def _selling() -> Any:
    return merchants.acting_for(actor().id, selling=True)


def _tagged(found: dict[str, Any], status: int = 200) -> tuple[dict[str, Any], int, dict[str, str]]:
    return found, status, {"ETag": f'"{found["version"]}"'}


@blueprint.route("/listings/<listing_id>/images", methods=["POST"])
@requires("merchant")
@takes_picture
@blueprint.doc(requestBody=_UPLOAD)
@blueprint.response(201, schemas.Managed)
def add_listing_image(listing_id: str) -> Any:
    """Add a picture (form field `file`: JPEG, PNG or WebP, at most 10 MB and 25 million pixels); it is written anew in
    three sizes, without EXIF. The first of at most 8 is the card's."""
    target = parsed_id(listing_id)
    return _tagged(galleries.add(str(actor().id), _selling(), target, uploaded()), 201)


@blueprint.route("/listings/<listing_id>/images", methods=["PUT"])
@requires("merchant")
@blueprint.arguments(wares_schemas.PictureOrder)
@blueprint.response(200, schemas.Managed)
def order_listing_images(values: dict[str, Any], listing_id: str) -> Any:
    """Put the pictures into an order, by their digests."""
    return _tagged(galleries.reorder(str(actor().id), _selling(), parsed_id(listing_id), values["order"]))


@blueprint.route("/listings/<listing_id>/images/<digest>", methods=["DELETE"])
@requires("merchant")
@blueprint.response(200, schemas.Managed)
def remove_listing_image(listing_id: str, digest: str) -> Any:
    """Take a picture away; orders placed before keep it."""
    return _tagged(galleries.remove(str(actor().id), _selling(), parsed_id(listing_id), digest))


@blueprint.route("/listings/<listing_id>/versions")
@requires("merchant")
@blueprint.arguments(schemas.PageArguments, location="query")
@blueprint.response(200, wares_schemas.Versions)
def list_listing_versions(args: dict[str, Any], listing_id: str) -> dict[str, Any]:
    """What an own listing said at each of its versions, newest first."""
    return versions.own_page(_own(), parsed_id(listing_id), **args)


@blueprint.route("/listings/<listing_id>/requirements")
@requires("merchant")
@blueprint.response(200, wares_schemas.Requirements)
def list_listing_requirements(listing_id: str) -> dict[str, Any]:
    """What the goods need beside the listing: licences, quarantine, the establishment, caps and remarks of the list."""
    return {"items": listings.needs(_own(), parsed_id(listing_id))}


@blueprint.route("/hs-suggestions")
@requires("merchant")
@blueprint.arguments(wares_schemas.SuggestionArguments, location="query")
@blueprint.response(200, wares_schemas.Suggestions)
def suggest_hs_codes(args: dict[str, Any]) -> dict[str, Any]:
    """Goods codes for words or digits, best first, with what a listing needs to know of each; a person chooses."""
    return hs_suggestions.suggest(**args)


@blueprint.route("/notices")
@requires("merchant")
@blueprint.arguments(wares_schemas.NoticeArguments, location="query")
@blueprint.response(200, wares_schemas.Notices)
def list_merchant_notices(args: dict[str, Any]) -> dict[str, Any]:
    """What the platform has told the merchant, newest first."""
    return notices.own_page(_own(), **args)


@blueprint.route("/notices/<notice_id>/read", methods=["POST"])
@requires("merchant")
@task(rights.READ)
@blueprint.response(200, wares_schemas.Notice)
def read_merchant_notice(notice_id: str) -> dict[str, Any]:
    """Mark a notice as read."""
    return notices.read(_own(), parsed_id(notice_id))


@window.route("/attributes")
@public
@window.arguments(wares_schemas.AttributeArguments, location="query")
@window.response(200, wares_schemas.Attribute(many=True))
def list_attributes(args: dict[str, Any]) -> list[dict[str, Any]]:
    """The attributes that listings of a category may have, and the rule of each."""
    return [attribute.to_dict() for attribute in attributes.of(args["category"]).values()]


@window.route("/images/<digest>-<size>.webp")
@public
@window.response(200, content_type="image/webp")
def read_image(digest: str, size: str) -> Response:
    """A picture of goods in one of its sizes (small, medium, large); what is at an address never changes."""
    answer = Response(pictures.read(digest, size), mimetype="image/webp")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'"
    answer.cache_control.public = True
    answer.cache_control.max_age = 365 * 86400
    answer.cache_control.immutable = True
    return answer
