"""The signature inside a message: W3C XML-DSig, enveloped, over the canonical form of all the rest.

Canonical XML 1.0 without comments, one Reference with an empty URI, KeyInfo with certificate number and certificate
(message specification 202205, cipher guide). The algorithms are a `Profile`: RSA with SHA-1, or SM2 with SM3.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from customs.window.messages import DECLARATION, Built, canonical, read_tree
from customs.window.profiles import DS, PROFILES, Profile, Signer
from customs.window.tables import NAMESPACE

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = DS + "enveloped-signature"
# Written in its canonical form, so that what we sign is what stands in the message.
_INFO = (
    f'<ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="%s"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{ENVELOPED}"></ds:Transform></ds:Transforms>'
    '<ds:DigestMethod Algorithm="%s"></ds:DigestMethod><ds:DigestValue>%s</ds:DigestValue></ds:Reference>'
).encode()
_SIGNATURE = (
    f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>%s</ds:SignedInfo><ds:SignatureValue>%s</ds:SignatureValue>'
    "%s</ds:Signature>"
).encode()
_KEY = (
    "<ds:KeyInfo><ds:KeyName>{}</ds:KeyName><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>"
    "</ds:KeyInfo>"
)
# SignedInfo alone inherits the namespaces of the message around it.
_ALONE = f'<ds:SignedInfo xmlns:ceb="{NAMESPACE}" xmlns:ds="{DS}">%s</ds:SignedInfo>'.encode()

CHANGED = "the message was changed after it was signed"
NOT_HELD = "the signature value does not hold"


class SignatureInvalid(ValueError):
    """The message is not signed as it must be, or not by anybody we trust."""


def sign_message(xml: bytes, signer: Signer) -> bytes:
    """The message with its signature as the last element. Raises SigningFailed; ValueError when already signed.

    What `build` has just made is signed as it stands; any other text is read and put into canonical form first.
    """
    body = xml.canonical if isinstance(xml, Built) else _canonical_unsigned(xml)
    profile = signer.profile
    info = _INFO % (
        profile.signature_uri.encode(),
        profile.digest_uri.encode(),
        base64.b64encode(profile.digest(body)),
    )
    signed = signer.sign(_ALONE % info if isinstance(xml, Built) else _alone(body, info))
    return _with_signature(body, info, base64.b64encode(signed.value), _key_info(signed.cert_no, signed.certificate))


@lru_cache(16)
def _key_info(cert_no: str, certificate: bytes) -> bytes:
    return _KEY.format(escape(cert_no), base64.b64encode(certificate).decode()).encode()


def _canonical_unsigned(xml: bytes) -> bytes:
    root = read_tree(xml)
    if is_signed(root):
        raise ValueError("the message is already signed")
    return canonical(root)


def _alone(body: bytes, info: bytes) -> bytes:
    """SignedInfo as it will be canonicalised inside this message, whose root may declare more than ours."""
    return canonical(etree.fromstring(_with_signature(body, info, b"", b""))[-1][0])


def _with_signature(body: bytes, info: bytes, value: bytes, key: bytes) -> bytes:
    end = body.rindex(b"</")
    return b"".join((DECLARATION, body[:end], _SIGNATURE % (info, value, key), body[end:]))


def is_signed(root: etree._Element) -> bool:
    """Whether a signature stands anywhere in the tree; `verify` decides whether it is a good one."""
    return next(root.iter(_ds("Signature")), None) is not None


def verify_message(
    xml: bytes, trusted: Collection[x509.Certificate], at: datetime, profiles: Sequence[Profile] = PROFILES
) -> str:
    """As `verify`, from bytes; also raises MessageUnreadable."""
    return verify(read_tree(xml), trusted, at, profiles)


def verify(
    root: etree._Element,
    trusted: Collection[x509.Certificate],
    at: datetime,
    profiles: Sequence[Profile] = PROFILES,
) -> str:
    """The certificate number of the trusted signer of this tree. Raises SignatureInvalid.

    Strict, so that what is read is what was signed: one Signature in the whole tree, the last child of the root; one
    Reference, to the whole document; no transform but the enveloped one; only the algorithms of one profile.
    """
    parts = parts_of(root, profiles)
    if not hmac.compare_digest(parts.profile.digest(without_signature(root)), parts.digest):
        raise SignatureInvalid(CHANGED)
    certificate = _certificate(parts.element, trusted, at)
    if not parts.profile.holds(certificate, parts.value, canonical(parts.info)):
        raise SignatureInvalid(NOT_HELD)
    return _path(parts.element, "KeyInfo", "KeyName").text or ""


@dataclass(frozen=True, slots=True)
class Parts:
    """A signature of the agreed form, before anything is checked against it."""

    element: etree._Element
    info: etree._Element
    profile: Profile
    digest: bytes
    value: bytes


def parts_of(root: etree._Element, profiles: Sequence[Profile] = PROFILES) -> Parts:
    """The one signature of this tree. Raises SignatureInvalid."""
    element = _only_signature(root)
    info = _child(element, "SignedInfo", first=True)
    profile = _profile(info, profiles)
    digest, value = _path(info, "Reference", "DigestValue"), _child(element, "SignatureValue")
    return Parts(element, info, profile, _binary(digest), _binary(value))


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


def without_signature(root: etree._Element) -> bytes:
    """What the digest is taken of: the message in canonical form but for its signature."""
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


def enclosed_certificate(root: etree._Element) -> x509.Certificate:
    """The certificate that came with the signature; whether to believe it is another question. SignatureInvalid."""
    der = _binary(_path(_only_signature(root), "KeyInfo", "X509Data", "X509Certificate"))
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as fault:
        raise SignatureInvalid("X509Certificate is not a certificate") from fault


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


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"
