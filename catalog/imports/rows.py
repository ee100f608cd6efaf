"""From the cells of a row to the values of a listing: read by the fields of POST /listings themselves.

marshmallow would take longer for a row than all the rest together, so its fields are picked out once for each file and
their `read` is called for each cell; the rules between fields (`validates_schema`) are called as they stand. A blank
cell empties its field. All faults of a row are collected.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError

from catalog.api import schemas
from catalog.imports import cells as cell_forms
from catalog.imports.columns import Column, told
from catalog.imports.header import Layout
from catalog.imports.kept import Kept
from core.errors import INVALID
from core.schemas import Flag, Text, WholeNumber

_REMEMBERED = 2048  # words of one column: brands, countries, units come again and again
_ONCE = 200  # texts that may be this long hardly do
_SHORT = 500  # characters of a cell that is remembered: with spaces around it, it may be as long as a file
REQUIRED = "is required"


class Fault(NamedTuple):
    """What is wrong with a row: the column, the code of docs/errors.md, the words."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class _Reader:
    """One column, ready to read: `outer` and `inner` say where the value goes, `blank` what an empty cell is."""

    at: int
    name: str
    outer: str
    inner: str | None
    read: Callable[[str], Any]
    blank: Any


MISSING = object()  # an empty cell of a field that a listing needs
_ABSENT = object()  # an empty cell of a field that has a value of its own then


class RowReader:
    """Reads the rows of one file."""

    def __init__(self, layout: Layout) -> None:
        self._readers = [_reader(at, column) for at, column in layout.single]
        self._entries = [_Entries(parent, found) for parent, found in layout.entries.items()]
        self._kept = Kept(layout)
        self._new, self._change = _between(schemas.NewListing()), _between(schemas.ListingChange())
        groups = {column.place[0] for _, column in layout.single if len(column.place) > 1}
        self._groups = {name: (_needed(name), _emptied(name), _between(_nested(name))) for name in groups}

    def read(self, cells: Sequence[str], kept: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[Fault]]:
        """The body of a row, as POST /listings has it when its schema has read it. What stands in no column is not
        there, but for the rest of an object of the listing as it is `kept`; a field that must not be empty and is, is
        MISSING."""
        body: dict[str, Any] = {}
        faults: list[Fault] = []
        for reader in self._readers:
            text = cells[reader.at]
            value = reader.blank
            if text:
                try:
                    value = reader.read(text)
                except ValidationError as fault:
                    if not text.isspace():
                        faults.append(Fault(reader.name, INVALID, str(fault.messages[0])))
            if reader.inner is None:
                if value is not _ABSENT:
                    body[reader.outer] = value
            else:
                group = body.setdefault(reader.outer, {})
                if value is not None:
                    group[reader.inner] = value
        for entries in self._entries:
            entries.read(cells, body, faults)
        if kept is not None:
            self._kept.complete(body, kept)
        for entries in self._entries:
            entries.count(body, faults)
        for name, (needed, emptied, rules) in self._groups.items():
            _close(body, name, needed, emptied, rules, faults)
        return body, faults

    def between(self, body: dict[str, Any], kept: Mapping[str, Any] | None = None) -> list[Fault]:
        """What is wrong between the fields: the rules of POST /listings for a new listing, else those of PATCH."""
        given = {name: value for name, value in body.items() if value is not MISSING}
        faults: list[Fault] = []
        if kept is not None:
            needed = schemas.missing_fields({name: kept[name] for name in kept if name not in body} | given)
            faults = [Fault(told(name), INVALID, REQUIRED) for name in needed if body.get(name) is MISSING]
        return faults + _broken(self._new if kept is None else self._change, given)


def _reader(at: int, column: Column) -> _Reader:
    outer, inner = column.place[0], column.place[1] if len(column.place) > 1 else None
    return _Reader(at, column.name, outer, inner, _reading(column.field), _blank(column))


def _reading(field: Any) -> Callable[[str], Any]:
    """How a cell becomes the value of a field."""
    if isinstance(field, Text) and field.most >= _ONCE:
        return _long_text(field)
    return _remembered(_plain_reading(field))


def _remembered(read: Callable[[str], Any]) -> Callable[[str], Any]:
    known = functools.lru_cache(_REMEMBERED)(read)
    return lambda text: known(text) if len(text) < _SHORT else read(text)


def _long_text(field: Text) -> Callable[[str], Any]:
    if not field.lines:
        return field.read
    return lambda text: field.read(text.replace("\r\n", "\n"))  # as spreadsheets break lines inside cells


def _plain_reading(field: Any) -> Callable[[str], Any]:
    if isinstance(field, schemas.Texts):
        return lambda text: field.read(cell_forms.read_texts(text.strip()))
    if isinstance(field, Flag):
        return lambda text: cell_forms.read_flag(text.strip())
    if isinstance(field, WholeNumber):
        return lambda text: field.deserialize(_whole(text.strip()))
    if isinstance(field, Text):
        read: Callable[[str], Any] = field.read
        return read
    return lambda text: field.read(text.strip())


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else text


def _blank(column: Column) -> Any:
    """What an empty cell makes of a field."""
    if len(column.place) > 1:
        return "" if column.place[0] == "description" else None
    if isinstance(column.field, schemas.Texts):
        return {}
    if isinstance(column.field, Flag):
        return False
    if column.field.allow_none:
        return None
    return MISSING if column.required else _ABSENT


class _Entries:
    """The columns of single texts of an object, added to what the column of all of them says."""

    def __init__(self, parent: str, found: list[tuple[int, str]]) -> None:
        field: Any = schemas.NewListing().fields[parent]
        self._parent, self._found, self._most = parent, found, field.most
        self._read = _remembered(field.text.read)

    def read(self, cells: Sequence[str], body: dict[str, Any], faults: list[Fault]) -> None:
        values = dict(body.get(self._parent) or {})
        for at, name in self._found:
            if not (text := cells[at].strip()):
                continue
            try:
                values[name] = self._read(text)
            except ValidationError as fault:
                faults.append(Fault(told(f"{self._parent}.{name}"), INVALID, str(fault.messages[0])))
        body[self._parent] = values

    def count(self, body: dict[str, Any], faults: list[Fault]) -> None:
        """Hold all of them to how many are kept."""
        if len(body[self._parent]) > self._most:
            faults.append(Fault(self._parent, INVALID, f"at most {self._most} are kept"))


def _nested(name: str) -> Any:
    field: Any = schemas.NewListing().fields[name]
    return field.schema


def _needed(name: str) -> list[str]:
    return [inner for inner, field in _nested(name).fields.items() if field.required]


def _emptied(name: str) -> Any:
    """What an object of no fields is: null where the API takes null, missing where it must be there."""
    if schemas.NewListing().fields[name].allow_none:
        return None
    return MISSING if name in schemas.missing_fields({}) else {}


def _close(
    body: dict[str, Any],
    name: str,
    needed: list[str],
    emptied: Any,
    rules: list[Callable[..., None]],
    faults: list[Fault],
) -> None:
    group = body[name]
    if not group:
        body[name] = emptied
        return
    missing = next((inner for inner in needed if inner not in group), None)
    if missing is not None:
        faults.append(Fault(told(f"{name}.{missing}"), INVALID, REQUIRED))
    faults += _broken(rules, group, name)


def _broken(rules: Sequence[Callable[..., None]], values: Any, path: str = "") -> list[Fault]:
    """What the rules between fields refuse."""
    faults: list[Fault] = []
    for rule in rules:
        try:
            rule(values, partial=False, many=False, unknown="raise")
        except ValidationError as fault:
            faults += _flat(fault.messages, path)
    return faults


def _between(schema: Schema) -> list[Callable[..., None]]:
    """The rules between fields of a schema, as marshmallow keeps them."""
    return [getattr(schema, name) for name, *_ in schema._hooks["validates_schema"]]


def _flat(messages: Any, path: str = "") -> list[Fault]:
    if isinstance(messages, dict):
        return [fault for name, inner in messages.items() for fault in _flat(inner, f"{path}.{name}" if path else name)]
    return [Fault(told(path) or "row", INVALID, str(message)) for message in messages]
