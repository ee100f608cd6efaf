"""Accounts, tokens, the person's identity, allowance and addresses."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, request
from flask_limiter.util import get_remote_address

from core import accounts, clock, strict_json
from core.errors import Problem
from core.idempotency import idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, limiter, public, requires
from customs import persons
from shop import addresses, allowance_disputes, profiles
from shop.api import schemas
from shop.api.answers import nothing, ready

blueprint = Blueprint("accounts", __name__, url_prefix=API_PREFIX, description="Accounts, identity, addresses")


def _login_key() -> str:
    """Wrong passwords are counted by who tries and whom: a stranger cannot lock somebody out from elsewhere."""
    try:
        body = strict_json.loads(request.get_data(cache=True))
    except Problem:
        body = None
    email = body.get("email") if isinstance(body, dict) else None
    return f"{get_remote_address()} {str(email)[:254].lower()}"


def _wrong_password(response: Response) -> bool:
    return response.status_code == 401


@blueprint.route("/accounts", methods=["POST"])
@public
@blueprint.arguments(schemas.NewAccount)
@blueprint.response(201, schemas.Account)
def create_account(body: dict[str, Any]) -> Response:
    """Open a consumer account."""
    opened = accounts.register(body["email"], body["password"], body["name"])
    return ready({"id": str(opened.id), "email": opened.email}, 201)


@blueprint.route("/tokens", methods=["POST"])
@public
@limiter.limit("10 per minute", key_func=_login_key, deduct_when=_wrong_password)
@blueprint.arguments(schemas.Login)
@blueprint.response(201, schemas.Token)
def create_token(body: dict[str, Any]) -> Response:
    """A bearer token for address and password; it is shown once."""
    token, expires_at = accounts.issue_token(accounts.check_login(body["email"], body["password"]))
    return ready({"token": token, "expires_at": clock.instant_text(expires_at)}, 201)


@blueprint.route("/tokens/current", methods=["DELETE"])
@requires()
@blueprint.response(204)
def revoke_token() -> Response:
    """End the token this call was made with."""
    token_id = actor().token_id
    if token_id is not None:
        accounts.revoke_token(token_id)
    return nothing()


@blueprint.route("/me")
@requires()
@blueprint.response(200, schemas.Me)
def read_me() -> Response:
    """Who the token belongs to."""
    return ready(profiles.me(actor()))


@blueprint.route("/me/identity", methods=["PUT"])
@requires()
@blueprint.arguments(schemas.NewIdentity)
@blueprint.response(200, schemas.Identity)
def put_identity(body: dict[str, Any]) -> Response:
    """Tell who the person is; a resident identity number with its checksum."""
    return ready(persons.set_identity(actor().id, **body))


@blueprint.route("/me/identity")
@requires()
@blueprint.response(200, schemas.Identity)
def read_identity() -> Response:
    """The person's identity, its number masked."""
    return ready(profiles.identity(actor().id))


@blueprint.route("/me/allowance")
@requires()
@blueprint.arguments(schemas.AllowanceYear, location="query")
@blueprint.response(200, schemas.Allowance)
def read_allowance(query: dict[str, Any]) -> Response:
    """The yearly retail allowance and every entry that used it, in the Beijing year."""
    return ready(profiles.allowance_of(actor().id, query["year"] or clock.today().year))


@blueprint.route("/me/allowance/disputes", methods=["POST"])
@requires()
@idempotent(required=False)
@blueprint.arguments(schemas.NewAllowanceDispute)
@blueprint.response(201, schemas.AllowanceEntry)
def dispute_allowance(body: dict[str, Any]) -> Response:
    """Say that an entry of the allowance was not you: an operator looks into it."""
    return ready(allowance_disputes.dispute(actor(), body["entry"], body["reason"]), 201)


@blueprint.route("/me/addresses")
@requires()
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Addresses)
def list_addresses(query: dict[str, Any]) -> Response:
    """The person's addresses, oldest first."""
    return ready(addresses.page_of(actor().id, **query))


@blueprint.route("/me/addresses", methods=["POST"])
@requires()
@idempotent(required=False)
@blueprint.arguments(schemas.NewAddress)
@blueprint.response(201, schemas.Address)
def add_address(body: dict[str, Any]) -> Response:
    """Keep a new address."""
    added = addresses.add(actor().id, body)
    return ready(added, 201, location=f"{API_PREFIX}/me/addresses/{added['id']}")


@blueprint.route("/me/addresses/<uuid:address_id>")
@requires()
@blueprint.response(200, schemas.Address)
def read_address(address_id: uuid.UUID) -> Response:
    """One own address."""
    return ready(addresses.one_of(actor().id, address_id))


@blueprint.route("/me/addresses/<uuid:address_id>", methods=["PUT"])
@requires()
@blueprint.arguments(schemas.NewAddress)
@blueprint.response(200, schemas.Address)
def replace_address(body: dict[str, Any], address_id: uuid.UUID) -> Response:
    """Write an own address anew."""
    return ready(addresses.change(actor().id, address_id, {"district_code": None, **body}))


@blueprint.route("/me/addresses/<uuid:address_id>", methods=["PATCH"])
@requires()
@blueprint.arguments(schemas.AddressChange)
@blueprint.response(200, schemas.Address)
def change_address(body: dict[str, Any], address_id: uuid.UUID) -> Response:
    """Change some fields of an own address."""
    return ready(addresses.change(actor().id, address_id, body))


@blueprint.route("/me/addresses/<uuid:address_id>", methods=["DELETE"])
@requires()
@blueprint.response(204)
def delete_address(address_id: uuid.UUID) -> Response:
    """Forget an own address; past orders keep their copy."""
    addresses.remove(actor().id, address_id)
    return nothing()
