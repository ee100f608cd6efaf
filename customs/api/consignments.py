"""General trade consignments of merchants and of the desk."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.accounts import FORBIDDEN
from core.errors import Problem, invalid
from core.idempotency import idempotent
from core.web import API_PREFIX, Blueprint, actor, requires
from customs import consignments, declaration_views
from customs.api import schemas
from customs.api.answers import after_newest, newest_page, ready
from customs.consignments import Importer
from customs.reports import access

blueprint = Blueprint(
    "consignments", __name__, url_prefix=f"{API_PREFIX}/customs", description="General trade consignments"
)


@blueprint.route("/consignments")
@requires("customs", "merchant")
@blueprint.arguments(schemas.DeclarationFilter(exclude=("kind", "order")), location="query")
@blueprint.response(200, schemas.Declarations)
def list_consignments(query: dict[str, Any]) -> Response:
    """Consignments, newest first; a merchant sees its own."""
    wanted = declaration_views.Filter(
        kind=consignments.KIND,
        status=query.get("status"),
        first=query["first"],
        last=query["last"],
        merchant_id=_owner() or query["merchant"],
        after=after_newest(query["cursor"]),
    )
    return ready(newest_page(declaration_views.listing(wanted, query["limit"] + 1), query["limit"]))


@blueprint.route("/consignments", methods=["POST"])
@requires("customs", "merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.NewConsignment)
@blueprint.response(201, schemas.Consignment)
def create_consignment(body: dict[str, Any]) -> Response:
    """Assess a consignment and keep it as a draft."""
    made = consignments.create(str(actor().id), _importer(body), body)
    return ready(made, 201, location=f"{API_PREFIX}/customs/consignments/{made['id']}")


@blueprint.route("/consignments/<uuid:consignment_id>")
@requires("customs", "merchant")
@blueprint.response(200, schemas.Consignment)
def read_consignment(consignment_id: uuid.UUID) -> Response:
    """One consignment with its lines, taxes and missing documents."""
    return ready(consignments.detail(consignment_id, _owner()))


@blueprint.route("/consignments/<uuid:consignment_id>/file", methods=["POST"])
@requires("customs", "merchant")
@idempotent(required=True)
@blueprint.response(200, schemas.Consignment)
def file_consignment(consignment_id: uuid.UUID) -> Response:
    """Declare a draft under today's law; it needs the documents its goods need."""
    return ready(consignments.file(str(actor().id), consignment_id, None, _owner()))


@blueprint.route("/consignments/<uuid:consignment_id>/release", methods=["POST"])
@requires("customs")
@idempotent(required=False)
@blueprint.response(200, schemas.Consignment)
def release_consignment(consignment_id: uuid.UUID) -> Response:
    """Customs let the goods go today."""
    return ready(consignments.release(str(actor().id), consignment_id))


def _owner() -> uuid.UUID | None:
    """The merchant whose rows are shown; None for the desk, which sees all."""
    who = actor()
    if who.has("customs"):
        return None
    own = access.merchant_of(who.id)
    if own is None:
        raise Problem(FORBIDDEN, "this account acts for no merchant")
    return own


def _importer(body: dict[str, Any]) -> Importer:
    """A merchant imports for itself; the desk says for whom."""
    own = _owner()
    merchant_id = own or body["merchant_id"]
    if own is not None and body["merchant_id"] not in (None, own):
        raise Problem(FORBIDDEN, "a merchant imports for itself")
    known = access.merchant_name(merchant_id) if merchant_id is not None else None
    name = known or body["merchant_name"]
    if name is None:
        raise invalid("merchant_name", "is required: who imports the goods")
    return Importer(merchant_id, name)
