"""Signatures as customs checks and makes them: enveloped XML-DSig, RSA with SHA-1 or SM2 with SM3."""

from __future__ import annotations

import base64
import copy
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from sandboxes.window import sm2

DS = "http://www.w3.org/2000/09/xmldsig#"
CHINA = "http://www.chinaport.gov.cn/2022/04/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
MISSING, CHANGED, WRONG = "missing", "changed", "wrong"
RSA, SM2 = "rsa", "sm2"
# How a message names a pair of algorithms: signature, digest. The last is seen in the field; customs takes it.
_PAIRS = {
    (f"{DS}rsa-sha1", f"{DS}sha1"): RSA,
    (f"{CHINA}sm2-sm3", f"{CHINA}sm3"): SM2,
    (f"{DS}sm2-sm3", f"{DS}sha1"): SM2,
}


def _template(kind: str) -> str:
    signature, digest = next(names for names, one in _PAIRS.items() if one == kind)
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{signature}"/><ds:Reference URI=""><ds:Transforms>'
        f'<ds:Transform Algorithm="{DS}enveloped-signature"/></ds:Transforms><ds:DigestMethod Algorithm="{digest}"/>'
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
        names = _algorithm(info, "SignatureMethod"), _algorithm(info, "DigestMethod")
        if names not in _PAIRS or _skeleton(info) != _skeleton(etree.fromstring(_template(RSA))[0], names):
            return WRONG
        digest = _binary(info.findtext(f".//{{{DS}}}DigestValue", ""))
        value = _binary(signature.findtext(f"{{{DS}}}SignatureValue", ""))
        der = _binary(signature.findtext(f".//{{{DS}}}X509Certificate", ""))
        certificate = x509.load_der_x509_certificate(der)
        if digest != _digest(names[1], _without_signature(root)):
            return CHANGED
        signed = _c14n(info)
    except (ValueError, IndexError, etree.C14NError):  # the last: a namespace that canonical form does not know
        return WRONG
    return None if trust.knows(der) and _holds(_PAIRS[names], certificate, value, signed) else WRONG


def _binary(text: str) -> bytes:
    """Base64, which many signing programs lay out in lines."""
    return base64.b64decode("".join(text.split()), validate=True)


def _holds(kind: str, certificate: x509.Certificate, value: bytes, data: bytes) -> bool:
    if kind == SM2:
        point = sm2.point_of(certificate)
        return point is not None and sm2.holds(point, value, data)
    if sm2.point_of(certificate) is not None:
        return False
    try:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(value, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the algorithm of the spec
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _algorithm(info: etree._Element, name: str) -> str:
    found = info.find(f".//{{{DS}}}{name}")
    return "" if found is None else found.get("Algorithm", "")


def _skeleton(element: etree._Element, names: tuple[str, str] = ("", "")) -> list[tuple[str, str | None, str | None]]:
    """Elements, algorithms and what is signed; `names` replace the algorithms of the template."""
    swap = dict(zip((f"{DS}rsa-sha1", f"{DS}sha1"), names, strict=True)) if names[0] else {}
    return [
        (str(one.tag), swap.get(one.get("Algorithm", ""), one.get("Algorithm")), one.get("URI"))
        for one in element.iter()
    ]


def _without_signature(root: etree._Element) -> bytes:
    whole = copy.deepcopy(root)
    signature = whole.find(f"{{{DS}}}Signature")
    before, after = signature.getprevious(), signature.tail or ""
    # The library takes the text behind an element away with it, and that text was signed.
    if before is None:
        whole.text = (whole.text or "") + after
    else:
        before.tail = (before.tail or "") + after
    whole.remove(signature)
    return _c14n(whole)


def _c14n(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)


def _digest(name: str, data: bytes) -> bytes:
    return sm2.digest(data) if name.endswith("sm3") else hashlib.sha1(data, usedforsecurity=False).digest()


class Seal:
    """The window's own key, RSA or SM2; its certificate lies beside it as window-cert.pem, for who must trust it."""

    def __init__(self, folder: Path, kind: str = RSA) -> None:
        self._kind = kind
        file = folder / ("window.pem" if kind == RSA else "window-sm2.pem")
        if not file.exists():
            _make(file, kind)
        pem = file.read_bytes()
        self._certificate = x509.load_pem_x509_certificate(pem)
        self._secret, self._key = b"", None
        if kind == SM2:
            self._secret = bytes.fromhex(pem.split(b"\n", 1)[0].decode())
        else:
            key = serialization.load_pem_private_key(pem, None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError(f"{file} holds no RSA key")
            self._key = key
        (folder / "window-cert.pem").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, root: etree._Element) -> None:
        """Add the signature as the last element."""
        signature = etree.fromstring(_template(self._kind))
        name = _algorithm(signature, "DigestMethod")
        digest = base64.b64encode(_digest(name, _c14n(root))).decode()
        root.append(signature)
        _put(signature, "DigestValue", digest)
        data = _c14n(signature[0])
        if self._key is None:
            value = sm2.sign(self._secret, data)
        else:
            value = self._key.sign(data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - as above
        _put(signature, "SignatureValue", base64.b64encode(value).decode())
        _put(signature, "KeyName", f"{self._certificate.serial_number:x}")
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        _put(signature, "X509Certificate", base64.b64encode(der).decode())


def _put(signature: etree._Element, name: str, text: str) -> None:
    for element in signature.iter(f"{{{DS}}}{name}"):
        element.text = text


def _make(file: Path, kind: str) -> None:
    """A key and its certificate of 20 years; the SM2 key stands as hexadecimal digits in the first line."""
    now = datetime.now(UTC)
    first, last = now - timedelta(days=3660), now + timedelta(days=3660)
    if kind == SM2:
        secret = sm2.new_secret()
        certificate = sm2.certificate(secret, "Sandbox single window", first, last)
        private = secret.hex().encode() + b"\n"
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sandbox single window")])
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
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(private + certificate.public_bytes(serialization.Encoding.PEM))
