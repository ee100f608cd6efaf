"""Why a signature does not hold: the usual mistakes of signing programs, each tried out.

A digest that differs says only that something does. So what was probably digested or signed instead is made anew, and
when one of these fits, that was the mistake.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator

from cryptography import x509
from lxml import etree

from customs.window.messages import DECLARATION, canonical
from customs.window.profiles import PROFILES
from customs.window.signature import CHANGED, NOT_HELD, SignatureInvalid, parts_of, without_signature


def cause(fault: SignatureInvalid, root: etree._Element, certificate: x509.Certificate) -> str | None:
    """The mistake behind a fault of `verify`, as one sentence; None when it is none of these."""
    if str(fault) == CHANGED:
        return _cause_of_digest(root)
    return _cause_of_value(root, certificate) if str(fault) == NOT_HELD else None


def _cause_of_digest(root: etree._Element) -> str | None:
    parts = parts_of(root)
    for what, text in _digested_instead(root):
        if parts.profile.digest(text) == parts.digest:
            return what
    whole = without_signature(root)
    for profile in PROFILES:
        if profile.digest(whole) == parts.digest:
            return f"the digest is one of {profile.digest_uri}, but DigestMethod names {parts.profile.digest_uri}"
    if hashlib.sha256(whole).digest() == parts.digest:
        return "the digest is one of SHA-256, which customs does not take"
    return None


def _digested_instead(root: etree._Element) -> Iterator[tuple[str, bytes]]:
    whole = copy.deepcopy(root)
    signature = whole[-1]
    for tidy in (_without_blanks_beside, _without_blanks):
        tidied = copy.deepcopy(whole)
        tidy(tidied)
        yield (
            "white space was added after the digest was taken: sign what is sent, as it is sent",
            without_signature(tidied),
        )
    rest = without_signature(root)
    yield "the XML declaration was digested; canonical form has none", DECLARATION + rest
    yield "the XML declaration was digested; canonical form has none", DECLARATION.rstrip() + rest
    exclusive = copy.deepcopy(whole)
    exclusive.remove(exclusive[-1])
    yield "the digest is of exclusive canonical form; customs takes the inclusive one", _exclusive(exclusive)
    yield "the signature element was digested too; it is left out of what is digested", canonical(whole)
    del signature[:]
    yield "the signature element was digested too; it is left out of what is digested", canonical(whole)


def _without_blanks_beside(whole: etree._Element) -> None:
    """As if the signature had been put in without a line of its own."""
    before, signature = whole[-1].getprevious(), whole[-1]
    if before is not None and not (before.tail or "").strip():
        before.tail = None
    if not (signature.tail or "").strip():
        signature.tail = None


def _without_blanks(whole: etree._Element) -> None:
    """As if nobody had laid the message out."""
    for element in whole.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None


def _cause_of_value(root: etree._Element, certificate: x509.Certificate) -> str | None:
    parts = parts_of(root)
    for what, text in _signed_instead(parts.info):
        if parts.profile.holds(certificate, parts.value, text):
            return what
    for profile in PROFILES:
        if profile is not parts.profile and profile.holds(certificate, parts.value, canonical(parts.info)):
            return f"the value is one of {profile.signature_uri}, but SignatureMethod names another"
    return None


def _signed_instead(info: etree._Element) -> Iterator[tuple[str, bytes]]:
    inside = "SignedInfo was signed outside of the message; inside it inherits the message's namespaces"
    alone = etree.fromstring(_exclusive(info))
    tidied = copy.deepcopy(alone)
    _without_blanks(tidied)
    for each in (alone, tidied):
        yield inside, canonical(each)
        yield inside, etree.tostring(each)
    pieces = canonical(alone)
    yield inside, pieces.replace(b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', b"", 1)
    laid_out = copy.deepcopy(info.getroottree().getroot())
    _without_blanks(laid_out)
    yield "SignedInfo was laid out after it was signed: send it as it was signed", canonical(laid_out[-1][0])


def _exclusive(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
