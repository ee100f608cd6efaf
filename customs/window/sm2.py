"""SM2 signatures over SM3 (GB/T 32918.2), and the keys and certificates that carry them.

The X.509 library reads such a certificate but not its key, since it knows no curve of that name; so the few structures
around a key are declared here. Plain Python and not hardened against whoever can time it: keys for tests and sandboxes.
"""

from __future__ import annotations

import base64
import functools
import re
from datetime import datetime
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from gmalg import SM2
from gmalg.errors import GMError

EC_KEY = ObjectIdentifier("1.2.840.10045.2.1")
CURVE = ObjectIdentifier("1.2.156.10197.1.301")
SM2_WITH_SM3 = ObjectIdentifier("1.2.156.10197.1.501")
# The identity that both sides take when none was agreed (GM/T 0009).
SIGNER_ID = b"1234567812345678"
_HALF = 32
_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_PEM = re.compile(rb"-----BEGIN ((?:EC |SM2 )?PRIVATE KEY)-----\s(.+?)-----END \1-----", re.DOTALL)


@asn1.sequence
class _Algorithm:
    oid: ObjectIdentifier
    parameters: ObjectIdentifier | None


@asn1.sequence
class _Subject:
    algorithm: _Algorithm
    key: asn1.BitString


@asn1.sequence
class _Wrapped:
    """PKCS #8."""

    version: int
    algorithm: _Algorithm
    key: bytes


@asn1.sequence
class _Secret:
    """RFC 5915."""

    version: int
    secret: bytes
    curve: Annotated[ObjectIdentifier | None, asn1.Explicit(0)]
    public: Annotated[asn1.BitString | None, asn1.Explicit(1)]


@asn1.sequence
class _Pair:
    r: int
    s: int


@asn1.sequence
class _Validity:
    first: asn1.UTCTime | asn1.GeneralizedTime
    last: asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class _Body:
    """What the issuer of a certificate signs; only its key is read, so the rest may be written in any way."""

    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    key: _Subject
    extensions: Annotated[list[asn1.TLV] | None, asn1.Explicit(3)]


@asn1.sequence
class _Certificate:
    body: asn1.TLV
    algorithm: _Algorithm
    signature: asn1.BitString


class SecretKey:
    """A private key in memory."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the number d, big-endian. Raises ValueError outside its range."""
        if not 0 < int.from_bytes(secret, "big") < _ORDER - 1:
            raise ValueError("not a private key of SM2")
        self.secret = secret.rjust(_HALF, b"\0")
        self.public = bytes(SM2().generate_pk(self.secret))

    def sign(self, data: bytes) -> bytes:
        """r and s, 32 bytes each."""
        # A new one each time: it hashes in a place of its own, which threads must not share.
        r, s = SM2(self.secret, SIGNER_ID, self.public).sign(data)
        return bytes(r.rjust(_HALF, b"\0") + s.rjust(_HALF, b"\0"))


def holds(certificate: x509.Certificate, value: bytes, data: bytes) -> bool:
    """Whether `value` is the certificate's signature of `data`: 64 bytes of r and s, or both as a DER sequence."""
    public, pair = public_key(certificate), plain_value(value)
    if public is None or pair is None:
        return False
    try:
        return _on_curve(public) and bool(SM2(uid=SIGNER_ID, pk=public).verify(data, pair[:_HALF], pair[_HALF:]))
    except GMError:
        return False


@functools.lru_cache(64)
def _on_curve(public: bytes) -> bool:
    return bool(SM2().verify_pk(public))


def plain_value(value: bytes) -> bytes | None:
    """A signature as r and s of 32 bytes each, as this format carries it; signing servers may give DER."""
    if len(value) == 2 * _HALF:
        return value
    try:
        pair = asn1.decode_der(_Pair, value)
        return pair.r.to_bytes(_HALF, "big") + pair.s.to_bytes(_HALF, "big")
    except (ValueError, OverflowError):
        return None


def public_key(certificate: x509.Certificate) -> bytes | None:
    """The point of an SM2 certificate, uncompressed; None for a certificate of another kind."""
    if certificate.public_key_algorithm_oid != EC_KEY:
        return None
    return _public_key(certificate.tbs_certificate_bytes)


@functools.lru_cache(64)
def _public_key(body: bytes) -> bytes | None:
    try:
        subject = asn1.decode_der(_Body, body).key
    except ValueError:
        return None
    point = subject.key.as_bytes()
    if subject.algorithm.parameters != CURVE or len(point) != 2 * _HALF + 1 or point[0] != 4:
        return None
    return point


def secret_key(pem: bytes) -> SecretKey | None:
    """The SM2 key of a PEM text, in PKCS #8 or the older EC form, unencrypted; None when it holds none."""
    for kind, text in _PEM.findall(pem):
        try:
            der = base64.b64decode(text)
            if kind == b"PRIVATE KEY":
                wrapped = asn1.decode_der(_Wrapped, der)
                if wrapped.algorithm.parameters != CURVE:
                    continue
                return SecretKey(asn1.decode_der(_Secret, wrapped.key).secret)
            key = asn1.decode_der(_Secret, der)
        except ValueError:
            continue
        if key.curve == CURVE:
            return SecretKey(key.secret)
    return None


def make_pem(common_name: str, first: datetime, last: datetime) -> bytes:
    """A fresh private key (PKCS #8) and its self-signed certificate, valid from `first` to `last`."""
    key = SecretKey(bytes(SM2().generate_keypair()[0]))
    curve = _Algorithm(oid=EC_KEY, parameters=CURVE)
    point = asn1.BitString(key.public, 0)
    secret = _Secret(version=1, secret=key.secret, curve=None, public=point)
    wrapped = _Wrapped(version=0, algorithm=curve, key=asn1.encode_der(secret))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]).public_bytes()
    signing = _Algorithm(oid=SM2_WITH_SM3, parameters=None)
    times = _Validity(first=_time(first), last=_time(last))
    body = asn1.encode_der(
        _Body(
            version=2,
            serial=x509.random_serial_number(),
            algorithm=asn1.decode_der(asn1.TLV, asn1.encode_der(signing)),
            issuer=asn1.decode_der(asn1.TLV, name),
            validity=asn1.decode_der(asn1.TLV, asn1.encode_der(times)),
            subject=asn1.decode_der(asn1.TLV, name),
            key=_Subject(algorithm=curve, key=point),
            extensions=None,
        )
    )
    value = key.sign(body)
    pair = _Pair(r=int.from_bytes(value[:_HALF], "big"), s=int.from_bytes(value[_HALF:], "big"))
    whole = _Certificate(
        body=asn1.decode_der(asn1.TLV, body), algorithm=signing, signature=asn1.BitString(asn1.encode_der(pair), 0)
    )
    certificate = x509.load_der_x509_certificate(asn1.encode_der(whole))
    private = base64.encodebytes(asn1.encode_der(wrapped)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{private}-----END PRIVATE KEY-----\n".encode() + certificate.public_bytes(
        Encoding.PEM
    )


def _time(instant: datetime) -> asn1.UTCTime | asn1.GeneralizedTime:
    """RFC 5280: two digits of the year until 2049, then four."""
    whole = instant.replace(microsecond=0)
    return asn1.UTCTime(whole) if whole.year < 2050 else asn1.GeneralizedTime(whole)
