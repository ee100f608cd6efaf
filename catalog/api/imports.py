"""Files of listings: sent, watched, their errors fetched; the empty form, and all listings in the same form."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request

from catalog import merchants
from catalog.api import import_schemas as schemas
from catalog.imports import report, service
from catalog.imports.export import export
from catalog.imports.template import MIMES, template
from core.errors import NOT_FOUND, Problem, invalid
from core.idempotency import attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, Parser, actor, requires
from customs.api.answers import after_id, id_page, ready
from customs.api.assessment_files import upload_digest

blueprint = Blueprint(
    "catalog_imports", __name__, url_prefix=f"{API_PREFIX}/catalog/manage", description="Listings by file"
)

NAME_MOST = 200
_UPLOAD = {
    "required": True,
    "content": {"multipart/form-data": {"schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "CSV or XLSX of listings"},
            "preview": {"type": "string", "enum": ["0", "1"], "description": "1: only look what would happen"},
            "submit": {"type": "string", "enum": ["0", "1"], "description": "1: hand drafts in for review at once"},
        },
    }}},
}  # fmt: skip


def takes_listings(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view whose request may be as large as a file; what is larger is refused while it is read."""

    @functools.wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = service.SIZE_MOST
        return view(*args, **kwargs)

    return run


@blueprint.route("/imports", methods=["POST"])
@requires("merchant")
@takes_listings
@idempotent(required=False, digest=upload_digest)
@blueprint.doc(requestBody=_UPLOAD)
@blueprint.response(202, schemas.Import)
def create_import() -> Response:
    """Send a CSV or XLSX file of listings (form field `file`); a job brings it in row by row. docs/bulk-import.md."""
    merchant_id = merchants.acting_for(actor().id, selling=True)
    found = take(merchant_id, attempt(), Parser().parse(schemas.NewImport(), request, location="form"))
    return ready(found, 202, location=f"{blueprint.url_prefix}/imports/{found['id']}")


def take(merchant_id: uuid.UUID, import_id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    """The uploaded file of this request, taken in. Raises Problem."""
    given = request.files.getlist("file")
    if len(given) != 1 or len(request.files) != 1:
        raise invalid("file", "exactly one file is needed, in the form field `file`")
    stream: Any = given[0].stream
    size = stream.seek(0, 2)
    stream.seek(0)
    name = "".join(filter(str.isprintable, given[0].filename or ""))[-NAME_MOST:] or "listings"
    wanted = service.Wanted(name, preview=values["preview"] == "1", submit=values["submit"] == "1")
    return service.submit(actor().id, merchant_id, import_id, stream, size, wanted)


@blueprint.route("/imports")
@requires("merchant")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Imports)
def list_imports(query: dict[str, Any]) -> Response:
    """Own files, newest first."""
    limit = query["limit"]
    own = merchants.acting_for(actor().id)
    return ready(id_page(service.listing(own, after_id(query["cursor"]), limit + 1), limit))


@blueprint.route("/imports/<uuid:import_id>")
@requires("merchant")
@blueprint.response(200, schemas.Import)
def read_import(import_id: uuid.UUID) -> Response:
    """How far a file is: rows, what became of them, rows a second, seconds left."""
    return ready(service.one(merchants.acting_for(actor().id), import_id))


@blueprint.route("/imports/<uuid:import_id>/errors")
@requires("merchant")
@blueprint.response(200, content_type="text/csv")
def read_import_errors(import_id: uuid.UUID) -> Response:
    """The error report so far: CSV of row (1 is the first after the header), field, code, message, what is allowed."""
    return errors(import_id)


@blueprint.route("/imports/template.<any(csv, xlsx):file_format>")
@requires("merchant")
@blueprint.arguments(schemas.TemplateArguments, location="query")
@blueprint.response(200, content_type="text/csv")
def read_import_template(query: dict[str, Any], file_format: str) -> Response:
    """The empty form with the rules of each column, as CSV or XLSX."""
    return blank(file_format, query["language"])


@blueprint.route("/export")
@requires("merchant")
@blueprint.arguments(schemas.FormArguments, location="query")
@blueprint.response(200, content_type="text/csv")
def export_listings(query: dict[str, Any]) -> Response:
    """All own listings in the form of the import."""
    return exported(query["format"], query["language"])


def errors(import_id: uuid.UUID) -> Response:
    """The error report as a download; what a run has not told yet is not in it."""
    path, size = service.errors_of(merchants.acting_for(actor().id), import_id)
    try:
        file = path.open("rb") if size else None
    except FileNotFoundError:  # removed this moment
        raise Problem(NOT_FOUND) from None

    def parts() -> Iterator[bytes]:
        if file is None:
            yield report.header()
            return
        with file:
            left = size
            while part := file.read(min(left, 1 << 16)):
                left -= len(part)
                yield part

    return _download(parts(), f"errors-{import_id}.csv", MIMES["csv"])


def blank(file_format: str, language: str) -> Response:
    """The empty form as a download."""
    return _download(template(file_format, language), f"listings-template.{file_format}", MIMES[file_format])


def exported(file_format: str, language: str) -> Response:
    """The merchant's listings as a download, never whole in the memory."""
    rows = export(merchants.acting_for(actor().id), file_format, language)
    return _download(rows, f"listings.{file_format}", MIMES[file_format])


def _download(parts: Iterator[bytes], name: str, mime: str) -> Response:
    return Response(parts, mimetype=mime, headers={"Content-Disposition": f'attachment; filename="{name}"'})
