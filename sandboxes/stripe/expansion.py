"""`expand[]`: ids replaced by the objects they name, `data.` going into each entry of a list."""

from __future__ import annotations

from typing import Any

from sandboxes.stripe.errors import ApiError, invalid
from sandboxes.stripe.store import Transaction, public

DEPTH_MAX = 4
_NEVER = ("id", "object", "client_secret", "url", "status")


def expand(tx: Transaction, result: Any, paths: list[str | None]) -> Any:
    """`result` (already a public copy) with every path expanded; a path that leads nowhere is a 400."""
    for path in paths:
        steps = (path or "").split(".")
        if len(steps) > DEPTH_MAX:
            raise invalid(f"You cannot expand more than {DEPTH_MAX} levels of a property ({path}).", "expand")
        _walk(tx, result, steps, path or "")
    return result


def _walk(tx: Transaction, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for each in node:
            _walk(tx, each, steps, path)
        return
    name = steps[0]
    if not isinstance(node, dict) or name not in node or name in _NEVER:
        raise _cannot(path)
    value = node[name]
    if isinstance(value, str):
        found = tx.find(value)
        if found is None:
            raise _cannot(path)
        value = node[name] = public(found)
    elif not isinstance(value, dict | list) and value is not None:
        raise _cannot(path)
    if len(steps) > 1 and value is not None:
        _walk(tx, value, steps[1:], path)


def _cannot(path: str) -> ApiError:
    return invalid(f"This property cannot be expanded ({path}).", "expand")
