"""Files of lines to be assessed: sent, watched, fetched. Everybody signed in has own files; others' are not there."""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Response, request, send_file

from core.errors import Problem, invalid
from core.idempotency import attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, Parser, actor, requires
from customs import assessment_files
from customs.api import law_schemas as schemas
from customs.api.answers import after_id, id_page, ready
from customs.assessments.files.options import CSV, FORMATS, PARQUET, ROUTES, parse_rates
from customs.assessments.retail import RETAIL_MODES

blueprint = Blueprint(
    "assessment_files", __name__, url_prefix=f"{API_PREFIX}/customs", description="Files of lines, assessed by a job"
)

NAME_MOST = 200
MIMES = {CSV: "text/csv", PARQUET: "application/vnd.apache.parquet"}
_UPLOAD = {
    "required": True,
    "content": {"multipart/form-data": {"schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "CSV or Parquet of lines"},
            "route": {"type": "string", "enum": [*ROUTES]},
            "mode": {"type": "string", "enum": [*RETAIL_MODES]},
            "rates": {"type": "string", "example": "USD=7.1,EUR=7.8"},
            "format": {"type": "string", "enum": [*FORMATS]},
        },
    }}},
}  # fmt: skip


def takes_files(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view whose request may be as large as a file; what is larger is refused while it is read."""

    @functools.wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = assessment_files.SIZE_MOST
        return view(*args, **kwargs)

    return run


def upload_digest() -> bytes:
    """What tells one upload from another, whatever the boundary between its parts."""
    digest = hashlib.sha256()
    for name, text in sorted(request.form.items(multi=True)):
        digest.update(f"{name}={text}\0".encode())
    for name, file in sorted(request.files.items(multi=True)):
        digest.update(f"{name}={file.filename}\0".encode())
        digest.update(hashlib.file_digest(file.stream, "sha256").digest())  # type: ignore[arg-type]
        file.stream.seek(0)
    return digest.digest()


@blueprint.route("/assessments/files", methods=["POST"])
@requires()
@takes_files
@idempotent(required=False, digest=upload_digest)
@blueprint.doc(requestBody=_UPLOAD)
@blueprint.response(202, schemas.AssessmentFile)
def create_assessment_file() -> Response:
    """Send a CSV or Parquet file of lines (form field `file`); it is assessed by a job. docs/assessment-files.md."""
    values = Parser().parse(schemas.NewAssessmentFile(), request, location="form")
    found = take(actor().id, attempt(), values)
    return ready(found, 202, location=f"{blueprint.url_prefix}/assessments/files/{found['id']}")


def take(account_id: uuid.UUID, file_id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    """The uploaded file of this request, taken in. Raises Problem."""
    given = request.files.getlist("file")
    if len(given) != 1 or len(request.files) != 1:
        raise invalid("file", "exactly one file is needed, in the form field `file`")
    stream = given[0].stream
    size = stream.seek(0, 2)
    stream.seek(0)
    wanted = assessment_files.Wanted(
        name="".join(filter(str.isprintable, given[0].filename or ""))[-NAME_MOST:] or "lines",
        route=values["route"],
        mode=values["mode"],
        rates=parse_rates(values["rates"]) if values["rates"] else {},
        form=values["format"],
    )
    return assessment_files.submit(account_id, file_id, stream, size, wanted)  # type: ignore[arg-type]


@blueprint.route("/assessments/files")
@requires()
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.AssessmentFiles)
def list_assessment_files(query: dict[str, Any]) -> Response:
    """Own files, newest first."""
    limit = query["limit"]
    return ready(id_page(assessment_files.listing(actor().id, after_id(query["cursor"]), limit + 1), limit))


@blueprint.route("/assessments/files/<uuid:file_id>")
@requires()
@blueprint.response(200, schemas.AssessmentFile)
def read_assessment_file(file_id: uuid.UUID) -> Response:
    """How far a file is, and, when it is done, its totals."""
    return ready(assessment_files.one(actor().id, file_id))


@blueprint.route("/assessments/files/<uuid:file_id>", methods=["DELETE"])
@requires()
@blueprint.response(204)
def delete_assessment_file(file_id: uuid.UUID) -> Response:
    """Remove a file with its result before its time."""
    assessment_files.remove(actor().id, file_id)
    return Response(status=204)


@blueprint.route("/assessments/files/<uuid:file_id>/result")
@requires()
@blueprint.arguments(schemas.ResultArguments, location="query")
@blueprint.response(200, content_type="text/csv")
def read_assessment_file_result(query: dict[str, Any], file_id: uuid.UUID) -> Response:
    """The result, a row for each row of the file; as CSV or Parquet."""
    return result(file_id, query["format"])


@blueprint.route("/assessments/files/<uuid:file_id>/errors")
@requires()
@blueprint.response(200, content_type="text/csv")
def read_assessment_file_errors(file_id: uuid.UUID) -> Response:
    """The error report: CSV of row, field, code, message."""
    return errors(file_id)


def result(file_id: uuid.UUID, form: str) -> Response:
    """The result as a download, never whole in the memory."""
    found = assessment_files.result_of(actor().id, file_id, form)
    name = f"assessed-{file_id}.{form}"
    if isinstance(found, Path):
        return _download(found, name, MIMES[form])
    return Response(found, mimetype=MIMES[CSV], headers={"Content-Disposition": f'attachment; filename="{name}"'})


def errors(file_id: uuid.UUID) -> Response:
    """The error report as a download."""
    return _download(assessment_files.errors_of(actor().id, file_id), f"errors-{file_id}.csv", MIMES[CSV])


def _download(path: Path, name: str, mime: str) -> Response:
    try:
        return send_file(path, mimetype=mime, as_attachment=True, download_name=name)
    except FileNotFoundError:  # removed this moment
        raise Problem("not_found") from None
