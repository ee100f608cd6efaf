"""Form bodies with Stripe's brackets: `metadata[order]=1`, `expand[]=charge`, `items[0][price]=x`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sandboxes.stripe.errors import invalid

DEPTH_MAX = 6
FIELDS_MAX = 500
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_PART = re.compile(r"\[([^\[\]]*)\]")

Tree = dict[str, Any]


def parse(raw: bytes) -> Tree:
    """The nested parameters of one body or query string; lists come as lists, everything else as text."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_MAX, encoding="utf-8", errors="strict"
        )
    except UnicodeDecodeError:
        raise invalid("The parameters are not UTF-8 in form encoding.") from None
    except ValueError:
        raise invalid(f"More than {FIELDS_MAX} parameters in one request.") from None
    tree: Tree = {}
    for key, value in pairs:
        if "\x00" in key or "\x00" in value:
            raise invalid("Parameters must not hold NUL characters.", key.replace("\x00", ""))
        _put(tree, _path(key), value, key)
    return {key: _lists(value) for key, value in tree.items()}


def _path(key: str) -> list[str]:
    match = _KEY.match(key)
    parts = [match[1], *_PART.findall(match[2])] if match else []
    if not parts or len(parts) > DEPTH_MAX:
        raise invalid(f"Invalid parameter name: {key[:80]}", key[:80], "parameter_unknown")
    return parts


def _put(tree: Tree, path: list[str], value: str, key: str) -> None:
    node = tree
    for part in path[:-1]:
        node = node.setdefault(part or _next(node), {})
        if not isinstance(node, dict):
            raise invalid(f"Parameter {key} is given both as a value and as a group.", key)
    last = path[-1] or _next(node)
    if last in node and len(path) > 1:
        raise invalid(f"Parameter {key} is given twice.", key)
    if isinstance(node.get(last), dict):
        raise invalid(f"Parameter {key} is given both as a value and as a group.", key)
    node[last] = value


def _next(node: Tree) -> str:
    """`a[]` appends: it stands for the next free index."""
    return str(len(node))


def _lists(value: Any) -> Any:
    """A group whose keys are 0, 1, 2 ... is a list."""
    if not isinstance(value, dict):
        return value
    if list(value) == [str(i) for i in range(len(value))]:
        return [_lists(item) for item in value.values()]
    return {key: _lists(item) for key, item in value.items()}
