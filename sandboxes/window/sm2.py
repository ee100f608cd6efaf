"""The national pair of algorithms (SM2 signatures over SM3 digests) as this window checks and makes them.

The curve arithmetic is the library's; the X.509 library does not know the curve, so the key is found in the bytes of
the certificate, and the window's own certificate is written here piece by piece.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from gmalg import SM2
from gmalg.errors import GMError

IDENTITY = b"1234567812345678"  # what both sides take when nothing was agreed (GM/T 0009)
_KEY = bytes.fromhex("06072a8648ce3d0201") + bytes.fromhex("06082a811ccf5501822d")  # an EC key on the SM2 curve
_WITH_SM3 = bytes.fromhex("06082a811ccf55018375")
_POINT = re.compile(re.escape(_KEY) + b"\x03\x42\x00(\x04.{64})", re.DOTALL)


def digest(data: bytes) -> bytes:
    """SM3."""
    running = hashes.Hash(hashes.SM3())
    running.update(data)
    return running.finalize()


def point_of(certificate: x509.Certificate) -> bytes | None:
    """The public key of an SM2 certificate; None for another kind."""
    found = _POINT.search(certificate.tbs_certificate_bytes)
    return found[1] if found else None


def holds(point: bytes, value: bytes, data: bytes) -> bool:
    """Whether a value of 64 bytes (r, s) is the signature of `data` by the owner of the key."""
    if len(value) != 64:
        return False
    try:
        checker = SM2(uid=IDENTITY, pk=point)
        return bool(checker.verify_pk(point) and checker.verify(data, value[:32], value[32:]))
    except (GMError, ValueError):
        return False


def sign(secret: bytes, data: bytes) -> bytes:
    r, s = SM2(secret, IDENTITY).sign(data)
    return bytes(r.rjust(32, b"\0") + s.rjust(32, b"\0"))


def new_secret() -> bytes:
    return bytes(SM2().generate_keypair()[0])


def certificate(secret: bytes, name: str, first: datetime, last: datetime) -> x509.Certificate:
    """A certificate of the key by itself."""
    point = bytes(SM2(secret).generate_pk(secret))
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]).public_bytes()
    days = b"".join(_part(0x17, f"{day:%y%m%d%H%M%S}Z".encode()) for day in (first, last))
    body = _part(
        0x30,
        _part(0xA0, _number(2)),
        _number(secrets.randbits(127)),
        _part(0x30, _WITH_SM3),
        who,
        _part(0x30, days),
        who,
        _part(0x30, _part(0x30, _KEY), _part(0x03, b"\0" + point)),
    )
    value = sign(secret, body)
    pair = _part(0x30, _number(int.from_bytes(value[:32], "big")), _number(int.from_bytes(value[32:], "big")))
    return x509.load_der_x509_certificate(_part(0x30, body, _part(0x30, _WITH_SM3), _part(0x03, b"\0" + pair)))


def _part(tag: int, *contents: bytes) -> bytes:
    """One DER element."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _number(value: int) -> bytes:
    return _part(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))
