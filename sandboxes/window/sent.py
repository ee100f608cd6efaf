"""What a caller sent, before anything is made of it."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import request

_STRANGE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def whole_json() -> Any:
    """The JSON of the request; None when there is none, or it holds half a character or is nested without end."""
    try:
        body = request.get_json(force=True, silent=True)
        json.dumps(body, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return None
    return body


def plain(text: object, most: int) -> str:
    """A text that may stand in a receipt and in the journal."""
    return _STRANGE.sub(" ", str(text))[:most]
