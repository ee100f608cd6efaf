"""Stripe's webhooks before anything else touches them: raw bytes in, one verified event or one refusal out.

Pure: no request, no clock, no database. The signature is checked by the SDK; what the SDK leaves open (future
timestamps, a body that reads two ways, an event without an object) is closed here.

`now` must be the real time, not a rehearsal's: Stripe signs with its own clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import stripe

from core import strict_json
from core.errors import Problem

RAW_MAX = 512 * 1024  # bytes; real events have a few kilobytes
TOLERANCE_SECONDS = 300
_ID = re.compile(r"[A-Za-z]{2,12}_[A-Za-z0-9_]{1,60}\Z", re.ASCII)
_TYPE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+){1,4}\Z", re.ASCII)

# What a listener acts on: each leads to re-reading the object it names, since order is not guaranteed.
HANDLED = frozenset(
    {
        "payment_intent.processing",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "transfer.created",
        "transfer.reversed",
        "payout.paid",
        "payout.failed",
    }
)
# What is acknowledged and left alone: it repeats what a handled event says, or concerns nothing we keep.
IGNORED = frozenset(
    {
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.partially_funded",
        "charge.succeeded",
        "charge.failed",
        "charge.captured",
        "charge.pending",
        "charge.expired",
        "charge.updated",
        "charge.refund.updated",
        "transfer.updated",
        "payout.created",
        "payout.updated",
        "payout.canceled",
        "payout.reconciliation_completed",
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "payment_method.attached",
        "payment_method.detached",
        "payment_method.updated",
        "payment_method.automatically_updated",
        "radar.early_fraud_warning.created",
        "radar.early_fraud_warning.updated",
        "review.opened",
        "review.closed",
        "capability.updated",
        "person.created",
        "person.updated",
        "person.deleted",
        "account.external_account.created",
        "account.external_account.updated",
        "account.external_account.deleted",
        "account.application.authorized",
        "account.application.deauthorized",
        "account.updated",
        "balance.available",
    }
)


class BadEvent(Exception):
    """The webhook is not to be believed or not to be read; `reason` is fit for a 400 answer and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Event:
    """A verified event. `payload` is the whole parsed body; fractions in it are Decimal."""

    id: str
    type: str
    created: int
    object_id: str
    object_type: str
    payload: dict[str, Any] = field(repr=False)

    @property
    def standing(self) -> str:
        """`handled`, `ignored`, or `unknown`: stored and counted, so that somebody sees what we do not know yet."""
        return "handled" if self.type in HANDLED else "ignored" if self.type in IGNORED else "unknown"

    @property
    def handled(self) -> bool:
        return self.type in HANDLED

    @property
    def account(self) -> str | None:
        """The connected account it is about; None for our own. Other accounts' events are not ours to apply."""
        found = self.payload.get("account")
        return found if isinstance(found, str) else None


def verify_event(
    raw: bytes,
    signature_header: str | None,
    secret: str,
    now: float,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> Event:
    """The event in `raw`, if `secret` signed it within `tolerance_seconds` of `now` (real time, seconds since 1970).

    Raises BadEvent for everything else, whatever the bytes are.
    """
    if not secret or not secret.strip():
        raise BadEvent("no signing secret is configured")
    if len(raw) > RAW_MAX:
        raise BadEvent(f"the body is longer than {RAW_MAX} bytes")
    text = _text(raw)
    _check_signature(text, signature_header, secret, now, tolerance_seconds)
    return _read(text)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadEvent("the body is not UTF-8") from None


def _check_signature(text: str, header: str | None, secret: str, now: float, tolerance: int) -> None:
    if not header:
        raise BadEvent("the Stripe-Signature header is missing")
    try:
        # No tolerance here: the SDK knows only its own clock and only the past.
        stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None)
    except stripe.SignatureVerificationError:
        raise BadEvent("the signature does not match") from None
    except Exception:  # the SDK trips over some malformed headers, such as non-ASCII signatures
        raise BadEvent("the Stripe-Signature header cannot be read") from None
    signed_at = _signed_at(header)
    if abs(now - signed_at) > tolerance:
        raise BadEvent("the signature is too old" if signed_at < now else "the signature is from the future")


def _signed_at(header: str) -> int:
    """The timestamp the SDK verified: the first `t`. More than one would let two readers see two times."""
    stamps = [part.strip()[2:] for part in header.split(",") if part.strip().startswith("t=")]
    if len(stamps) != 1 or not re.fullmatch(r"[0-9]{1,12}", stamps[0], re.ASCII):
        raise BadEvent("the Stripe-Signature header needs exactly one timestamp")
    return int(stamps[0])


def _read(text: str) -> Event:
    try:
        payload = strict_json.loads(text)
    except Problem as fault:
        raise BadEvent(fault.detail) from None
    if not isinstance(payload, dict) or payload.get("object") != "event":
        raise BadEvent("the body is not an event object")
    data = payload.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    if not isinstance(about, dict):
        raise BadEvent("data.object: missing")
    created = payload.get("created")
    if type(created) is not int or not 0 <= created < 10**11:
        raise BadEvent("created: not an instant in seconds")
    return Event(
        id=_word(payload, "id", _ID),
        type=_word(payload, "type", _TYPE),
        created=created,
        # a balance is the one thing without an id
        object_id="" if about.get("object") == "balance" else _word(about, "id", _ID, "data.object."),
        object_type=_word(about, "object", re.compile(r"[a-z0-9_.]{1,60}\Z", re.ASCII), "data.object."),
        payload=payload,
    )


def _word(found: dict[str, Any], name: str, pattern: re.Pattern[str], prefix: str = "") -> str:
    value = found.get(name)
    if not isinstance(value, str) or len(value) > 80 or not pattern.match(value):
        raise BadEvent(f"{prefix}{name}: missing or not in Stripe's form")
    return value
