"""The columns of the form: each is one field of POST /listings and is read by that field, under two headings.

Names stand in `columns.toml`; a field that is not named there is a column all the same, under its own name.
"""

from __future__ import annotations

import functools
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import fields

from catalog import categories
from catalog.api import schemas
from catalog.imports import rules

# One text of an object of texts: `element:品牌类型`, `attribute:cut`.
PREFIXES = {"element": "declaration_elements", "要素": "declaration_elements", "attribute": "attributes",
            "属性": "attributes"}  # fmt: skip
SINGULAR = {"declaration_elements": "element", "attributes": "attribute"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `place` leads into the body of POST /listings, `rule` and `rule_zh` say what a cell may hold."""

    name: str
    zh: str
    place: tuple[str, ...]
    field: Any
    required: bool
    rule: str
    rule_zh: str
    example: str

    @property
    def path(self) -> str:
        """The field as refusals of the API name it."""
        return ".".join(self.place)


@functools.cache
def columns() -> dict[str, Column]:
    """All columns by name, in the order of the form."""
    named = {entry["place"]: entry for entry in _named()}
    leaves = dict(_leaves(schemas.NewListing().fields))
    order = [path for path in named if path in leaves] + [path for path in leaves if path not in named]
    needed = schemas.missing_fields({})
    found = [_column(path, leaves[path], named.get(path, {}), needed) for path in order]
    return {column.name: column for column in found}


def _named() -> list[dict[str, str]]:
    text = (Path(__file__).parent / "columns.toml").read_text("utf-8")
    entries: list[dict[str, str]] = tomllib.loads(text)["column"]
    return entries


def _leaves(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of the body, those of an object one by one."""
    for name, field in found.items():
        if isinstance(field, fields.Nested):
            yield from ((f"{name}.{inner}", leaf) for inner, leaf in field.schema.fields.items())
        else:
            yield name, field


def _column(path: str, field: Any, entry: dict[str, str], needed: list[str]) -> Column:
    place = tuple(path.split("."))
    name = entry.get("name", "_".join(place))
    choices = _categories() if path == "category" else None
    rule, rule_zh = rules.of(field, choices)
    return Column(
        name=name,
        zh=entry.get("zh", name),
        place=place,
        field=field,
        required=place[0] in needed,
        rule="; ".join(filter(None, [rule, entry.get("note")])),
        rule_zh="；".join(filter(None, [entry.get("zh_rule", rule_zh), entry.get("zh_note")])),
        example=entry.get("example", ""),
    )


def _categories() -> list[str]:
    return [shelf["code"] for department in categories.tree() for shelf in (department, *department["children"])]


def plain(heading: str) -> str:
    """A heading without the ways of writing it that mean nothing: width, case, spaces around, dots for underscores."""
    text = unicodedata.normalize("NFKC", heading).strip().casefold()
    return text.replace(".", "_").replace(" ", "_")


@functools.cache
def by_heading() -> dict[str, Column]:
    """The columns by every heading they may stand under."""
    found = {}
    for column in columns().values():
        for heading in (column.zh, column.path, column.name):
            found[plain(heading)] = column
    return found


@functools.cache
def names_by_path() -> dict[str, str]:
    """The column that a refusal of the API is about; of a whole object, its first column."""
    found = {column.path: column.name for column in columns().values()}
    for column in columns().values():
        found.setdefault(column.place[0], column.name)
    return found


def told(path: str) -> str:
    """The heading for a field as the API names it: `title.zh` is title_zh, `attributes.cut` is attribute:cut."""
    first, _, rest = path.partition(".")
    if first in SINGULAR and rest:
        return f"{SINGULAR[first]}:{rest}"
    return names_by_path().get(path, path)


def allowed(name: str) -> str:
    """The rule of a column by its heading; nothing where there is no such column."""
    column = columns().get(name) or columns().get(PREFIXES.get(name.partition(":")[0], ""))
    return column.rule if column else ""
