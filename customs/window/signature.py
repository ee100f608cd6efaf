"""The signature inside a message: W3C XML-DSig, enveloped, over the canonical form of all the rest.

Canonical XML 1.0 without comments, one Reference with an empty URI, KeyInfo with certificate number and certificate
(message specification 202205, cipher guide). SHA-1 with RSA is the older of the two pairs of algorithms customs takes;
`Profile` is where the national pair (SM2 with SM3) joins.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from customs.window.messages import read_tree

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = DS + "enveloped-signature"


class SignatureInvalid(ValueError):
    """The message is not signed as it must be, or not by anybody we trust."""


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


def _rsa_sha1_holds(certificate: x509.Certificate, value: bytes, data: bytes) -> bool:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(value, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - what customs takes
    except InvalidSignature:
        return False
    return True


RSA_SHA1 = Profile(DS + "sha1", DS + "rsa-sha1", _sha1, _rsa_sha1_holds)


@dataclass(frozen=True, slots=True)
class SignedValue:
    """What a signer gives for one SignedInfo."""

    value: bytes
    cert_no: str
    certificate: bytes  # DER


class Signer(Protocol):
    """Who holds the key: a software key in tests, a certified signing server in production.

    `sign` takes the canonical SignedInfo and may raise SigningFailed.
    """

    @property
    def profile(self) -> Profile: ...

    def sign(self, signed_info: bytes) -> SignedValue: ...


def sign_message(xml: bytes, signer: Signer) -> bytes:
    """The message with its signature as the last element. Raises SigningFailed; ValueError when already signed."""
    root = read_tree(xml)
    if root.find(_ds("Signature")) is not None:
        raise ValueError("the message is already signed")
    digest = signer.profile.digest(canonical(root))
    signature = etree.SubElement(root, _ds("Signature"), nsmap={"ds": DS})
    info = _signed_info(signature, signer.profile, digest)
    text = canonical(info)
    signed = signer.sign(text)
    if not signer.profile.holds(x509.load_der_x509_certificate(signed.certificate), signed.value, text):
        raise SigningFailed("the signer gave a value that its own certificate does not confirm")
    _text(signature, "SignatureValue", base64.b64encode(signed.value).decode())
    key_info = etree.SubElement(signature, _ds("KeyInfo"))
    _text(key_info, "KeyName", signed.cert_no)
    data = etree.SubElement(key_info, _ds("X509Data"))
    _text(data, "X509Certificate", base64.b64encode(signed.certificate).decode())
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _signed_info(signature: etree._Element, profile: Profile, digest: bytes) -> etree._Element:
    info = etree.SubElement(signature, _ds("SignedInfo"))
    etree.SubElement(info, _ds("CanonicalizationMethod"), Algorithm=C14N)
    etree.SubElement(info, _ds("SignatureMethod"), Algorithm=profile.signature_uri)
    reference = etree.SubElement(info, _ds("Reference"), URI="")
    transforms = etree.SubElement(reference, _ds("Transforms"))
    etree.SubElement(transforms, _ds("Transform"), Algorithm=ENVELOPED)
    etree.SubElement(reference, _ds("DigestMethod"), Algorithm=profile.digest_uri)
    _text(reference, "DigestValue", base64.b64encode(digest).decode())
    return info


def canonical(element: etree._Element) -> bytes:
    """Canonical XML 1.0 without comments of the element, with the namespaces it inherits."""
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)


def is_signed(root: etree._Element) -> bool:
    """Whether a signature stands anywhere in the tree; `verify` decides whether it is a good one."""
    return next(root.iter(_ds("Signature")), None) is not None


def verify_message(
    xml: bytes, trusted: Collection[x509.Certificate], at: datetime, profiles: Sequence[Profile] = (RSA_SHA1,)
) -> str:
    """As `verify`, from bytes; also raises MessageUnreadable."""
    return verify(read_tree(xml), trusted, at, profiles)


def verify(
    root: etree._Element,
    trusted: Collection[x509.Certificate],
    at: datetime,
    profiles: Sequence[Profile] = (RSA_SHA1,),
) -> str:
    """The certificate number of the trusted signer of this tree. Raises SignatureInvalid.

    Strict, so that what is read is what was signed: one Signature in the whole tree, the last child of the root; one
    Reference, to the whole document; no transform but the enveloped one; only the algorithms of one profile.
    """
    signature = _only_signature(root)
    info = _child(signature, "SignedInfo", first=True)
    profile = _profile(info, profiles)
    if not hmac.compare_digest(profile.digest(_without(root)), _binary(_path(info, "Reference", "DigestValue"))):
        raise SignatureInvalid("the message was changed after it was signed")
    certificate = _certificate(signature, trusted, at)
    if not profile.holds(certificate, _binary(_child(signature, "SignatureValue")), canonical(info)):
        raise SignatureInvalid("the signature value does not hold")
    return _path(signature, "KeyInfo", "KeyName").text or ""


def _only_signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(_ds("Signature")))
    if len(found) != 1 or found[0] is not root[-1]:
        raise SignatureInvalid("there must be one Signature, the last element of the message")
    if any(element.get("Id") is not None for element in found[0].iter()):
        raise SignatureInvalid("parts of the signature must not be addressed")
    return found[0]


def _profile(info: etree._Element, profiles: Sequence[Profile]) -> Profile:
    names = [etree.QName(child).localname for child in info]
    if names != ["CanonicalizationMethod", "SignatureMethod", "Reference"]:
        raise SignatureInvalid("SignedInfo needs a canonicalisation, an algorithm and one Reference")
    reference = _child(info, "Reference")
    if reference.get("URI") != "" or len(reference) != 3:
        raise SignatureInvalid("the Reference must be to the whole document")
    transforms = _child(reference, "Transforms", first=True)
    if [transform.get("Algorithm") for transform in transforms] != [ENVELOPED] or len(transforms[0]):
        raise SignatureInvalid("the only transform is the enveloped signature")
    if info[0].get("Algorithm") != C14N or len(info[0]) or len(info[1]):
        raise SignatureInvalid("the canonicalisation is not the agreed one")
    given = (_child(reference, "DigestMethod").get("Algorithm"), info[1].get("Algorithm"))
    for profile in profiles:
        if given == (profile.digest_uri, profile.signature_uri):
            return profile
    raise SignatureInvalid("the algorithms are not the agreed ones")


def _without(root: etree._Element) -> bytes:
    whole = copy.deepcopy(root)
    signature = whole[-1]
    before = signature.getprevious()
    # lxml takes the text after an element away with it, but that text was signed.
    if signature.tail:
        if before is not None:
            before.tail = (before.tail or "") + signature.tail
        else:
            whole.text = (whole.text or "") + signature.tail
    whole.remove(signature)
    return canonical(whole)


def _certificate(signature: etree._Element, trusted: Collection[x509.Certificate], at: datetime) -> x509.Certificate:
    der = _binary(_path(signature, "KeyInfo", "X509Data", "X509Certificate"))
    for certificate in trusted:
        if certificate.public_bytes(Encoding.DER) == der:
            if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
                raise SignatureInvalid("the certificate is out of its time")
            return certificate
    raise SignatureInvalid("the certificate is not a trusted one")


def _path(element: etree._Element, *names: str) -> etree._Element:
    for name in names:
        element = _child(element, name)
    return element


def _child(parent: etree._Element, name: str, first: bool = False) -> etree._Element:
    found = parent.findall(_ds(name))
    if len(found) != 1 or (first and found[0] is not parent[0]):
        raise SignatureInvalid(f"there must be one {name}")
    return found[0]


def _binary(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise SignatureInvalid(f"{etree.QName(element).localname} is not base64") from fault


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _ds(name)).text = text


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"
