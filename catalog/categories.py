"""The shelves of the shop: a tree of two levels, read once from `categories.toml`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import declare, invalid

CATEGORY_UNKNOWN = declare("category_unknown", 422, "There is no such category")


@dataclass(frozen=True, slots=True)
class Category:
    """One shelf; a department is its own department."""

    code: str
    zh: str
    en: str
    art: str
    department: str


@functools.cache
def tree() -> list[dict[str, Any]]:
    """The tree as the API shows it: departments in their order, each with its shelves."""
    return [
        {**_node(department), "children": [_node(shelf) for shelf in department["shelves"]]} for department in _read()
    ]


def _node(entry: dict[str, Any]) -> dict[str, Any]:
    return {"code": entry["code"], "name": {"zh": entry["zh"], "en": entry["en"]}, "children": []}


@functools.cache
def _read() -> list[dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "categories.toml").read_text("utf-8"))["department"]


@functools.cache
def _by_code() -> dict[str, Category]:
    found = {}
    for department in _read():
        for entry in (department, *department["shelves"]):
            names = (entry["code"], entry["zh"], entry["en"], entry["art"])
            found[entry["code"]] = Category(*names, department["code"])
    return found


def find(code: str) -> Category:
    """The category of a code. Raises Problem `category_unknown`."""
    found = _by_code().get(code)
    if found is None:
        raise invalid("category", f"must be one of {', '.join(_by_code())}", CATEGORY_UNKNOWN)
    return found


@functools.cache
def usual_codes(code: str) -> tuple[str, ...]:
    """Beginnings of the goods codes that things of a category usually have; a shelf without its own has its
    department's. Raises Problem `category_unknown`."""
    department = find(code).department
    own = {entry["code"]: tuple(entry.get("hs", ())) for node in _read() for entry in (node, *node["shelves"])}
    return own[code] or own[department]


@functools.cache
def between_companies() -> frozenset[str]:
    """The codes of shelves whose things are quoted between companies (equipment, services, resources)."""
    departments = {entry["code"] for entry in _read() if entry.get("between_companies")}
    return frozenset(code for code, shelf in _by_code().items() if shelf.department in departments)


def under(codes: Iterable[str]) -> frozenset[str]:
    """These categories with the shelves of those that are departments."""
    wanted = set(codes)
    return frozenset(wanted | {code for code, shelf in _by_code().items() if shelf.department in wanted})


def words(code: str) -> str:
    """Both names of a category and of its department, for the search."""
    shelf = find(code)
    department = find(shelf.department)
    return " ".join(dict.fromkeys((shelf.zh, shelf.en, department.zh, department.en)))
