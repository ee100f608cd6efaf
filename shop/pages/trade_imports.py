"""The merchant's page of files: listings in by file, with a look beforehand, and out in the same form."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from catalog import merchants
from catalog.api import import_schemas as schemas
from catalog.api import imports as imports_api
from catalog.imports import service
from catalog.imports.template import FORMATS
from core import paging
from core.database import new_id
from core.errors import Problem
from core.web import actor, maybe_actor, requires
from customs.api.answers import after_id, id_page
from customs.assessments.files.problems import COLUMNS_WRONG
from shop.pages import language
from shop.pages.forms import read_form, read_query, tell

pages = Blueprint("trade_imports_pages", __name__, url_prefix="/trade/imports")

_UNDER_WAY = ("queued", "running")
_LONG = 40  # characters of a heading


@pages.url_value_preprocessor
def _take_files(endpoint: str | None, _values: Any) -> None:
    """Runs before the CSRF token is looked for in the form, that is, before the file is read; strangers stay small."""
    who = maybe_actor() if endpoint == "trade_imports_pages.send" else None
    if who is not None and who.has("merchant"):
        request.max_content_length = service.SIZE_MOST


@pages.get("")
@requires("merchant")
def listing() -> str:
    """The form, and own files, newest first; each that is under way is asked after."""
    query = read_query(paging.PageArguments())
    limit = query["limit"]
    own = merchants.acting_for(actor().id)
    result = id_page(service.listing(own, after_id(query["cursor"]), limit + 1), limit)
    return render_template(
        "trade/imports.html",
        result=result,
        formats=FORMATS,
        language=language.word(),
        mark=_mark,
        under_way=_UNDER_WAY,
        size_most=service.SIZE_MOST >> 20,
    )


@pages.post("")
@requires("merchant")
def send() -> Any:
    """Take a file in."""
    try:
        own = merchants.acting_for(actor().id, selling=True)
        imports_api.take(own, new_id(), read_form(schemas.NewImport()))
    except Problem as problem:
        tell(problem, _columns(problem) if problem.code == COLUMNS_WRONG else None)
    else:
        flash(_("The file is taken in."), "success")
    return redirect(url_for("trade_imports_pages.listing"), 303)


def _columns(problem: Problem) -> str:
    """Each wrong column with what is wrong with it; what there is instead stands in the form."""
    return "; ".join(f"{column[:_LONG]}: {texts[0].partition(';')[0]}" for column, texts in problem.errors.items())


@pages.get("/<uuid:import_id>/news")
@requires("merchant")
def news(import_id: uuid.UUID) -> Response:
    """What the open page asks for: whether anything changed, and the changed part."""
    row = service.one(merchants.acting_for(actor().id), import_id)
    html = render_template("trade/_import.html", row=row, under_way=_UNDER_WAY)
    answer = jsonify(mark=_mark(row), html=html, final=row["status"] not in _UNDER_WAY)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _mark(row: dict[str, Any]) -> str:
    """Changes when what the page shows of a file changes."""
    return f"{row['status']}-{row['done']}-{row['percent']}"


@pages.get("/<uuid:import_id>/errors")
@requires("merchant")
def errors(import_id: uuid.UUID) -> Response:
    """The rows that were refused, and why."""
    return imports_api.errors(import_id)


@pages.get("/template")
@requires("merchant")
def template() -> Response:
    """The empty form with its rules."""
    wanted = read_query(schemas.FormArguments())
    return imports_api.blank(wanted["format"], wanted["language"])


@pages.get("/export")
@requires("merchant")
def export() -> Response:
    """All own listings in the form of the import."""
    wanted = read_query(schemas.FormArguments())
    return imports_api.exported(wanted["format"], wanted["language"])
