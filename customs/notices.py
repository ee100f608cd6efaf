"""Notices to the floors above: what becomes of an order's declaration, told inside the transaction of the change.

The arrow of imports points down, so whoever wants to hear says so once (`subscribe`), with a gate: the lock the hearer
takes for the order, passed before anything here is locked, so that receipts and cancellations never wait in a ring.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
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
    states: frozenset[str] | None


_subscribers: list[_Subscriber] = []


def subscribe(
    callback: Callback, *, gate: Gate | None = None, first: bool = False, states: Collection[str] | None = None
) -> None:
    """Hear of every change of an order's declaration: `callback(session, order_number, state, info)`.

    It runs inside the transaction of the change and must not call out. States: `declared`, `held` (told again when the
    hold changes), `concluded` (the examination of a held one is over), `rejected`, `refiled` (corrected and filed
    again), `released`, `closed`, `cancelled`, `cancel_refused`, `returned`, `return_refused`, `returned_abroad`,
    `failed` (we could not file; a person must look), `retaxed` (filed under a later law with another tax, rule A15),
    `tax_settled`, `tax_amended` and `tax_void` (what became of a tax bill: `bill`, `tax_no`, `amount_fen`; amended also
    `was_fen`). `info` is JSON: `declaration`, `status`, `at` (instant), `detail`; with `released` also `day`, with
    `returned` `number` (the request's) and `lines` as [[line, quantity]], with `retaxed` `charged_fen` and
    `declared_fen`, `was_fen` (declared before) and `law` (day and edition).
    `gate(session, order_number)` takes the caller's own lock for the order; it runs before anything here is locked.
    `rejected` has `mend_until` (instant) while it can be corrected and filed again; told again without it, it is over.
    `states` are those the caller acts on; what nobody acts on passes without the callers' locks.
    `first` is for who locks the account book: before the lots that the floors above lock when they hear.
    """
    if all(known.callback is not callback for known in _subscribers):
        wanted = None if states is None else frozenset(states)
        _subscribers.insert(0 if first else len(_subscribers), _Subscriber(callback, gate, wanted))


def acted_on(state: str) -> bool:
    """Whether anybody does something when a declaration comes into this state."""
    return any(known.states is None or state in known.states for known in _subscribers)


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
        if subscriber.states is None or state in subscriber.states:
            subscriber.callback(session, declaration.order_number, state, facts)
