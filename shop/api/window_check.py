"""What does not agree between orders, declarations, allowance and taxes."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from core.paging import PageArguments
from core.schemas import Choice, Id, Instant, Schema, Text
from core.web import API_PREFIX, Blueprint, actor, requires
from shop.api.answers import ready
from shop.window_check import findings, run
from shop.window_check.kinds import KINDS

blueprint = Blueprint(
    "window_check",
    __name__,
    url_prefix=f"{API_PREFIX}/customs/window-check",
    description="What does not agree between orders and customs",
)


class FindingFilter(PageArguments):
    state = Choice(*findings.STATES, load_default="open")
    kind = Choice(*KINDS, load_default=None)


class Remark(Schema):
    remark = Text(200, required=True)


class WindowFindingSchema(Schema):
    """`detail` holds the figures, amounts in yuan; `action` is what to do about it."""

    id = Id()
    kind = Choice(*KINDS)
    title = fields.String()
    subject = fields.String()
    detail = fields.String()
    action = fields.String()
    first_seen = Instant()
    last_seen = Instant()
    closed_at = Instant(allow_none=True)
    accepted_by = fields.String(allow_none=True)
    remark = fields.String(allow_none=True)


class LastCheck(Schema):
    started_at = Instant()
    finished_at = Instant()
    orders = fields.Integer()
    found = fields.Integer()


class WindowFindings(Schema):
    """`open` counts what is open and not accepted, by kind; `last_check` is null before the first."""

    items = fields.List(fields.Nested(WindowFindingSchema))
    open = fields.Dict()
    last_check = fields.Nested(LastCheck, allow_none=True)
    next = fields.String(allow_none=True)


@blueprint.route("")
@requires("operator", "customs")
@blueprint.arguments(FindingFilter, location="query")
@blueprint.response(200, WindowFindings)
def list_findings(query: dict[str, Any]) -> Response:
    """Findings by kind, the oldest first, with what to do about each."""
    page = findings.page_of(query["state"], query["kind"], query["limit"], query["cursor"])
    return ready(page | {"open": findings.open_by_kind(), "last_check": findings.last_check()})


@blueprint.route("/runs", methods=["POST"])
@requires("operator")
@blueprint.response(202)
def start_check() -> Response:
    """Let the check run now; it runs every night by itself."""
    run.ask_for_check(str(actor().id))
    return ready({"status": "queued"}, 202)


@blueprint.route("/<uuid:finding_id>/accept", methods=["POST"])
@requires("operator")
@blueprint.arguments(Remark)
@blueprint.response(200, WindowFindingSchema)
def accept_finding(body: dict[str, Any], finding_id: uuid.UUID) -> Response:
    """Say why a finding may stay as it is."""
    return ready(findings.accept(str(actor().id), finding_id, body["remark"]))
