"""Keys and certificates: the software key of development and tests, the remote signer of production, whom to trust."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import tempfile
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from core import clock
from customs.window import sm2
from customs.window.http import NoAnswer, post
from customs.window.profiles import RSA_SHA1, SIGNING, SM2_SM3, Profile, SignedValue, SigningFailed

SIGNER_TIMEOUT_SECONDS = 8
KEY_FILES = {RSA_SHA1: "signer.pem", SM2_SM3: "signer-sm2.pem"}
CERTIFICATE_FILE = "signer-cert.pem"
ANSWER_BYTES_MAX = 64 * 1024
_NAME = "Landfall test key, not for customs"


class SoftwareSigner:
    """A key in memory, read once: parsing it for each message would be a hundred times slower than signing."""

    def __init__(self, pem: bytes, cert_no: str | None = None) -> None:
        """`pem` holds an RSA or SM2 private key and its certificate. Raises ValueError for anything else."""
        self.certificate = x509.load_pem_x509_certificate(pem)
        self._der = self.certificate.public_bytes(Encoding.DER)
        self.cert_no = cert_no or f"{self.certificate.serial_number:x}"
        national = sm2.secret_key(pem)
        self.profile = SM2_SM3 if national else RSA_SHA1
        self._key = national or _rsa_key(pem)
        if not self.profile.holds(self.certificate, self.sign(b"").value, b""):
            raise ValueError("the certificate is not that of the signing key")

    def sign(self, signed_info: bytes) -> SignedValue:
        if isinstance(self._key, sm2.SecretKey):
            return SignedValue(self._key.sign(signed_info), self.cert_no, self._der)
        value = self._key.sign(signed_info, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - what customs takes
        return SignedValue(value, self.cert_no, self._der)


def _rsa_key(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as fault:
        raise ValueError("the signing key must be an RSA or SM2 key without a password") from fault
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the signing key must be an RSA or SM2 key")
    return key


class HttpSigner:
    """A signing server: POST JSON `{"certNo", "algorithm", "data": base64 of the canonical SignedInfo}` to its URL.

    It answers 200 with `{"value": base64 of the signature, "certificate": base64 of the DER certificate}`. Nothing but
    the SignedInfo leaves the house: a digest, no personal data. A value that its certificate does not confirm is none.
    """

    def __init__(
        self,
        url: str,
        cert_no: str,
        profile: Profile = RSA_SHA1,
        timeout_seconds: float = SIGNER_TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._cert_no = cert_no
        self.profile = profile
        self._timeout_seconds = timeout_seconds

    def sign(self, signed_info: bytes) -> SignedValue:
        order = {
            "certNo": self._cert_no,
            "algorithm": self.profile.signature_uri,
            "data": base64.b64encode(signed_info).decode(),
        }
        try:
            status, content = post(self._url, seconds=self._timeout_seconds, at_most=ANSWER_BYTES_MAX, json=order)
            if status != 200:
                raise SigningFailed(f"the signer answered {status}")
            body = json.loads(content)
            value, der = (base64.b64decode(body[name], validate=True) for name in ("value", "certificate"))
            certificate = _certificate(der)
        except (NoAnswer, ValueError, KeyError, TypeError) as fault:
            raise SigningFailed(f"the signer gave no signature: {type(fault).__name__}") from fault
        if not self.profile.holds(certificate, value, signed_info):
            raise SigningFailed("the signer gave a value that its own certificate does not confirm")
        if self.profile is SM2_SM3:
            value = sm2.plain_value(value) or value
        return SignedValue(value, self._cert_no, der)


@functools.lru_cache(16)
def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def make_test_key(folder: Path, profile: Profile = RSA_SHA1) -> Path:
    """The file with the software key and its certificate, made on first use; safe when two processes start at once.

    Beside it stand the certificates of the folder's keys, for whoever must trust them. For development and tests only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / KEY_FILES[profile]
    if not target.exists():
        handle, draft = tempfile.mkstemp(dir=folder)  # mkstemp makes it readable for the owner alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_test_pem(profile))
            with contextlib.suppress(FileExistsError):
                os.link(draft, target)  # fails when another process was first; then its key counts
        finally:
            os.unlink(draft)
    known = [folder / name for name in KEY_FILES.values() if (folder / name).exists()]
    certificates = [x509.load_pem_x509_certificate(file.read_bytes()) for file in known]
    _show(folder / CERTIFICATE_FILE, b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    return target


def _show(file: Path, content: bytes) -> None:
    """Each start comes by, and others read the file at any time: they see a whole one."""
    if file.exists() and file.read_bytes() == content:
        return
    handle, draft = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    os.chmod(draft, 0o644)
    os.replace(draft, file)


def _test_pem(profile: Profile) -> bytes:
    # Wide enough for rehearsals with a moved clock.
    first, last = clock.now() - timedelta(days=3660), clock.now() + timedelta(days=3660)
    if profile is SM2_SM3:
        return sm2.make_pem(_NAME, first, last)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def load_signer(folder: Path, cert_no: str | None = None, profile: str = "rsa-sha1") -> SoftwareSigner:
    """The software signer of a state folder, its key made on first use."""
    return SoftwareSigner(make_test_key(folder, SIGNING[profile]).read_bytes(), cert_no)


def load_trusted(file: Path | None) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file whose signatures we accept; none when there is no file."""
    return () if file is None else tuple(x509.load_pem_x509_certificates(file.read_bytes()))
