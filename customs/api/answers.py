"""Ready answers: plain JSON values built by the services, serialised once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Response, request

from core import paging
from core.errors import invalid
from customs.duty.wording import ENGLISH, LANGUAGES, in_language


def ready(body: Any, status: int = 200, *, location: str | None = None) -> Response:
    """A JSON answer; `location` is the address of what was created."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    answer = Response(text, status, mimetype="application/json")
    if location is not None:
        answer.headers["Location"] = location
    return answer


def in_words(body: Any, wanted: str | None) -> Response:
    """A JSON answer of the engine, its sentences in the language that the query names (`lang`), else in the one that
    the caller prefers (Accept-Language); in English for who says nothing."""
    language = wanted or request.accept_languages.best_match(LANGUAGES, ENGLISH) or ENGLISH
    answer = ready(in_language(body, language))
    answer.content_language.add(language)
    answer.vary.add("Accept-Language")
    return answer


def after_id(cursor: str | None) -> uuid.UUID | None:
    """The id a cursor of a list by id holds. Raises Problem `invalid_input` for a foreign cursor."""
    key = paging.decode(cursor, str)
    try:
        return None if key is None else uuid.UUID(key[0])
    except ValueError:
        raise invalid("cursor", "is not a cursor of this list") from None


def id_page(rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """One page of `limit + 1` fetched rows that are ordered by their id."""
    items, following = paging.page(rows, limit, lambda row: paging.encode(row["id"]))
    return {"items": list(items), "next": following}


def after_newest(cursor: str | None) -> tuple[datetime, uuid.UUID] | None:
    """Instant and id that a cursor of a list by age holds. Raises Problem `invalid_input` for a foreign cursor."""
    key = paging.decode(cursor, str, str)
    try:
        return None if key is None else (datetime.fromisoformat(key[0]), uuid.UUID(key[1]))
    except ValueError:
        raise invalid("cursor", "is not a cursor of this list") from None


def newest_page(rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """One page of `limit + 1` fetched rows, newest first."""
    items, following = paging.page(rows, limit, lambda row: paging.encode(row["created_at"], row["id"]))
    return {"items": list(items), "next": following}
