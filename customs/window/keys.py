"""Keys and certificates: the software key of development and tests, the remote signer of production, whom to trust."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
from datetime import timedelta
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from core import clock
from customs.window.http import session_for
from customs.window.signature import RSA_SHA1, Profile, SignedValue, SigningFailed

SIGNER_TIMEOUT_SECONDS = 8
KEY_FILE, CERTIFICATE_FILE = "signer.pem", "signer-cert.pem"
ANSWER_BYTES_MAX = 64 * 1024


class SoftwareSigner:
    """A key in memory, read once: parsing it for each message would be a hundred times slower than signing."""

    def __init__(self, pem: bytes, cert_no: str | None = None) -> None:
        """`pem` holds an RSA private key and its certificate. Raises ValueError for anything else."""
        key = load_pem_private_key(pem, None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("the signing key must be an RSA key")
        self._key = key
        self.certificate = x509.load_pem_x509_certificate(pem)
        self._der = self.certificate.public_bytes(Encoding.DER)
        self.cert_no = cert_no or f"{self.certificate.serial_number:x}"

    @property
    def profile(self) -> Profile:
        return RSA_SHA1

    def sign(self, signed_info: bytes) -> SignedValue:
        value = self._key.sign(signed_info, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - what customs takes
        return SignedValue(value, self.cert_no, self._der)


class HttpSigner:
    """A signing server: POST JSON `{"certNo", "algorithm", "data": base64 of the canonical SignedInfo}` to its URL.

    It answers 200 with `{"value": base64 of the signature, "certificate": base64 of the DER certificate}`. Nothing but
    the SignedInfo leaves the house: a digest, no personal data.
    """

    def __init__(self, url: str, cert_no: str, timeout_seconds: float = SIGNER_TIMEOUT_SECONDS) -> None:
        self._url = url
        self._cert_no = cert_no
        self._timeout_seconds = timeout_seconds

    @property
    def profile(self) -> Profile:
        return RSA_SHA1

    def sign(self, signed_info: bytes) -> SignedValue:
        order = {
            "certNo": self._cert_no,
            "algorithm": self.profile.signature_uri,
            "data": base64.b64encode(signed_info).decode(),
        }
        try:
            with session_for(self._url) as session:
                answer = session.post(self._url, json=order, timeout=self._timeout_seconds, allow_redirects=False)
            if answer.status_code != 200 or len(answer.content) > ANSWER_BYTES_MAX:
                raise SigningFailed(f"the signer answered {answer.status_code}")
            body = json.loads(answer.content)
            value, der = (base64.b64decode(body[name], validate=True) for name in ("value", "certificate"))
        except (requests.RequestException, ValueError, KeyError, TypeError) as fault:
            raise SigningFailed(f"the signer gave no signature: {type(fault).__name__}") from fault
        return SignedValue(value, self._cert_no, der)


def make_test_key(folder: Path) -> Path:
    """The file with the software key and its certificate, made on first use; safe when two processes start at once.

    Beside it stands the certificate alone, for whoever must trust it. For development and tests only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / KEY_FILE
    if not target.exists():
        handle, draft = tempfile.mkstemp(dir=folder)  # mkstemp makes it readable for the owner alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_test_pem())
            with contextlib.suppress(FileExistsError):
                os.link(draft, target)  # fails when another process was first; then its key counts
        finally:
            os.unlink(draft)
    certificate = x509.load_pem_x509_certificate(target.read_bytes())
    (folder / CERTIFICATE_FILE).write_bytes(certificate.public_bytes(Encoding.PEM))
    return target


def _test_pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Landfall test key, not for customs")])
    today = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Wide enough for rehearsals with a moved clock.
        .not_valid_before(today - timedelta(days=3660))
        .not_valid_after(today + timedelta(days=3660))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def load_signer(folder: Path, cert_no: str | None = None) -> SoftwareSigner:
    """The software signer of a state folder, its key made on first use."""
    return SoftwareSigner(make_test_key(folder).read_bytes(), cert_no)


def load_trusted(file: Path | None) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file whose signatures we accept; none when there is no file."""
    return () if file is None else tuple(x509.load_pem_x509_certificates(file.read_bytes()))
