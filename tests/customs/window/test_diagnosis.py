"""A signature that does not hold: the mistakes that signing programs make are told apart."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from lxml import etree

from customs.window.examination import examine
from customs.window.keys import SoftwareSigner, load_signer
from customs.window.messages import DECLARATION, canonical
from customs.window.profiles import DS, RSA_SHA1, SM2_SM3, Profile
from customs.window.signature import sign_message
from tests.customs.window.samples import NOW, unsigned


@pytest.fixture(scope="module")
def rsa(tmp_path_factory) -> SoftwareSigner:
    return load_signer(tmp_path_factory.mktemp("rsa"))


@pytest.fixture(scope="module")
def national(tmp_path_factory) -> SoftwareSigner:
    return load_signer(tmp_path_factory.mktemp("national"), None, "sm2-sm3")


def told(xml: bytes) -> str:
    verdict = examine(xml, None, NOW)
    assert verdict.signed_by is None
    return " ".join(what for check, _, what in verdict.findings if check == "signature")


def with_digest(signer: SoftwareSigner, digest: bytes) -> bytes:
    """A message whose SignedInfo holds this digest, and is signed as it must be."""
    tree = etree.fromstring(sign_message(unsigned("621"), signer))
    tree.find(".//{*}DigestValue").text = base64.b64encode(digest).decode()
    tree.find(".//{*}SignatureValue").text = base64.b64encode(signer.sign(canonical(tree[-1][0])).value).decode()
    return etree.tostring(tree)


def with_value(signer: SoftwareSigner, signed: Callable[[etree._Element], bytes]) -> bytes:
    """A good message whose value is of another text."""
    tree = etree.fromstring(sign_message(unsigned("621"), signer))
    tree.find(".//{*}SignatureValue").text = base64.b64encode(signer.sign(signed(tree[-1][0])).value).decode()
    return etree.tostring(tree)


def rest(xml: bytes) -> bytes:
    tree = etree.fromstring(xml)
    tree.remove(tree[-1])
    return canonical(tree)


def test_a_message_laid_out_afterwards(rsa):
    tree = etree.fromstring(sign_message(unsigned("621"), rsa), etree.XMLParser(remove_blank_text=True))
    assert "white space was added" in told(etree.tostring(tree, pretty_print=True))


def test_a_signature_put_on_a_line_of_its_own(rsa):
    signed = sign_message(unsigned("621"), rsa).replace(b"<ds:Signature ", b"\n  <ds:Signature ")
    assert "white space was added" in told(signed.replace(b"</ds:Signature>", b"</ds:Signature>\n"))


def test_a_digest_of_the_declaration_too(rsa):
    body = unsigned("621").canonical
    signed = sign_message(DECLARATION + body, rsa)
    made = RSA_SHA1.digest(DECLARATION + rest(signed))
    tree = etree.fromstring(signed)
    tree.find(".//{*}DigestValue").text = base64.b64encode(made).decode()
    assert "XML declaration" in told(etree.tostring(tree))


def test_digests_of_another_name(rsa, national):
    """Each signs another guid, so the digest is made of the message that comes out."""
    for signer, digest, word in (
        (rsa, SM2_SM3.digest, "the digest is one of http://www.chinaport.gov.cn/2022/04/xmldsig#sm3"),
        (national, RSA_SHA1.digest, "the digest is one of http://www.w3.org/2000/09/xmldsig#sha1"),
        (rsa, lambda text: hashlib.sha256(text).digest(), "SHA-256"),
    ):
        signed = sign_message(unsigned("621"), signer)
        tree = etree.fromstring(signed)
        tree.find(".//{*}DigestValue").text = base64.b64encode(digest(rest(signed))).decode()
        assert word in told(etree.tostring(tree))


def test_exclusive_form_and_a_digest_of_the_signature_too(rsa):
    signed = etree.fromstring(sign_message(unsigned("621").replace(b" guid=", b' xmlns:x="urn:x" guid=', 1), rsa))
    plain = etree.fromstring(rest(etree.tostring(signed)))
    exclusive = etree.tostring(plain, method="c14n", exclusive=True)
    signed.find(".//{*}DigestValue").text = base64.b64encode(RSA_SHA1.digest(exclusive)).decode()
    assert "exclusive canonical form" in told(etree.tostring(signed))
    signed = etree.fromstring(sign_message(unsigned("621"), rsa))
    empty = etree.fromstring(etree.tostring(signed))
    del empty[-1][:]
    signed.find(".//{*}DigestValue").text = base64.b64encode(RSA_SHA1.digest(canonical(empty))).decode()
    assert "left out of what is digested" in told(etree.tostring(signed))


@pytest.mark.parametrize(
    "signed",
    [
        lambda info: etree.tostring(info, method="c14n", exclusive=True),
        lambda info: canonical(info).replace(b' xmlns:ceb="http://www.chinaport.gov.cn/ceb"', b""),
        lambda info: etree.tostring(info, method="c14n", exclusive=True).replace(f' xmlns:ds="{DS}"'.encode(), b""),
    ],
)
@pytest.mark.parametrize("kind", ["rsa", "national"])
def test_signed_info_signed_outside_of_the_message(kind, signed, request):
    assert "inherits the message's namespaces" in told(with_value(request.getfixturevalue(kind), signed))


def test_signed_info_laid_out_afterwards(rsa):
    signed = sign_message(unsigned("621"), rsa).replace(b"<ds:SignatureMethod", b"\n <ds:SignatureMethod")
    assert "laid out after it was signed" in told(signed)


def test_a_value_of_the_other_kind_of_key(rsa, national):
    class Misnamed:
        def __init__(self, signer: SoftwareSigner, profile: Profile) -> None:
            self.sign, self.profile = signer.sign, profile

    for signer, named, meant in ((national, RSA_SHA1, SM2_SM3), (rsa, SM2_SM3, RSA_SHA1)):
        said = told(sign_message(unsigned("621"), Misnamed(signer, named)))
        assert f"the value is one of {meant.signature_uri}" in said


def test_what_is_none_of_these_is_not_guessed_at(rsa):
    assert told(with_digest(rsa, b"x" * 20)) == "the message was changed after it was signed"
    assert told(with_value(rsa, lambda info: b"something else")) == "the signature value does not hold"
