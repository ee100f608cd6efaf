"""Notices to the floors above: what becomes of an order's declaration, told inside the transaction of the change.

The arrow of imports points down, so whoever wants to hear says so once (`subscribe`), with a gate: the lock the hearer
takes for the order, passed before anything here is locked, so that receipts and cancellations never wait in a ring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from customs.models import Declaration

Callback = Callable[[Session, str, str, dict[str, Any]], None]
Gate = Callable[[Session, str], None]


@dataclass(frozen=True, slots=True)
class _Subscriber:
    callback: Callback
    gate: Gate | None


_subscribers: list[_Subscriber] = []


def subscribe(callback: Callback, *, gate: Gate | None = None) -> None:
    """Hear of every change of an order's declaration: `callback(session, order_number, state, info)`.

    It runs inside the transaction of the change and must not call out. States: `declared`, `held`, `rejected`,
    `released`, `closed`, `cancelled`, `cancel_refused`, `returned`, `return_refused`, `returned_abroad`, `failed` (we
    could not file; a person must look), `retaxed` (filed under a later law with another tax, rule A15), `tax_settled`
    and `tax_void` (what became of a tax bill: `bill`, `tax_no`, `amount_fen`). `info` is JSON:
    `declaration`, `status`, `at` (instant), `detail`; with `released` also `day`, with `returned` `number` (the
    request's) and `lines` as [[line, quantity]], with `retaxed` `charged_fen` and `declared_fen`.
    `gate(session, order_number)` takes the caller's own lock for the order; it runs before anything here is locked.
    """
    if all(known.callback is not callback for known in _subscribers):
        _subscribers.append(_Subscriber(callback, gate))


def pass_gates(session: Session, order_number: str | None) -> None:
    """Take the locks of the floors above; before any lock of ours."""
    for subscriber in _subscribers:
        if subscriber.gate is not None and order_number is not None:
            subscriber.gate(session, order_number)


def announce(session: Session, declaration: Declaration, state: str, **info: Any) -> None:
    """Tell the subscribers; a general trade declaration has no order and nobody to tell."""
    if declaration.order_number is None:
        return
    facts = {"declaration": str(declaration.id), "status": declaration.status, **info}
    for subscriber in _subscribers:
        subscriber.callback(session, declaration.order_number, state, facts)
