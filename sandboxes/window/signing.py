"""Signatures as customs checks and makes them: enveloped XML-DSig, Canonical XML 1.0, SHA-1 with RSA."""

from __future__ import annotations

import base64
import copy
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
MISSING, CHANGED, WRONG = "missing", "changed", "wrong"
_TEMPLATE = (
    f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{C14N}"/>'
    f'<ds:SignatureMethod Algorithm="{DS}rsa-sha1"/><ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{DS}enveloped-signature"/></ds:Transforms><ds:DigestMethod Algorithm="{DS}sha1"/>'
    "<ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:KeyName/><ds:X509Data>"
    "<ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>"
)


class Trust:
    """The certificates customs has on file, read again when the file changes; without a file any will do."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._read_at = 0.0
        self._known: list[bytes] = []

    def knows(self, der: bytes) -> bool:
        if self._file is None:
            return True
        changed = self._file.stat().st_mtime if self._file.is_file() else 0.0
        if changed != self._read_at and changed:
            certificates = x509.load_pem_x509_certificates(self._file.read_bytes())
            self._known = [one.public_bytes(serialization.Encoding.DER) for one in certificates]
            self._read_at = changed
        return der in self._known


def fault_of(root: etree._Element, trust: Trust) -> str | None:
    """MISSING without a signature, CHANGED when the digest differs, WRONG for all else; None for a good one."""
    found = root.findall(f".//{{{DS}}}Signature")
    if not found:
        return MISSING
    if len(found) > 1 or found[0].getparent() is not root:
        return WRONG
    signature = found[0]
    try:
        info = signature[0]
        if _skeleton(info) != _skeleton(etree.fromstring(_TEMPLATE)[0]):
            return WRONG
        digest = base64.b64decode(info.findtext(f".//{{{DS}}}DigestValue", ""), validate=True)
        value = base64.b64decode(signature.findtext(f"{{{DS}}}SignatureValue", ""), validate=True)
        der = base64.b64decode(signature.findtext(f".//{{{DS}}}X509Certificate", ""), validate=True)
        certificate = x509.load_der_x509_certificate(der)
    except (ValueError, IndexError):
        return WRONG
    if digest != _sha1(_without_signature(root)):
        return CHANGED
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or not trust.knows(der):
        return WRONG
    try:
        key.verify(value, _c14n(info), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the algorithm of the spec
    except InvalidSignature:
        return WRONG
    return None


def _skeleton(element: etree._Element) -> list[tuple[str, str | None, str | None]]:
    return [(str(one.tag), one.get("Algorithm"), one.get("URI")) for one in element.iter()]


def _without_signature(root: etree._Element) -> bytes:
    whole = copy.deepcopy(root)
    whole.remove(whole.find(f"{{{DS}}}Signature"))
    return _c14n(whole)


def _c14n(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


class Seal:
    """The window's own key; its certificate lies beside it as window-cert.pem for those who must trust it."""

    def __init__(self, folder: Path) -> None:
        file = folder / "window.pem"
        if not file.exists():
            _make(file)
        pem = file.read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{file} holds no RSA key")
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(pem)
        (folder / "window-cert.pem").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, root: etree._Element) -> None:
        """Add the signature as the last element."""
        digest = base64.b64encode(_sha1(_c14n(root))).decode()
        signature = etree.fromstring(_TEMPLATE)
        root.append(signature)
        _put(signature, "DigestValue", digest)
        value = self._key.sign(_c14n(signature[0]), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - as above
        _put(signature, "SignatureValue", base64.b64encode(value).decode())
        _put(signature, "KeyName", f"{self._certificate.serial_number:x}")
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        _put(signature, "X509Certificate", base64.b64encode(der).decode())


def _put(signature: etree._Element, name: str, text: str) -> None:
    for element in signature.iter(f"{{{DS}}}{name}"):
        element.text = text


def _make(file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sandbox single window")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3660))
        .not_valid_after(now + timedelta(days=3660))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(private + certificate.public_bytes(serialization.Encoding.PEM))
