"""Stripe answered in process and at once, so that what is measured is ours: the baseline asks nobody either.

An intent's name tells its purchase and amount, so every process gives the same answer about it: once it is asked about
again, its buyer has paid.
"""

from __future__ import annotations

import hmac
import json
import time
import uuid
from hashlib import sha256
from typing import Any

from shop.stripe_http import Exchange
from shop.stripe_objects import Intent


class InstantStripe:
    """What a checkout asks of Stripe."""

    def create_intent(
        self,
        amount_fen: int,
        currency: str,
        idempotency_key: str,
        metadata: Any,
        description: str,
        method_types: Any,
        *,
        hold: bool = False,
    ) -> Intent:
        name = f"pi_bench{amount_fen}_{uuid.UUID(metadata['purchase']).hex}"
        return _intent(name, amount_fen, metadata["purchase"], "requires_payment_method", 0)

    def retrieve_intent(self, name: str) -> Intent:
        amount, _, purchase = name.removeprefix("pi_bench").partition("_")
        return _intent(name, int(amount), str(uuid.UUID(purchase)), "succeeded", int(amount))


def _intent(name: str, amount_fen: int, purchase: str, status: str, received_fen: int) -> Intent:
    return Intent(
        Exchange("/v1/payment_intents", "{}", 200),
        id=name,
        client_secret=f"{name}_secret",
        amount_fen=amount_fen,
        received_fen=received_fen,
        capturable_fen=0,
        currency="cny",
        status=status,
        created=0,
        metadata={"purchase": purchase},
        latest_charge=None,
        charge=None,
        failure_code=None,
    )


def paid(intent_id: str, secret: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of Stripe's notice that an intent was paid, signed as Stripe signs."""
    now = int(time.time())
    event = {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": now,
        "data": {"object": {"id": intent_id, "object": "payment_intent"}},
    }
    body = json.dumps(event).encode()
    signature = hmac.new(secret.encode(), b"%d." % now + body, sha256).hexdigest()
    return body, {"Stripe-Signature": f"t={now},v1={signature}", "Content-Type": "application/json"}
