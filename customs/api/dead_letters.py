"""Dead letters of the single window: seen, and sent again, by the customs desk and operators."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields, validate

from core.errors import invalid
from core.paging import PageArguments
from core.schemas import Choice, Flag, Id, Pattern, Schema, Text
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api.answers import after_id, id_page, ready
from customs.dead_letters import resending, views
from customs.dead_letters.rules import REASONS
from customs.dead_letters.views import Filter

blueprint = Blueprint(
    "dead_letters",
    __name__,
    url_prefix=f"{API_PREFIX}/customs/dead-letters",
    description="Documents for the single window that sending has given up",
)

MANY = 100
_KIND = ("[0-9]{3}", "must be a kind of message such as 621")


class DeadLetterFilter(PageArguments):
    reason = Choice(*REASONS, load_default=None)
    kind = Pattern(*_KIND, load_default=None)
    order = Text(20, load_default=None)


class DeadLetter(Schema):
    id = Id()
    declaration = fields.String(allow_none=True)
    order = fields.String(allow_none=True)
    shipment = fields.String(allow_none=True, metadata={"description": "the crossing of an arrival tally (711)"})
    kind = fields.String()
    guid = fields.String()
    status = fields.String()
    reason = fields.String(metadata={"enum": list(REASONS)})
    since = fields.String()
    first_sent_at = fields.String(allow_none=True)
    tries = fields.Integer()
    last_error = fields.String(allow_none=True)


class DeadLetters(Schema):
    items = fields.List(fields.Nested(DeadLetter))
    next = fields.String(allow_none=True)


class SendingAttempt(Schema):
    at = fields.String()
    transport = fields.String()
    outcome = fields.String()
    detail = fields.String(allow_none=True)


class DeadLetterDetail(DeadLetter):
    attempts = fields.List(fields.Nested(SendingAttempt))


class ResendRequest(Schema):
    """Either `ids`, or `all` with what to choose by."""

    ids = fields.List(Id(), load_default=None, validate=validate.Length(1, MANY))
    all = Flag(load_default=False)
    reason = Choice(*REASONS, load_default=None)
    kind = Pattern(*_KIND, load_default=None)
    order = Text(20, load_default=None)


class Resent(Schema):
    resent = fields.Integer()


@blueprint.route("")
@requires("customs", "operator")
@blueprint.arguments(DeadLetterFilter, location="query")
@blueprint.response(200, DeadLetters)
def list_dead_letters(query: dict[str, Any]) -> Response:
    """Dead letters, newest document first."""
    wanted = Filter(query["reason"], query["kind"], query["order"], after_id(query["cursor"]))
    return ready(id_page(views.listing(wanted, query["limit"] + 1), query["limit"]))


@blueprint.route("/<uuid:document_id>")
@requires("customs", "operator")
@blueprint.response(200, DeadLetterDetail)
def read_dead_letter(document_id: uuid.UUID) -> Response:
    """One dead letter with its last attempts, newest first."""
    return ready(views.one(document_id))


@blueprint.route("/<uuid:document_id>/resend", methods=["POST"])
@requires("customs", "operator")
@blueprint.response(202, Resent)
def resend_dead_letter(document_id: uuid.UUID) -> Response:
    """Send it again, under its guid and byte for byte."""
    resending.resend(document_id, str(actor().id))
    return ready({"resent": 1}, 202)


@blueprint.route("/resend", methods=["POST"])
@requires("customs", "operator")
@blueprint.arguments(ResendRequest)
@blueprint.response(202, Resent)
def resend_dead_letters(body: dict[str, Any]) -> Response:
    """Send again those named, or all that fit; `resent` counts them. Who is no dead letter any more is passed over."""
    if (body["ids"] is None) != body["all"]:
        raise invalid("ids", "name dead letters, or say all")
    by = str(actor().id)
    if body["ids"] is not None:
        return ready({"resent": resending.resend_many(body["ids"], by)}, 202)
    return ready({"resent": resending.ask_for_all(Filter(body["reason"], body["kind"], body["order"]), by)}, 202)
