"""Calls to the payment provider, each kept raw as it went and came (GACC notices 165 and 179 of 2018).

No transaction is open while Stripe is asked; the exchange is written afterwards, whatever the answer was.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from core import clock, config
from core.database import assert_no_transaction, changes
from core.prepared import Statement
from shop.stripe_gateway import GatewayError, StripeGateway
from shop.stripe_http import Exchange

_gateway: list[Any] = []

Answer = TypeVar("Answer")


def set_gateway(gateway: Any | None) -> None:
    """Put another gateway in the place of Stripe's (tests, measurements); None brings Stripe back."""
    _gateway[:] = [] if gateway is None else [gateway]


def gateway() -> Any:
    if not _gateway:
        settings = config.current()
        _gateway.append(StripeGateway(settings.stripe_secret_key, settings.stripe_api_base))
    return _gateway[0]


def ask(asking: Callable[[Any], Answer]) -> Answer:
    """Ask Stripe outside of any transaction. Raises GatewayUnavailable or GatewayRefused."""
    assert_no_transaction()
    return asking(gateway())


def each(asking: Callable[[Any], Iterable[Answer]]) -> Iterator[Answer]:
    """Go through a list at Stripe, its pages asked for as they are needed, outside of any transaction."""
    pages = iter(ask(asking))
    while True:
        assert_no_transaction()
        try:
            answer = next(pages)
        except StopIteration:
            return
        yield answer


Keep = Callable[[Sequence[Statement]], None]


def call(
    purchase_id: uuid.UUID,
    operation: str,
    asking: Callable[[Any], Answer],
    then: Callable[[Answer], Sequence[Statement]] | None = None,
    keep: Keep = changes,
) -> Answer:
    """Ask Stripe about a purchase and keep the exchange; `then` gives what is written with it. `keep` writes both: at
    once, or where the caller commits anyway.

    Raises GatewayUnavailable or GatewayRefused, their exchange kept too.
    """
    try:
        answer: Any = ask(asking)
    except GatewayError as fault:
        changes([_kept(purchase_id, operation, fault.exchange)])
        raise
    keep([_kept(purchase_id, operation, answer.exchange), *(then(answer) if then else ())])
    return answer


_KEEP = """
    INSERT INTO payment_exchange (purchase_id, at, operation, status, request, response)
    VALUES (%(purchase)s, %(at)s, %(operation)s, %(status)s, %(request)s, %(response)s) RETURNING id
"""


def _kept(purchase_id: uuid.UUID, operation: str, exchange: Exchange) -> Statement:
    texts = {"request": exchange.request, "response": exchange.response.replace("\x00", "")}
    facts = {"purchase": purchase_id, "at": clock.now(), "operation": operation, "status": exchange.status}
    return _KEEP, {**facts, **texts}


def key_of(row_id: uuid.UUID, key_no: int) -> str:
    """The idempotency key of a payment or refund."""
    return f"{row_id}-{key_no}" if key_no else str(row_id)


def spoiled(fault: GatewayError) -> bool:
    """Stripe keeps a 5xx under its key and repeats it for a day: the next try needs another key."""
    return fault.exchange.status is not None and fault.exchange.status >= 500
