"""Ready answers: bodies are built once as plain JSON values, so serialising is one call and the bytes are stable."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request

from core.schemas import Schema
from core.web import Blueprint


def ready(body: Any, status: int = 200, *, location: str | None = None) -> Response:
    """A JSON answer; `location` is the address of what was created."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    answer = Response(text, status, mimetype="application/json")
    if location is not None:
        answer.headers["Location"] = location
    return answer


def optional_body(schema: Schema) -> dict[str, Any]:
    """The JSON body where a call may come without one; read as strictly as any other."""
    if not request.get_data(cache=True):
        return dict(schema.load({}))
    return dict(Blueprint.ARGUMENTS_PARSER.parse(schema, request, location="json"))


def nothing() -> Response:
    return Response(status=204)
