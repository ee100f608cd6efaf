"""Files of lines: send one, watch it, fetch what came of it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core import paging
from core.database import new_id
from core.errors import Problem
from core.web import actor, maybe_actor, requires
from customs import assessment_files
from customs.api import assessment_files as files_api
from customs.api.answers import after_id, id_page
from customs.api.law_schemas import NewAssessmentFile, ResultArguments
from customs.assessments.files.options import FORMATS, ROUTES
from shop.pages import words
from shop.pages.forms import read_form, read_query, tell

pages = Blueprint("file_pages", __name__, url_prefix="/law/files")


@pages.url_value_preprocessor
def _take_files(endpoint: str | None, _values: Any) -> None:
    """Runs before the CSRF token is looked for in the form, that is, before the file is read; strangers stay small."""
    if endpoint == "file_pages.send" and maybe_actor() is not None:
        request.max_content_length = assessment_files.SIZE_MOST


@pages.get("")
@requires()
def listing() -> str:
    """The form, and own files, newest first; the page looks again while one is under way."""
    query = read_query(paging.PageArguments())
    limit = query["limit"]
    result = id_page(assessment_files.listing(actor().id, after_id(query["cursor"]), limit + 1), limit)
    return render_template(
        "law/files.html",
        result=result,
        routes=[(route, words.FILTERS["route"](route)) for route in ROUTES],
        formats=FORMATS,
        under_way=any(row["status"] in ("queued", "running") for row in result["items"]),
        size_most=assessment_files.SIZE_MOST >> 20,
        days=assessment_files.KEEP.days,
    )


@pages.post("")
@requires()
def send() -> Any:
    """Take a file in."""
    try:
        files_api.take(actor().id, new_id(), read_form(NewAssessmentFile()))
    except Problem as problem:
        tell(problem)
    else:
        flash(_("The file is taken in."), "success")
    return redirect(url_for("file_pages.listing"), 303)


@pages.get("/<uuid:file_id>/result")
@requires()
def result(file_id: uuid.UUID) -> Response:
    """What came of a file."""
    return files_api.result(file_id, read_query(ResultArguments())["format"])


@pages.get("/<uuid:file_id>/errors")
@requires()
def errors(file_id: uuid.UUID) -> Response:
    """The rows that failed, and why."""
    return files_api.errors(file_id)


@pages.post("/<uuid:file_id>/remove")
@requires()
def remove(file_id: uuid.UUID) -> Any:
    """Forget a file before its time."""
    assessment_files.remove(actor().id, file_id)
    flash(_("The file is removed."), "success")
    return redirect(url_for("file_pages.listing"), 303)
