"""What a handler gets and gives: one authenticated call, and lists as Stripe pages them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandboxes.stripe.errors import invalid
from sandboxes.stripe.store import Object, Transaction

Listing = dict[str, Any]


@dataclass
class Call:
    """One call: path arguments, parameters, and the transaction it runs in, set when the work begins.

    `base` is the sandbox's own address; `publishable` tells that a page asks, with a publishable key.
    """

    path: str
    args: tuple[str, ...]
    params: dict[str, Any]
    base: str
    publishable: bool
    tx: Transaction = field(init=False)


def listed(call: Call, kind: str, keep: Callable[[Object], bool] = lambda found: True) -> Listing:
    """A page of the caller's objects, newest first, with Stripe's cursors and creation filter."""
    asked = call.params
    bounds = asked.get("created") or {}
    found = [each for each in call.tx.newest(kind) if keep(each) and _within(each["created"], bounds)]
    if asked.get("starting_after") and asked.get("ending_before"):
        raise invalid("You can only specify one of these parameters: starting_after, ending_before.", "starting_after")
    limit = asked.get("limit", 10)
    if cursor := asked.get("ending_before"):
        before = found[: _position(found, cursor, "ending_before")]
        page, more = before[-limit:], len(before) > limit
    else:
        start = _position(found, asked["starting_after"], "starting_after") + 1 if asked.get("starting_after") else 0
        page, more = found[start : start + limit], len(found) > start + limit
    return {"object": "list", "data": page, "has_more": more, "url": call.path}


def _position(found: list[Object], cursor: str, param: str) -> int:
    for position, each in enumerate(found):
        if each["id"] == cursor:
            return position
    raise invalid(f"No such object: '{cursor}'", param, "resource_missing")


def _within(instant: int, bounds: dict[str, int]) -> bool:
    return (
        instant > bounds.get("gt", -1)
        and instant >= bounds.get("gte", 0)
        and instant < bounds.get("lt", instant + 1)
        and instant <= bounds.get("lte", instant)
    )
