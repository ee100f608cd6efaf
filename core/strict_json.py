"""JSON as a bank reads it: UTF-8 only, no NaN or Infinity, no duplicate keys, bounded depth, numbers never as float.

The standard reader accepts all of these silently; each has hurt somebody (fault list C3).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from core.errors import Problem, declare

MALFORMED = declare("malformed_json", 400, "The body is not JSON")
UNSAFE = declare("unsafe_json", 422, "The JSON holds something that cannot be read in one way only")

DEPTH_MAX = 32


def _refuse(what: str) -> NoReturn:
    raise Problem(UNSAFE, what, errors={"body": [what]})


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        _refuse(f"the key {double!r} stands twice in one object")
    return found


def _check_depth(text: str) -> None:
    """A cheap bound before parsing: nesting never exceeds the surplus of opening brackets outside strings."""
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                _refuse(f"nested deeper than {DEPTH_MAX} levels")
        elif char in "]}":
            depth -= 1


def loads(raw: bytes | str) -> Any:
    """Parse or raise Problem: `malformed_json` (400) or `unsafe_json` (422). Fractions come as Decimal."""
    if isinstance(raw, bytes):
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            _refuse("the body is not UTF-8")
    else:
        text = raw
    if text.startswith("\ufeff"):
        _refuse("the body starts with a byte order mark")
    if "\x00" in text:
        _refuse("the body holds NUL characters")
    if text.count("[") + text.count("{") > DEPTH_MAX:
        _check_depth(text)
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=Decimal, object_pairs_hook=_unique)
    except json.JSONDecodeError as fault:
        raise Problem(MALFORMED, f"{fault.msg} at line {fault.lineno}, column {fault.colno}") from None
    except ValueError:
        _refuse("a number is too long")
