"""How a call proves that it is ours: `Landfall-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 over `t.body`.

While a secret is being changed the former one signs along, so the header may hold several `v1`; one must fit.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

HEADER = "Landfall-Signature"
PREFIX = "whsec_"


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def signature(body: bytes, keys: Sequence[str], at: int) -> str:
    """The header's value for a body sent at `at` (seconds since 1970)."""
    signed = str(at).encode() + b"." + body
    return ",".join([f"t={at}", *(f"v1={hmac.digest(key.encode(), signed, hashlib.sha256).hex()}" for key in keys)])
