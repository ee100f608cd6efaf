"""Listings in the form of the file: the same columns out as in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog.imports.cells import write_texts
from catalog.imports.columns import columns
from core.money import fen_text, plain

# Where the row of a listing keeps what the form calls otherwise.
_KEPT_AS = {"price": "price_fen", "price_per_kg": "kg_price_fen"}
_RECKONED = ("price", "net_weight_kg")  # of goods priced by the kilogram; the form leaves them blank


def headings(language: str = "en") -> list[str]:
    """The headings of all columns."""
    return [column.zh if language == "zh" else column.name for column in columns().values()]


def cells(facts: Mapping[str, Any]) -> list[str]:
    """A listing, given as its row, as the cells of the form."""
    by_weight = facts.get("priced_by") == "kg"
    return ["" if by_weight and column.path in _RECKONED else _text(_value(facts, column.place), column.path)
            for column in columns().values()]  # fmt: skip


def _value(facts: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    if len(place) == 1:
        return facts[_KEPT_AS.get(place[0], place[0])]
    joined = "_".join(place)
    return facts[joined] if joined in facts else (facts[place[0]] or {}).get(place[1])


def _text(value: Any, path: str) -> str:
    if value is None:
        return ""
    if path in _KEPT_AS:
        return fen_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (list, dict)):
        return write_texts({name: text for name, text in dict(value).items() if text})
    return str(value)
