"""What operators look at: dead jobs and their re-run, and who did what."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from sqlalchemy import select

from core import audit, clock, jobs, paging
from core.database import db, transaction
from core.schemas import Schema, Text
from core.web import API_PREFIX, Blueprint, actor, requires

blueprint = Blueprint("operations", __name__, url_prefix=f"{API_PREFIX}/operations", description="For operators")


class JobSchema(Schema):
    id = fields.Integer()
    task = fields.String()
    attempts = fields.Integer()
    status = fields.String()
    failed_at = fields.String(allow_none=True)


class JobPage(Schema):
    items = fields.List(fields.Nested(JobSchema))
    next = fields.String(allow_none=True)


class AuditSchema(Schema):
    id = fields.Integer()
    at = fields.String()
    actor = fields.String()
    action = fields.String()
    object_type = fields.String()
    object_id = fields.String()
    data = fields.Dict()


class AuditPage(Schema):
    items = fields.List(fields.Nested(AuditSchema))
    next = fields.String(allow_none=True)


class AuditArguments(paging.PageArguments):
    object_id = Text(80, load_default=None)


@blueprint.route("/jobs")
@requires("operator")
@blueprint.arguments(paging.PageArguments, location="query")
@blueprint.response(200, JobPage)
def list_dead_jobs(args: dict[str, Any]) -> dict[str, Any]:
    """Jobs that failed for good, newest first."""
    key = paging.decode(args["cursor"], int)
    rows = jobs.dead_letters(db.session(), after=key[0] if key else None, limit=args["limit"] + 1)
    shown, after = paging.page(rows, args["limit"], lambda row: paging.encode(row["id"]))
    return {"items": shown, "next": after}


@blueprint.route("/jobs/<int:job_id>/retry", methods=["POST"])
@requires("operator")
@blueprint.response(202)
def retry_dead_job(job_id: int) -> dict[str, Any]:
    """Put a failed job back into the queue."""
    with transaction() as session:
        jobs.run_again(session, min(job_id, 2**63 - 1))
        audit.record(session, str(actor().id), "job_retried", "job", str(job_id))
    return {"id": job_id, "status": "todo"}


@blueprint.route("/audit")
@requires("operator")
@blueprint.arguments(AuditArguments, location="query")
@blueprint.response(200, AuditPage)
def list_audit(args: dict[str, Any]) -> dict[str, Any]:
    """Who did what to which record, newest first."""
    key = paging.decode(args["cursor"], int)
    entry = audit.AuditEntry
    statement = select(entry).order_by(entry.id.desc()).limit(args["limit"] + 1)
    if key:
        statement = statement.where(entry.id < key[0])
    if args["object_id"]:
        statement = statement.where(entry.object_id == args["object_id"])
    rows = db.session.scalars(statement).all()
    shown, after = paging.page(rows, args["limit"], lambda row: paging.encode(row.id))
    names = ("id", "actor", "action", "object_type", "object_id", "data")
    items = [{**{name: getattr(row, name) for name in names}, "at": clock.instant_text(row.at)} for row in shown]
    return {"items": items, "next": after}
