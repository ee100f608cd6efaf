"""Forms and filters are read by the same strict fields as the API's bodies; a blank box is a field not given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request
from marshmallow import EXCLUDE, Schema, ValidationError
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from core.errors import Problem
from core.web import Parser
from shop.pages.words import problem_title


class _PageParser(Parser):
    def load_form(self, req: Any, schema: Schema) -> MultiDictProxy:
        return MultiDictProxy(_filled(req.form), schema)

    def load_querystring(self, req: Any, schema: Schema) -> MultiDictProxy:
        return MultiDictProxy(_filled(req.args), schema)


_parser = _PageParser()
_TOLD_MOST = 600  # characters: they travel in the cookie of the session, and a cookie holds four thousand


def _filled(values: MultiDict[str, str]) -> MultiDict[str, str]:
    """What was typed, without spaces around it and without empty boxes."""
    return MultiDict((name, text.strip()) for name, text in values.items(multi=True) if text.strip())


def read_form(schema: Schema) -> dict[str, Any]:
    """The posted form. Raises Problem `invalid_input` naming each field."""
    return dict(_parser.parse(schema, request, location="form", unknown=EXCLUDE))


def read_query(schema: Schema) -> dict[str, Any]:
    """The filters in the address. Raises Problem `invalid_input`; foreign parameters are ignored."""
    return dict(_parser.parse(schema, request, location="query", unknown=EXCLUDE))


def load(schema: Schema, values: dict[str, Any]) -> dict[str, Any]:
    """Values put together by a page, read as the API reads a body. Raises Problem `invalid_input`."""
    try:
        return dict(schema.load(values))
    except ValidationError as fault:
        _parser.handle_error(ValidationError({"form": fault.messages}), request, schema)


def tell(problem: Problem, detail: str | None = None) -> None:
    """Show a refusal on the page the person is sent back to, with its own detail or another."""
    more = detail or (problem.detail if problem.detail != problem.title else "")
    flash(f"{problem_title(problem)} {more[:_TOLD_MOST]}".strip(), "danger")


def take(step: Callable[[], object], done: str, there: str) -> Any:
    """Take a step and go back to `there`, where the person is told that it is done, or why it is refused.

    What is not there, or somebody else's, stays a page of its own: Problem `not_found` passes.
    """
    try:
        step()
    except Problem as problem:
        if problem.status == 404:
            raise
        tell(problem)
    else:
        flash(done, "success")
    return redirect(there, 303)
