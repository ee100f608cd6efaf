"""What Stripe answered, as our own values: checked field by field, because an answer is outside input too.

Amounts are integers in the currency's smallest unit (fen for CNY). Readers raise ValueError naming the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shop.stripe_http import Exchange

Json = Mapping[str, Any]
INTENT_STATUSES = frozenset(
    {
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "processing",
        "requires_capture",
        "succeeded",
        "canceled",
    }
)
REFUND_STATUSES = frozenset({"pending", "requires_action", "succeeded", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class _Answered:
    """A value with the exchange it came from; a list's entries share the exchange of their page."""

    exchange: Exchange = field(repr=False, compare=False)

    @property
    def raw_request(self) -> str:
        return self.exchange.request

    @property
    def raw_response(self) -> str:
        return self.exchange.response


@dataclass(frozen=True, slots=True)
class Charge:
    """The charge of an intent. `payer_name` is the billing name of the payment method, None if it has none.

    `transaction_id` is the wallet's own number of the payment, None for cards; `payer_mark` Stripe's fingerprint of the
    card or wallet, the same whoever uses it.
    """

    id: str
    amount_fen: int
    captured_fen: int
    refunded_fen: int
    currency: str
    status: str
    captured: bool
    disputed: bool
    created: int
    method_type: str | None
    transaction_id: str | None
    payer_name: str | None = field(repr=False)
    failure_code: str | None
    payer_mark: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Intent(_Answered):
    """A PaymentIntent. `charge` is there when the call expanded it, `latest_charge` is its id in any case."""

    id: str
    client_secret: str = field(repr=False)
    amount_fen: int
    received_fen: int
    capturable_fen: int
    currency: str
    status: str
    created: int
    metadata: Mapping[str, str]
    latest_charge: str | None
    charge: Charge | None
    failure_code: str | None


@dataclass(frozen=True, slots=True)
class Refund(_Answered):
    id: str
    amount_fen: int
    currency: str
    status: str
    created: int
    metadata: Mapping[str, str]
    intent_id: str | None
    charge_id: str | None
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class Dispute(_Answered):
    """`withdrawn_fen` is what of the disputed amount has left our balance and not come back, Stripe's fee apart."""

    id: str
    amount_fen: int
    currency: str
    status: str
    reason: str
    created: int
    withdrawn_fen: int
    evidence_due: int | None
    intent_id: str | None
    charge_id: str | None


@dataclass(frozen=True, slots=True)
class Transfer(_Answered):
    id: str
    amount_fen: int
    reversed_fen: int
    currency: str
    destination: str
    created: int
    metadata: Mapping[str, str]


def intent(data: Json, exchange: Exchange) -> Intent:
    _is(data, "payment_intent")
    charge = data.get("latest_charge")
    return Intent(
        exchange,
        id=text(data, "id"),
        client_secret=text(data, "client_secret"),
        amount_fen=number(data, "amount"),
        received_fen=number(data, "amount_received"),
        capturable_fen=number(data, "amount_capturable"),
        currency=text(data, "currency"),
        status=_one_of(data, "status", INTENT_STATUSES),
        created=number(data, "created"),
        metadata=_metadata(data),
        latest_charge=_id(charge),
        charge=_charge(charge) if isinstance(charge, Mapping) else None,
        failure_code=_word(data, "last_payment_error", "decline_code") or _word(data, "last_payment_error", "code"),
    )


def _charge(data: Json) -> Charge:
    _is(data, "charge")
    kind = _word(data, "payment_method_details", "type")
    details = (data.get("payment_method_details") or {}).get(kind) if kind else None
    return Charge(
        id=text(data, "id"),
        amount_fen=number(data, "amount"),
        captured_fen=number(data, "amount_captured"),
        refunded_fen=number(data, "amount_refunded"),
        currency=text(data, "currency"),
        status=text(data, "status"),
        captured=data.get("captured") is True,
        disputed=data.get("disputed") is True,
        created=number(data, "created"),
        method_type=kind,
        transaction_id=_optional(details, "transaction_id") if isinstance(details, Mapping) else None,
        payer_name=_word(data, "billing_details", "name"),
        failure_code=_optional(data, "failure_code"),
        payer_mark=_optional(details, "fingerprint") if isinstance(details, Mapping) else None,
    )


def refund(data: Json, exchange: Exchange) -> Refund:
    _is(data, "refund")
    return Refund(
        exchange,
        id=text(data, "id"),
        amount_fen=number(data, "amount"),
        currency=text(data, "currency"),
        status=_one_of(data, "status", REFUND_STATUSES),
        created=number(data, "created"),
        metadata=_metadata(data),
        intent_id=_id(data.get("payment_intent")),
        charge_id=_id(data.get("charge")),
        failure_reason=_optional(data, "failure_reason"),
    )


def dispute(data: Json, exchange: Exchange) -> Dispute:
    _is(data, "dispute")
    return Dispute(
        exchange,
        id=text(data, "id"),
        amount_fen=number(data, "amount"),
        currency=text(data, "currency"),
        status=text(data, "status"),
        reason=text(data, "reason"),
        created=number(data, "created"),
        withdrawn_fen=_withdrawn(data),
        evidence_due=_due(data.get("evidence_details")),
        intent_id=_id(data.get("payment_intent")),
        charge_id=_id(data.get("charge")),
    )


def _withdrawn(data: Json) -> int:
    moved = data.get("balance_transactions") or []
    if not isinstance(moved, list) or not all(
        isinstance(each, Mapping) and type(each.get("amount")) is int and abs(each["amount"]) < 10**15 for each in moved
    ):
        raise ValueError("balance_transactions: not movements of a balance")
    return max(0, -sum(each["amount"] for each in moved))


def _due(details: Any) -> int | None:
    due = details.get("due_by") if isinstance(details, Mapping) else None
    return None if due is None else number({"due_by": due}, "due_by")


def transfer(data: Json, exchange: Exchange) -> Transfer:
    _is(data, "transfer")
    return Transfer(
        exchange,
        id=text(data, "id"),
        amount_fen=number(data, "amount"),
        reversed_fen=number(data, "amount_reversed"),
        currency=text(data, "currency"),
        destination=_id(data.get("destination")) or "",
        created=number(data, "created"),
        metadata=_metadata(data),
    )


def text(data: Json, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value or len(value) > 500 or "\x00" in value:
        raise ValueError(f"{name}: not a text")
    return value


def number(data: Json, name: str) -> int:
    value = data.get(name)
    if type(value) is not int or not 0 <= value < 10**15:
        raise ValueError(f"{name}: not a whole number")
    return value


def _is(data: Json, kind: str) -> None:
    if data.get("object") != kind:
        raise ValueError(f"object: not a {kind}")


def _one_of(data: Json, name: str, allowed: frozenset[str]) -> str:
    value = text(data, name)
    if value not in allowed:
        raise ValueError(f"{name}: unknown value")
    return value


def _optional(data: Json, name: str) -> str | None:
    return None if data.get(name) is None else text(data, name)


def _word(data: Json, group: str, name: str) -> str | None:
    found = data.get(group)
    return _optional(found, name) if isinstance(found, Mapping) else None


def _id(value: Any) -> str | None:
    """The id of a field that Stripe gives as an id or, expanded, as the object."""
    if isinstance(value, Mapping):
        return text(value, "id")
    return value if isinstance(value, str) and value else None


def _metadata(data: Json) -> Mapping[str, str]:
    found = data.get("metadata") or {}
    if not isinstance(found, Mapping) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("metadata: not a set of texts")
    return dict(found)
