"""Values of the messages as they may be shown: what names a person only so far that one recognises it."""

from __future__ import annotations

from decimal import Decimal

from core.money import plain

ABSENT = "–"
_SHOWN_MOST = 60


def shown(path: str, value: object) -> str:
    """The value of an element (`311/buyerName`, or its last part alone), personal ones masked."""
    if value is None or value == "":
        return ABSENT
    text = plain(value) if isinstance(value, Decimal) else str(value)
    element = path.rsplit("/", 1)[-1]
    if element.endswith("IdNumber"):
        return f"{text[:3]}***********{text[-4:]}" if len(text) > 7 else "***"
    if element in ("buyerName", "payerName", "consignee"):
        return f"{text[0]}{'*' * (len(text) - 1)}"
    if element.lower().endswith("telephone"):
        return f"***{text[-4:]}"
    if element == "consigneeAddress":
        return f"{text[:6]}…"
    return text if len(text) <= _SHOWN_MOST else f"{text[: _SHOWN_MOST - 1]}…"
