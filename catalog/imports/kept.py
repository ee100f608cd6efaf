"""What a listing keeps of an object of which a file has some columns only: `title_zh` leaves the English title."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog.elements import plain_name
from catalog.imports.columns import columns
from catalog.imports.header import Layout

_OBJECTS = ("title", "statutory", "net_content", "least_life")
_TOGETHER = ("title", "net_content")  # one field empty, all of it is: half of it says nothing


class Kept:
    """Completes the bodies of one file."""

    def __init__(self, layout: Layout) -> None:
        there = {column.place[0] for _, column in layout.single}
        self._absent = {name: [column.place[1] for column in columns().values()
                               if column.place[0] == name and column.name not in layout.names]
                        for name in _OBJECTS if name in there}  # fmt: skip
        self._written = {
            parent: {plain_name(name) for _, name in found}
            for parent, found in layout.entries.items()
            if parent not in layout.names
        }

    def complete(self, body: dict[str, Any], kept: Mapping[str, Any]) -> None:
        """Put what has no column into the objects of a row."""
        for name, absent in self._absent.items():
            found = {inner: value for inner in absent if (value := _value(name, inner, kept)) is not None}
            if body[name] and name != "least_life":  # of a least life, what is given stands in place of the other
                body[name] = found | body[name]
            elif not body[name] and found and name not in _TOGETHER:
                body[name] = found
        for parent, written in self._written.items():
            others = {name: text for name, text in dict(kept[parent]).items() if plain_name(name) not in written}
            body[parent] = others | body[parent]


def _value(name: str, inner: str, kept: Mapping[str, Any]) -> Any:
    """A field of an object as the body of POST /listings has it."""
    if name in ("title", "least_life"):
        return kept[f"{name}_{inner}"]
    value = (kept[name] or {}).get(inner)
    return value if value is None or inner == "unit" else Decimal(value)
