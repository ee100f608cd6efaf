"""The pairs of algorithms of a signature, and what a signer is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

from customs.window import sm2

DS = "http://www.w3.org/2000/09/xmldsig#"
NATIONAL = "http://www.chinaport.gov.cn/2022/04/xmldsig#"


class SigningFailed(Exception):
    """No signature could be made now; the message may be signed later."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A pair of algorithms: names as they stand in the message, digest, and check of a signature value."""

    digest_uri: str
    signature_uri: str
    digest: Callable[[bytes], bytes]
    holds: Callable[[x509.Certificate, bytes, bytes], bool]


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def _rsa_sha1_holds(certificate: x509.Certificate, value: bytes, data: bytes) -> bool:
    if certificate.public_key_algorithm_oid != PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5:
        return False
    try:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(value, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - what customs takes
    except (InvalidSignature, ValueError):  # the second: a certificate around what is no key
        return False
    return True


# The first edition's pair, and that of the edition of April 2022, which customs prefers.
RSA_SHA1 = Profile(DS + "sha1", DS + "rsa-sha1", _sha1, _rsa_sha1_holds)
SM2_SM3 = Profile(NATIONAL + "sm3", NATIONAL + "sm2-sm3", _sm3, sm2.holds)
# A mixture seen in the field: national key, first digest, and a name W3C never gave. We read it and never write it. It
# is as strong as the first pair: the digest is that one's, and the names of the algorithms are themselves signed.
SM2_SHA1 = Profile(DS + "sha1", DS + "sm2-sm3", _sha1, sm2.holds)

PROFILES = (RSA_SHA1, SM2_SM3, SM2_SHA1)
SIGNING = {"rsa-sha1": RSA_SHA1, "sm2-sm3": SM2_SM3}


@dataclass(frozen=True, slots=True)
class SignedValue:
    """What a signer gives for one SignedInfo."""

    value: bytes
    cert_no: str
    certificate: bytes  # DER


class Signer(Protocol):
    """Who holds the key: a software key in tests, a certified signing server in production.

    `sign` takes the canonical SignedInfo, gives a value that its own certificate confirms, and may raise SigningFailed.
    """

    @property
    def profile(self) -> Profile: ...

    def sign(self, signed_info: bytes) -> SignedValue: ...
