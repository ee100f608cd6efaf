"""Sealed text: what must be stored but never seen (identity numbers, names, telephones, messages that hold them).

AES-GCM with a key of the settings, one nonce per text; the keyed hash finds a number again without opening anything.
Encryption and hash use separate keys derived from the same secret.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import config

_NONCE_BYTES = 12


@lru_cache(maxsize=4)
def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"landfall/" + purpose, hashlib.sha256)


def _cipher() -> AESGCM:
    return AESGCM(_derived(config.current().identity_key, b"seal"))


def seal(clear: bytes | str) -> bytes:
    """The sealed form; two seals of one text differ."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher().encrypt(nonce, clear.encode() if isinstance(clear, str) else clear, None)


def unseal(sealed: bytes) -> bytes:
    """What was sealed. Raises cryptography's InvalidTag when the key is another one or the bytes were changed."""
    return _cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)


def keyed_hash(clear: str) -> bytes:
    """32 bytes, equal for equal texts, useless without the key."""
    return hmac.digest(_derived(config.current().identity_key, b"hash"), clear.encode(), hashlib.sha256)
