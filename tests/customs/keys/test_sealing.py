"""What is sealed opens under the key it names, and what was sealed before keys had names still opens."""

import os

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary

from core import config
from core.config import ConfigError
from core.database import Base
from customs import key_rotation, sealing
from tests.customs.keys.conftest import text_of

# Bytes that hold nothing of a person: digests, and what Stripe sent.
OPEN_BYTES = {
    "api_token.digest",
    "idempotency_key.body",
    "idempotency_key.body_digest",
    "listing.source_digest",
    "person.id_hash",
    "stripe_event.raw",
    "window_attempt.digest",
    "window_message.digest",
}


def nameless(clear: bytes, secret: bytes) -> bytes:
    """As everything was sealed before keys had names."""
    nonce = os.urandom(12)
    return nonce + AESGCM(sealing.derived(secret, b"seal")).encrypt(nonce, clear, None)


def test_a_text_names_its_key_and_two_seals_differ() -> None:
    key = config.current().identity_key
    first, second = sealing.seal("王芳"), sealing.seal("王芳")
    assert first != second
    assert first.startswith(sealing.header(key))
    assert key[:8] not in first
    assert sealing.unseal(first) == sealing.unseal(second) == "王芳".encode()


def test_a_text_of_a_former_key_opens_while_the_settings_hold_it(use_keys, fresh_key) -> None:
    former = config.current().identity_key
    sealed = sealing.seal("110105")
    use_keys(fresh_key, former)
    assert sealing.unseal(sealed) == b"110105"
    assert sealing.seal("x").startswith(sealing.header(fresh_key))
    use_keys(fresh_key)
    with pytest.raises(InvalidTag):
        sealing.unseal(sealed)


def test_a_text_of_before_names_opens_under_the_present_and_a_former_key(use_keys, fresh_key) -> None:
    former = config.current().identity_key
    sealed = nameless(b"old", former)
    assert sealing.unseal(sealed) == b"old"
    use_keys(fresh_key, former)
    assert sealing.unseal(sealed) == b"old"


@pytest.mark.parametrize("place", [0, 5, 13, 30, -1])
def test_a_changed_byte_is_noticed_wherever_it_stands(place: int) -> None:
    sealed = bytearray(sealing.seal("some longer text"))
    sealed[place] ^= 1
    with pytest.raises(InvalidTag):
        sealing.unseal(bytes(sealed))


def test_every_column_of_bytes_is_sealed_or_known_to_be_open(app) -> None:
    """A new column of sealed texts that rotation would forget fails here."""
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {f"{column.table.name}.{column.name}" for column in key_rotation.sealed_columns()}
    assert columns - sealed == OPEN_BYTES
    assert {"person.id_number_sealed", "window_message.raw", "webhook_endpoint.secret"} <= sealed


def test_former_keys_are_read_from_the_settings(settings) -> None:
    given = {
        "DATABASE_URL": settings.database_url, "SECRET_KEY": "x" * 40, "STRIPE_SECRET_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x", "SINGLE_WINDOW_URL": "http://127.0.0.1:9",
        "SINGLE_WINDOW_RECEIPT_TOKEN": "t", "IDENTITY_KEY": text_of(b"a" * 32), "LANDFALL_VAR": str(settings.var),
    }  # fmt: skip
    assert config.load(given).identity_keys_old == ()
    both = config.load({**given, "IDENTITY_KEYS_OLD": f"{text_of(b'b' * 32)}, {text_of(b'c' * 32)},"})
    assert both.identity_keys_old == (b"b" * 32, b"c" * 32)
    with pytest.raises(ConfigError, match="IDENTITY_KEYS_OLD"):
        config.load({**given, "IDENTITY_KEYS_OLD": "short"})
