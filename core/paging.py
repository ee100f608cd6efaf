"""Keyset pages: a cursor holds the sort key of the last row seen, so pages stay stable under ties and inserts."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from core.errors import invalid
from core.schemas import Pattern, Schema, WholeNumber

LIMIT_DEFAULT, LIMIT_MOST = 24, 100
_NUMBER_MOST = 2**63 - 1  # which a column can hold


class PageArguments(Schema):
    """`limit` (1 to 100, default 24) and `cursor` (from the answer before)."""

    limit = WholeNumber(1, LIMIT_MOST, load_default=LIMIT_DEFAULT)
    cursor = Pattern("[A-Za-z0-9_-]{1,600}", "is not a cursor of this list", load_default=None)


def encode(*key: Any) -> str:
    """The cursor for a sort key of strings and integers."""
    raw = json.dumps(key, separators=(",", ":"), ensure_ascii=True).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The sort key back, checked against the expected types; a foreign cursor is refused with 422."""
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    known = isinstance(key, list) and [type(part) for part in key] == list(kinds)
    if not known or not all(_can_be_held(part) for part in key):
        raise invalid("cursor", "is not a cursor of this list")
    return key


def _can_be_held(part: Any) -> bool:
    """Whether a column can hold it."""
    return "\0" not in part if isinstance(part, str) else abs(part) <= _NUMBER_MOST


def page(rows: Sequence[Any], limit: int, cursor_of: Any) -> tuple[Sequence[Any], str | None]:
    """Cut `limit + 1` fetched rows to a page and the cursor of the next, or None at the end."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor_of(rows[limit - 1])
