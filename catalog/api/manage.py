"""The merchant's side: each call acts for the merchant of the person who asks; what others own is not there."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from catalog import listings, merchants, rights
from catalog.api import inputs, schemas
from catalog.api.acting import task
from catalog.api.window import parsed_id
from core.errors import Problem, declare
from core.idempotency import idempotent
from core.web import API_PREFIX, Blueprint, actor, requires

blueprint = Blueprint(
    "catalog_manage", __name__, url_prefix=f"{API_PREFIX}/catalog/manage", description="The merchant's side"
)

IF_MATCH_MISSING = declare("if_match_required", 428, "This change needs an If-Match header with the ETag you read")

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"\Z', re.ASCII)


def _selling() -> Any:
    return merchants.acting_for(actor().id, selling=True)


def _tagged(found: dict[str, Any], status: int = 200) -> tuple[dict[str, Any], int, dict[str, str]]:
    headers = {"ETag": f'"{found["version"]}"'}
    if status == 201:
        headers["Location"] = f"{blueprint.url_prefix}/listings/{found['id']}"
    return found, status, headers


def _expected_version() -> int | None:
    """The version of If-Match; None for `*`. Raises Problem `if_match_required`, `version_changed`."""
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise Problem(IF_MATCH_MISSING)
    if header == "*":
        return None
    match = _ETAG.match(header)
    if match is None:
        raise Problem(listings.STALE, "If-Match holds no ETag of this listing")
    return int(match[1])


@blueprint.route("/merchant")
@requires()
@blueprint.response(200, schemas.Merchant)
def read_own_merchant() -> dict[str, Any]:
    """The merchant you act for, with the state of its admission."""
    return merchants.own(actor().id)


@blueprint.route("/merchant", methods=["PATCH"])
@requires("merchant")
@task(rights.MEMBERS)
@blueprint.arguments(schemas.MerchantChange)
@blueprint.response(200, schemas.Merchant)
def change_own_merchant(values: dict[str, Any]) -> dict[str, Any]:
    """Change contact or account; what an operator has examined stays."""
    return merchants.change_own(actor().id, merchants.acting_for(actor().id), values)


@blueprint.route("/listings")
@requires("merchant")
@blueprint.arguments(schemas.ManagedArguments, location="query")
@blueprint.response(200, schemas.ManagedPage)
def list_managed_listings(args: dict[str, Any]) -> dict[str, Any]:
    """Own listings in every state, newest first."""
    return listings.managed_page(merchants.acting_for(actor().id), args.pop("status", None), **args)


@blueprint.route("/listings", methods=["POST"])
@requires("merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.NewListing)
@blueprint.response(201, schemas.Managed)
def create_listing(values: dict[str, Any]) -> Any:
    """Write a draft; a closed code, a code off the positive list or a banned origin is refused at once."""
    return _tagged(listings.create(str(actor().id), _selling(), inputs.listing_values(values)), 201)


@blueprint.route("/listings/<listing_id>")
@requires("merchant")
@blueprint.response(200, schemas.Managed)
def read_managed_listing(listing_id: str) -> Any:
    """One own listing with its ETag."""
    return _tagged(listings.managed(merchants.acting_for(actor().id), parsed_id(listing_id)))


@blueprint.route("/listings/<listing_id>", methods=["PATCH"])
@requires("merchant")
@blueprint.arguments(schemas.ListingChange)
@blueprint.response(200, schemas.Managed)
def change_listing(values: dict[str, Any], listing_id: str) -> Any:
    """Change some fields; If-Match carries the ETag that was read."""
    target, version = parsed_id(listing_id), _expected_version()
    changes = inputs.listing_values(values)
    return _tagged(listings.change(str(actor().id), _selling(), target, version, changes))


@blueprint.route("/listings/<listing_id>/submit", methods=["POST"])
@requires("merchant")
@blueprint.response(200, schemas.Managed)
def submit_listing(listing_id: str) -> Any:
    """Hand a listing in for review; everything a filing will need must be there."""
    return _tagged(listings.move(str(actor().id), _selling(), parsed_id(listing_id), "submit"))


@blueprint.route("/listings/<listing_id>/publish", methods=["POST"])
@requires("merchant")
@blueprint.response(200, schemas.Managed)
def publish_listing(listing_id: str) -> Any:
    """Put a reviewed listing into the shop (again)."""
    return _tagged(listings.move(str(actor().id), _selling(), parsed_id(listing_id), "publish"))


@blueprint.route("/listings/<listing_id>/withdraw", methods=["POST"])
@requires("merchant")
@blueprint.response(200, schemas.Managed)
def withdraw_listing(listing_id: str) -> Any:
    """Take a listing out of the shop; orders placed before stand."""
    return _tagged(listings.move(str(actor().id), merchants.acting_for(actor().id), parsed_id(listing_id), "withdraw"))
