"""Who hears that a document was given up; the floors above fill the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

Callback = Callable[[Session, str, dict[str, Any]], None]

_hearers: list[Callback] = []


def subscribe(callback: Callback) -> None:
    """Hear of every dead letter: `callback(session, reason, facts)`, in the transaction that makes it one.

    `facts` is JSON: `declaration` (of a tally: `shipment`), `document`, `kind`, `guid`, `tries`. It must lock nothing
    that a filing locks, since the document is locked already.
    """
    if callback not in _hearers:
        _hearers.append(callback)


def tell(session: Session, reason: str, facts: dict[str, Any]) -> None:
    for callback in _hearers:
        callback(session, reason, facts)
