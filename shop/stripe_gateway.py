"""The one door to Stripe: our few calls, each within a time budget, each with the bytes it exchanged.

Customs may ask for the payment's original request and answer (announcement 165 of 2018), so every result, and every
error, carries its `exchange`. Two kinds of error: `GatewayRefused` - Stripe looked at this very request and said no;
`GatewayUnavailable` - the outcome is unknown, ask again under the same idempotency key or re-read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import stripe

from core import strict_json
from core.errors import Problem
from shop import stripe_objects as objects
from shop.stripe_connect import ConnectCalls
from shop.stripe_http import BudgetedClient, Exchange
from shop.stripe_objects import Dispute, Intent, Refund, Transfer

TIMEOUT_SECONDS = 8.0  # one try; two tries and the pause between stay under 20 s, and a worker has 30 (faults C1)
RETRIES = 1
PAGE_SIZE = 100
_EXPAND = ["latest_charge", "payment_method"]
_Answer = TypeVar("_Answer")

# Off, or the SDK writes an identifier into the home folder and sends timings of earlier calls along.
stripe.enable_telemetry = False


class GatewayError(Exception):
    """A call that gave no usable answer; `exchange` holds what went over the wire."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(message)
        self.exchange = exchange


class GatewayUnavailable(GatewayError):
    """No answer, a broken one, 5xx, 409, 429, or our key is not accepted: nothing is known about the outcome."""


class GatewayRefused(GatewayError):
    """Stripe's final no to this request: `code` is its word (`card_declined`, `resource_missing`, ...)."""

    def __init__(self, code: str, message: str, exchange: Exchange) -> None:
        super().__init__(f"{code}: {message}", exchange)
        self.code = code
        self.message = message


class StripeGateway(ConnectCalls):
    """Stripe at `api_base`; threads may share one. Any call raises GatewayRefused or GatewayUnavailable."""

    def __init__(self, api_key: str, api_base: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        base = api_base.rstrip("/")
        self._http = BudgetedClient(base, timeout_seconds)
        self._budget = timeout_seconds * (RETRIES + 1) + 1
        self._client = stripe.StripeClient(
            api_key, base_addresses={"api": base}, http_client=self._http, max_network_retries=RETRIES
        ).v1

    def create_intent(
        self,
        amount_fen: int,
        currency: str,
        idempotency_key: str,
        metadata: Mapping[str, str],
        description: str,
        method_types: Sequence[str],
        *,
        hold: bool = False,
    ) -> Intent:
        """A new PaymentIntent of `amount_fen`; the same key gives the same intent for at least a day. With `hold` a
        card's money is only held, to be captured later.

        The amount and currency of the answer are what Stripe says: compare them.
        """
        key = _key(idempotency_key)
        asked: Any = {
            "amount": amount_fen,
            "currency": currency,
            "metadata": dict(metadata),
            "description": description,
            "payment_method_types": list(method_types),
        }
        if hold:
            asked["capture_method"] = "manual"
        return self._ask(objects.intent, lambda: self._client.payment_intents.create(asked, key))

    def retrieve_intent(self, intent_id: str) -> Intent:
        """The intent as it stands, with charge and payment method expanded."""
        return self._ask(
            objects.intent, lambda: self._client.payment_intents.retrieve(intent_id, {"expand": list(_EXPAND)})
        )

    def cancel_intent(self, intent_id: str, idempotency_key: str, reason: str = "abandoned") -> Intent:
        """End an unpaid or merely held intent. Refused with `payment_intent_unexpected_state` once it is paid."""
        key = _key(idempotency_key)
        asked: Any = {"cancellation_reason": reason, "expand": list(_EXPAND)}
        return self._ask(objects.intent, lambda: self._client.payment_intents.cancel(intent_id, asked, key))

    def capture(self, intent_id: str, amount_fen: int, idempotency_key: str) -> Intent:
        """Take `amount_fen` of a held card payment, once; the rest is released."""
        key = _key(idempotency_key)
        asked: Any = {"amount_to_capture": amount_fen, "expand": list(_EXPAND)}
        return self._ask(objects.intent, lambda: self._client.payment_intents.capture(intent_id, asked, key))

    def refund(self, intent_id: str, amount_fen: int, idempotency_key: str, metadata: Mapping[str, str]) -> Refund:
        """Give back part of what was captured; refused when it would exceed what is left."""
        key = _key(idempotency_key)
        asked: Any = {"payment_intent": intent_id, "amount": amount_fen, "metadata": dict(metadata)}
        return self._ask(objects.refund, lambda: self._client.refunds.create(asked, key))

    def retrieve_refund(self, refund_id: str) -> Refund:
        return self._ask(objects.refund, lambda: self._client.refunds.retrieve(refund_id))

    def retrieve_dispute(self, dispute_id: str) -> Dispute:
        return self._ask(objects.dispute, lambda: self._client.disputes.retrieve(dispute_id))

    def transfer(
        self,
        amount_fen: int,
        currency: str,
        destination: str,
        idempotency_key: str,
        metadata: Mapping[str, str],
        *,
        group: str | None = None,
    ) -> Transfer:
        """Pay a merchant: move money from our balance to the account `destination`; `group` finds it again."""
        key = _key(idempotency_key)
        asked: Any = {
            "amount": amount_fen,
            "currency": currency,
            "destination": destination,
            "metadata": dict(metadata),
        }
        if group is not None:
            asked["transfer_group"] = group
        return self._ask(objects.transfer, lambda: self._client.transfers.create(asked, key))

    def reverse_transfer(self, transfer_id: str, amount_fen: int, idempotency_key: str) -> Transfer:
        """Take back part of a transfer; gives the transfer as it stands then."""
        key = _key(idempotency_key)
        asked: Any = {"amount": amount_fen, "expand": ["transfer"]}

        def read(data: Mapping[str, Any], exchange: Exchange) -> Transfer:
            return objects.transfer(data["transfer"], exchange)

        return self._ask(read, lambda: self._client.transfers.reversals.create(transfer_id, asked, key))

    def create_account(
        self,
        email: str,
        idempotency_key: str,
        metadata: Mapping[str, str],
        *,
        bank: Mapping[str, str] | None = None,
    ) -> str:
        """The id of a new connected account that may receive transfers and pays out when we say so, to `bank`
        ({holder, account}) when the merchant has named one."""
        key = _key(idempotency_key)
        asked: Any = {
            "type": "express",
            "country": "CN",
            "email": email,
            "capabilities": {"transfers": {"requested": True}},
            "settings": {"payouts": {"schedule": {"interval": "manual"}}},
            "metadata": dict(metadata),
        }
        if bank is not None:
            facts = {"account_number": bank["account"], "account_holder_name": bank["holder"]}
            asked["external_account"] = {"object": "bank_account", "country": "CN", "currency": "cny", **facts}
        return self._ask(
            lambda data, exchange: objects.text(data, "id"),
            lambda: self._client.accounts.create(asked, key),
        )

    def list_intents(self, created_after: int) -> Iterator[Intent]:
        """All intents created at or after that instant (seconds since 1970), newest first, charges expanded.

        Fetched page by page while it is read, each page in a budget of its own.
        """
        asked = {"created": {"gte": created_after}, "expand": ["data.latest_charge"]}
        yield from self._pages(objects.intent, self._client.payment_intents.list, asked)

    def list_refunds(self, intent_id: str) -> Iterator[Refund]:
        """All refunds of an intent, newest first: how to find out what became of one whose answer was lost."""
        yield from self._pages(objects.refund, self._client.refunds.list, {"payment_intent": intent_id})

    def list_charge_refunds(self, charge_id: str) -> Iterator[Refund]:
        """All refunds of a charge, newest first."""
        yield from self._pages(objects.refund, self._client.refunds.list, {"charge": charge_id})

    def list_disputes(self, created_after: int) -> Iterator[Dispute]:
        """All disputes opened at or after that instant, newest first."""
        yield from self._pages(objects.dispute, self._client.disputes.list, {"created": {"gte": created_after}})

    def close(self) -> None:
        self._http.close()

    def _pages(
        self, read: Callable[[Mapping[str, Any], Exchange], _Answer], fetch: Callable[..., Any], asked: dict[str, Any]
    ) -> Iterator[_Answer]:
        cursor: dict[str, Any] = {}
        while True:
            asked_now = {**asked, **cursor, "limit": PAGE_SIZE}
            found, last, more = self._ask(_page_of(read), lambda now=asked_now: fetch(now))  # type: ignore[misc]
            yield from found
            if not more or last is None:
                return
            cursor = {"starting_after": last}

    def _ask(self, read: Callable[[Mapping[str, Any], Exchange], _Answer], call: Callable[[], Any]) -> _Answer:
        """Make one call in its budget, and read its answer from the bytes that came."""
        with self._http.within(self._budget) as exchange:
            try:
                call()
            except stripe.StripeError as fault:
                raise _mapped(fault, exchange) from None
            except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
                raise GatewayUnavailable("The answer is not in Stripe's form.", exchange) from None
        try:
            data = strict_json.loads(exchange.response)
            if not isinstance(data, dict):
                raise ValueError("not an object")
            return read(data, exchange)
        except (Problem, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise GatewayUnavailable(f"The answer is not in Stripe's form: {fault}", exchange) from None


def _key(idempotency_key: str) -> Any:
    if not idempotency_key:
        raise ValueError("an idempotency key is required")
    return {"idempotency_key": idempotency_key}


def _page_of(
    read: Callable[[Mapping[str, Any], Exchange], _Answer],
) -> Callable[[Mapping[str, Any], Exchange], tuple[list[_Answer], str | None, bool]]:
    def reader(data: Mapping[str, Any], exchange: Exchange) -> tuple[list[_Answer], str | None, bool]:
        entries = data["data"]
        last = objects.text(entries[-1], "id") if entries else None
        return [read(entry, exchange) for entry in entries], last, data["has_more"] is True

    return reader


def _mapped(fault: stripe.StripeError, exchange: Exchange) -> GatewayError:
    """Our error for the SDK's, without its text where that could repeat the answer's body."""
    refused = (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError)
    if not isinstance(fault, refused):
        return GatewayUnavailable(f"{type(fault).__name__} (HTTP {exchange.status or 'none'})", exchange)
    fallback = "idempotency_error" if isinstance(fault, stripe.IdempotencyError) else "invalid_request"
    return GatewayRefused(fault.code or fallback, fault.user_message or "", exchange)
