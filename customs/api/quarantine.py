"""Receipts in quarantine: seen, tried again, bound to a document, set aside, by the customs desk and operators."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from core.paging import PageArguments
from core.schemas import Choice, Id, Pattern, Schema, Text
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api.answers import after_id, id_page, ready
from customs.quarantine import deciding, views
from customs.quarantine.views import STATES, Filter

blueprint = Blueprint(
    "quarantine",
    __name__,
    url_prefix=f"{API_PREFIX}/customs/quarantine",
    description="Receipts of the single window that speak of nothing we know",
)


class QuarantineFilter(PageArguments):
    state = Choice(*STATES, load_default="quarantined")
    kind = Pattern("[0-9]{3}", "must be a kind of message such as 622", load_default=None)
    number = Text(60, load_default=None)


class Sought(Schema):
    number = Text(60, load_default=None)


class QuarantinedReceipt(Schema):
    id = Id()
    kind = fields.String()
    key = fields.Dict()
    status = fields.String()
    meaning = fields.Dict()
    info = fields.String(allow_none=True)
    return_time = fields.String()
    state = fields.String(metadata={"enum": list(STATES)})
    reason = fields.String(allow_none=True)
    declaration = fields.String(allow_none=True)
    received_at = fields.String()


class QuarantinedReceipts(Schema):
    items = fields.List(fields.Nested(QuarantinedReceipt))
    next = fields.String(allow_none=True)


class QuarantinedReceiptDetail(QuarantinedReceipt):
    candidates = fields.List(fields.Dict())


class Binding(Schema):
    document = Id(required=True)
    reason = Text(300, required=True)


class SettingAside(Schema):
    reason = Text(300, required=True)


class Taken(Schema):
    receipts = fields.Integer()


@blueprint.route("")
@requires("customs", "operator")
@blueprint.arguments(QuarantineFilter, location="query")
@blueprint.response(200, QuarantinedReceipts)
def list_quarantine(query: dict[str, Any]) -> Response:
    """Receipts in quarantine, or set aside, newest first; `number` is any number they name."""
    wanted = Filter(query["state"], query["kind"], query["number"], after_id(query["cursor"]))
    return ready(id_page(views.listing(wanted, query["limit"] + 1), query["limit"]))


@blueprint.route("/<uuid:receipt_id>")
@requires("customs", "operator")
@blueprint.arguments(Sought, location="query")
@blueprint.response(200, QuarantinedReceiptDetail)
def read_quarantined(query: dict[str, Any], receipt_id: uuid.UUID) -> Response:
    """One receipt, with the documents it could be bound to; `number` is that of an order or document to look for."""
    return ready(views.one(receipt_id, query["number"]))


@blueprint.route("/again", methods=["POST"])
@requires("customs", "operator")
@blueprint.response(202, Taken)
def try_all_again() -> Response:
    """Apply all that are in quarantine again; what finds nothing stays there."""
    return ready({"receipts": deciding.try_all_again(str(actor().id))}, 202)


@blueprint.route("/<uuid:receipt_id>/again", methods=["POST"])
@requires("customs", "operator")
@blueprint.response(202, Taken)
def try_receipt_again(receipt_id: uuid.UUID) -> Response:
    """Apply one again, now that its document may be known."""
    deciding.try_again(receipt_id, str(actor().id))
    return ready({"receipts": 1}, 202)


@blueprint.route("/<uuid:receipt_id>/bind", methods=["POST"])
@requires("customs", "operator")
@blueprint.arguments(Binding)
@blueprint.response(202, Taken)
def bind_receipt(body: dict[str, Any], receipt_id: uuid.UUID) -> Response:
    """Say which of our documents it speaks of."""
    deciding.bind(receipt_id, uuid.UUID(str(body["document"])), str(actor().id), body["reason"])
    return ready({"receipts": 1}, 202)


@blueprint.route("/<uuid:receipt_id>/set-aside", methods=["POST"])
@requires("customs", "operator")
@blueprint.arguments(SettingAside)
@blueprint.response(200, Taken)
def set_receipt_aside(body: dict[str, Any], receipt_id: uuid.UUID) -> Response:
    """Set it aside; it is kept with the reason."""
    deciding.set_aside(receipt_id, str(actor().id), body["reason"])
    return ready({"receipts": 1})
