"""Sealed text: what must be stored but never seen (identity numbers, names, telephones, messages that hold them).

AES-GCM with one nonce per text. A sealed text names its key, so that keys can be changed: new texts are sealed under
IDENTITY_KEY, and those of IDENTITY_KEYS_OLD are opened as long as the setting holds their key. Texts of before keys had
names have no header; every key is tried on them. Columns of sealed texts carry `info=SEALED`, by which
`customs.key_rotation` finds them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import config

SEALED = {"sealed": True}
HEADER_BYTES = 12

_NONCE_BYTES = 12
_MARK = b"LFK1"


@lru_cache(maxsize=32)
def derived(secret: bytes, purpose: bytes) -> bytes:
    """A key of its own for each use of a secret."""
    return hmac.digest(secret, b"landfall/" + purpose, hashlib.sha256)


def secrets() -> tuple[bytes, ...]:
    """The secrets of the settings, the one in use first."""
    settings = config.current()
    return settings.identity_key, *settings.identity_keys_old


def header(secret: bytes) -> bytes:
    """What a text sealed under this secret begins with: a mark, and the key's name, which tells nothing of the key."""
    return _MARK + derived(secret, b"name")[: HEADER_BYTES - len(_MARK)]


def seal(clear: bytes | str) -> bytes:
    """The sealed form; two seals of one text differ."""
    secret, nonce = config.current().identity_key, os.urandom(_NONCE_BYTES)
    head = header(secret)
    return head + nonce + _cipher(secret).encrypt(nonce, clear.encode() if isinstance(clear, str) else clear, head)


def unseal(sealed: bytes) -> bytes:
    """What was sealed. Raises cryptography's InvalidTag when no key of the settings fits or the bytes were changed."""
    for secret in secrets():
        if sealed.startswith(header(secret)):
            return _open(secret, sealed[HEADER_BYTES:], sealed[:HEADER_BYTES])
    for secret in secrets():
        try:
            return _open(secret, sealed, None)
        except InvalidTag:
            continue
    raise InvalidTag


def _open(secret: bytes, body: bytes, head: bytes | None) -> bytes:
    return _cipher(secret).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], head)


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(derived(secret, b"seal"))
