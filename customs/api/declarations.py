"""Declarations for the desk, and the door for receipts of the single window."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Response, request

from core import config, strict_json
from core.accounts import UNAUTHENTICATED
from core.errors import Problem
from core.web import API_PREFIX, MEDIA_TYPE, Blueprint, actor, public, requires
from customs import declaration_views, receipts
from customs.api import correcting_schemas, schemas
from customs.api.answers import after_id, after_newest, id_page, newest_page, ready
from customs.correcting import giving_up, refiling
from customs.window.messages import BYTES_MAX
from customs.window.transport import EnvelopeUnreadable, open_envelope

blueprint = Blueprint(
    "declarations", __name__, url_prefix=f"{API_PREFIX}/customs", description="Declarations and receipts"
)

_XML = ("application/xml", "text/xml")


@blueprint.route("/declarations")
@requires("customs")
@blueprint.arguments(schemas.DeclarationFilter, location="query")
@blueprint.response(200, schemas.Declarations)
def list_declarations(query: dict[str, Any]) -> Response:
    """Declarations, newest first; `from` and `to` are Beijing days of opening."""
    wanted = declaration_views.Filter(
        status=query.get("status"),
        kind=query.get("kind"),
        first=query["first"],
        last=query["last"],
        order=query["order"],
        merchant_id=query["merchant"],
        after=after_newest(query["cursor"]),
    )
    return ready(newest_page(declaration_views.listing(wanted, query["limit"] + 1), query["limit"]))


@blueprint.route("/declarations/<uuid:declaration_id>")
@requires("customs")
@blueprint.response(200, schemas.DeclarationDetail)
def read_declaration(declaration_id: Any) -> Response:
    """One declaration: its documents at customs, its lines, and our taxes beside customs' bill."""
    return ready(declaration_views.detail(declaration_id))


@blueprint.route("/declarations/<uuid:declaration_id>/file", methods=["POST"])
@requires("customs")
@blueprint.response(202, schemas.Declaration)
def file_declaration(declaration_id: Any) -> Response:
    """File again what failed or what customs sent back, with `{reason, changes}` or no body.

    `changes` holds fields of the order and `lines`: [{line, ...}]; `correcting.fields` of the declaration names them.
    """
    body = correcting_schemas.correction()
    refiling.file_again(declaration_id, str(actor().id), body["changes"], body["reason"])
    return ready(declaration_views.detail(declaration_id), 202)


@blueprint.route("/declarations/<uuid:declaration_id>/give-up", methods=["POST"])
@requires("customs")
@blueprint.arguments(correcting_schemas.GivingUp)
@blueprint.response(200, schemas.Declaration)
def give_up_declaration(body: dict[str, Any], declaration_id: Any) -> Response:
    """Give up what customs sent back: its order is cancelled and refunded."""
    giving_up.give_up(declaration_id, str(actor().id), body["reason"])
    return ready(declaration_views.detail(declaration_id))


@blueprint.route("/receipts")
@requires("customs", "operator")
@blueprint.arguments(schemas.ReceiptFilter, location="query")
@blueprint.response(200, schemas.Receipts)
def list_receipts(query: dict[str, Any]) -> Response:
    """Receipts, newest first, quarantined ones among them."""
    rows = receipts.listing(query.get("state"), after_id(query["cursor"]), query["limit"] + 1)
    return ready(id_page(rows, query["limit"]))


@blueprint.route("/receipts", methods=["POST"])
@public
@blueprint.response(202, schemas.ReceiptTaken)
def receive_receipt() -> Response:
    """A receipt of the single window, raw XML or in its JSON envelope, with the window's own token."""
    _check_token()
    request.max_content_length = 2 * BYTES_MAX
    return ready(receipts.store(_message()), 202)


def _check_token() -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = config.current().receipt_token
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), expected.encode()):
        raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})


def _message() -> bytes:
    if request.mimetype in _XML:
        return request.get_data(cache=False)
    if request.mimetype != "application/json":
        raise Problem(MEDIA_TYPE, "a receipt is application/xml, or application/json with the window's envelope")
    try:
        return open_envelope(strict_json.loads(request.get_data(cache=False)))
    except EnvelopeUnreadable as fault:
        raise Problem(receipts.UNREADABLE, str(fault)) from None
