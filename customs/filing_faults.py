"""What kept a declaration from being filed, as it is kept and told: each element with its rule and both values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from customs.window.matching import Mismatch
from customs.window.messages import Violation

KEPT_MOST = 50
_WORDS_MOST = 1000


def of(broken: Sequence[Violation | Mismatch]) -> list[dict[str, Any]]:
    """As JSON: {path, rule, values: [[element, value], ...]}; the values are fit to be shown."""
    return [
        {"path": each.path, "rule": each.rule, "values": [list(pair) for pair in getattr(each, "values", ())]}
        for each in broken[:KEPT_MOST]
    ]


def in_words(found: Iterable[Mapping[str, Any]]) -> str:
    """All of them in one line."""
    return "; ".join(_sentence(each) for each in found)[:_WORDS_MOST]


def _sentence(fault: Mapping[str, Any]) -> str:
    values = ", ".join(f"{element} {value}" for element, value in fault["values"])
    return f"{fault['path']}: {fault['rule']}" + (f" ({values})" if values else "")
