"""Who hears that an upload of payment data was given up; the floors above fill the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

Callback = Callable[[Session, str, dict[str, Any]], None]

_hearers: list[Callback] = []


def subscribe(callback: Callback) -> None:
    """Hear of every upload given up: `callback(session, reason, facts)`, in the transaction that gives it up.

    `reason` is `refused` by customs, `incomplete` on our side, or `unanswered` through all tries. `facts` is JSON:
    `request`, `order`, `attempts`, `answer`.
    """
    if callback not in _hearers:
        _hearers.append(callback)


def tell(session: Session, reason: str, facts: dict[str, Any]) -> None:
    for callback in _hearers:
        callback(session, reason, facts)
