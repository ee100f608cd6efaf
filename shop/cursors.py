"""Keyset pages over time-ordered ids: the cursor is the id of the last row seen."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from core import paging
from core.errors import invalid


def after(cursor: str | None) -> uuid.UUID | None:
    """The id a cursor stands for, or None at the start. Raises Problem `invalid_input` for a foreign cursor."""
    key = paging.decode(cursor, str)
    if key is None:
        return None
    try:
        return uuid.UUID(key[0])
    except ValueError:
        raise invalid("cursor", "is not a cursor of this list") from None


def page(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], str | None]:
    """Cut `limit + 1` fetched rows to a page and the cursor of the next."""
    return paging.page(rows, limit, lambda row: paging.encode(str(row.id)))
