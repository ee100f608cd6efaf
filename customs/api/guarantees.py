"""Guarantees: read by the customs desk and operators, changed by operators."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from core.idempotency import idempotent
from core.paging import PageArguments
from core.schemas import Choice, Id, Money, Pattern, Schema, Text, WholeNumber
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api.answers import ready
from customs.guarantee import care
from customs.money_models import GUARANTEE_MOVES

blueprint = Blueprint(
    "guarantees",
    __name__,
    url_prefix=f"{API_PREFIX}/customs/guarantees",
    description="Guarantees under which goods are released before their tax is paid",
)


class NewGuarantee(Schema):
    """`code` is the guarantor's customs code; `alert_percent` in use warns (by default 80)."""

    code = Pattern("[0-9A-Z]{10}([0-9A-Z]{8})?", "must be a customs code of 10 or a credit code of 18", required=True)
    name = Text(100, required=True)
    office = Pattern("[0-9]{4}", "must be a customs office of four digits", required=True)
    amount = Money(least=1, most=care.FEN_MOST, required=True)
    alert_percent = WholeNumber(1, 100, load_default=None)


class GuaranteeChange(Schema):
    amount = Money(least=1, most=care.FEN_MOST, required=True)
    reference = Text(200, load_default=None)


class Guarantor(Schema):
    code = fields.String()
    name = fields.String()


class GuaranteeSchema(Schema):
    """`waiting` lists found no room; they are filed by themselves when there is some."""

    id = Id()
    guarantor = fields.Nested(Guarantor)
    office = fields.String()
    amount = Money()
    in_use = Money()
    free = Money()
    percent_in_use = fields.Integer()
    alert_percent = fields.Integer()
    low = fields.Boolean()
    waiting = fields.Integer()
    waiting_tax = Money()


class Guarantees(Schema):
    items = fields.List(fields.Nested(GuaranteeSchema))
    next = fields.String(allow_none=True)


class GuaranteeEntrySchema(Schema):
    at = fields.String()
    kind = Choice(*GUARANTEE_MOVES)
    amount = Money()
    declaration = fields.String(allow_none=True)
    actor = fields.String()
    reference = fields.String(allow_none=True)


class GuaranteeEntries(Schema):
    items = fields.List(fields.Nested(GuaranteeEntrySchema))
    next = fields.String(allow_none=True)


@blueprint.route("")
@requires("customs", "operator")
@blueprint.response(200, Guarantees)
def list_guarantees() -> Response:
    """All guarantees: lodged, in use, left, and what waits for room."""
    return ready({"items": care.listing(), "next": None})


@blueprint.route("", methods=["POST"])
@requires("operator")
@idempotent(required=False)
@blueprint.arguments(NewGuarantee)
@blueprint.response(201, GuaranteeSchema)
def open_guarantee(body: dict[str, Any]) -> Response:
    """Enter what a guarantor has lodged with an office; lists that are under way are kept of it."""
    return ready(care.open_one(str(actor().id), body), 201)


@blueprint.route("/<uuid:guarantee_id>/entries")
@requires("customs", "operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, GuaranteeEntries)
def list_entries(query: dict[str, Any], guarantee_id: uuid.UUID) -> Response:
    """What was lodged, kept and given back, newest first."""
    return ready(care.entries(guarantee_id, query["limit"], query["cursor"]))


@blueprint.route("/<uuid:guarantee_id>/refill", methods=["POST"])
@requires("operator")
@idempotent(required=False)
@blueprint.arguments(GuaranteeChange)
@blueprint.response(200, GuaranteeSchema)
def refill_guarantee(body: dict[str, Any], guarantee_id: uuid.UUID) -> Response:
    """More was lodged; lists that wait for room go on by themselves."""
    return ready(care.refill(str(actor().id), guarantee_id, body["amount"], body["reference"]))


@blueprint.route("/<uuid:guarantee_id>/reduce", methods=["POST"])
@requires("operator")
@idempotent(required=False)
@blueprint.arguments(GuaranteeChange)
@blueprint.response(200, GuaranteeSchema)
def reduce_guarantee(body: dict[str, Any], guarantee_id: uuid.UUID) -> Response:
    """A part was taken back; never of what is in use."""
    return ready(care.reduce(str(actor().id), guarantee_id, body["amount"], body["reference"]))
