"""Signing, and the refusal of every message that is not exactly what a trusted party signed."""

import base64
import json
import os
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier

from customs.window.keys import HttpSigner, SoftwareSigner, load_signer, load_trusted, make_test_key
from customs.window.messages import MessageUnreadable, build, parse
from customs.window.profiles import DS, RSA_SHA1, SM2_SM3, SigningFailed
from customs.window.schema import xsd
from customs.window.signature import C14N, SignatureInvalid, sign_message, verify_message
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER, documents, filing

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SHA1_TAKEN = SignatureConfiguration(
    require_x509=True,
    signature_methods=frozenset({SignatureMethod.RSA_SHA1}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA1}),
)


@pytest.fixture(scope="module")
def signer(tmp_path_factory) -> SoftwareSigner:
    return load_signer(tmp_path_factory.mktemp("signer"), "CERT0001")


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> SoftwareSigner:
    return load_signer(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def xml() -> bytes:
    return build("621", [documents(filing())["621"]], TRANSFER, new_guid())


@pytest.fixture(scope="module")
def signed(xml, signer) -> bytes:
    return sign_message(xml, signer)


def ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def test_a_signed_list_satisfies_the_schema_and_reads_as_before(xml, signed):
    assert etree.XMLSchema(etree.fromstring(xsd("621"))).validate(etree.fromstring(signed))
    assert parse(signed) == parse(xml)


def test_our_own_check_names_the_signer(signed, signer):
    assert verify_message(signed, [signer.certificate], NOW) == "CERT0001"


def test_an_independent_verifier_agrees(signed, signer):
    pem = signer.certificate.public_bytes(Encoding.PEM).decode()
    result = XMLVerifier().verify(signed, x509_cert=pem, expect_config=SHA1_TAKEN)
    assert result.signed_xml.tag.endswith("CEB621Message")


def test_the_signature_names_the_agreed_algorithms(signed):
    signature = etree.fromstring(signed)[-1]
    assert [element.get("Algorithm") for element in signature.iter() if element.get("Algorithm")] == [
        C14N,
        f"{DS}rsa-sha1",
        f"{DS}enveloped-signature",
        f"{DS}sha1",
    ]
    assert signature.find(f".//{ds('Reference')}").get("URI") == ""
    assert signature.findtext(f"{ds('KeyInfo')}/{ds('KeyName')}") == "CERT0001"


def test_the_same_message_gives_the_same_signature(xml, signed, signer):
    assert sign_message(xml, signer) == signed
    with pytest.raises(ValueError, match="already signed"):
        sign_message(signed, signer)


def test_a_built_message_and_the_same_text_are_signed_alike(xml, signed, signer):
    assert sign_message(bytes(xml), signer) == signed


@pytest.mark.parametrize(
    "opening",
    [
        b'xmlns="urn:other" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:aa="urn:a"',
        b'xmlns:ds="urn:not-a-signature"',
        b'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xml:lang="zh"',
        b'xml:space="preserve" xmlns:zz="urn:z"',
    ],
)
def test_a_text_of_somebody_else_is_signed_as_it_will_be_read(opening, xml, signer):
    theirs = xml.replace(b"guid=", opening + b" guid=", 1).replace(
        b"><ceb:Inventory>", b"><!-- note -->\n <ceb:Inventory>"
    )
    signed = sign_message(theirs, signer)
    assert verify_message(signed, [signer.certificate], NOW) == "CERT0001"
    pem = signer.certificate.public_bytes(Encoding.PEM).decode()
    assert XMLVerifier().verify(signed, x509_cert=pem, expect_config=SHA1_TAKEN).signed_xml is not None


def refused(xml: bytes, *trusted: SoftwareSigner, at: datetime = NOW) -> str:
    with pytest.raises(SignatureInvalid) as caught:
        verify_message(xml, [signer.certificate for signer in trusted], at)
    return str(caught.value)


def test_a_changed_value_is_refused(signed, signer):
    assert "changed" in refused(signed.replace(b"LF202611230001", b"LF202611230002"), signer)


def test_added_text_and_attributes_are_refused(signed, signer):
    tree = etree.fromstring(signed)
    tree.set("version", "2.0")
    assert "changed" in refused(etree.tostring(tree), signer)
    tree = etree.fromstring(signed)
    tree[-1].tail = "extra"
    assert "changed" in refused(etree.tostring(tree), signer)


def test_strangers_and_their_certificates_are_refused(xml, signed, signer, other):
    assert "trusted" in refused(signed, other)
    assert "trusted" in refused(signed)
    assert "trusted" in refused(sign_message(xml, other), signer)


def test_a_stolen_certificate_without_its_key_is_refused(xml, signer, other):
    forged = sign_message(xml, other)
    theirs, ours = (base64.b64encode(s.certificate.public_bytes(Encoding.DER)) for s in (other, signer))
    assert "value" in refused(forged.replace(theirs, ours), signer)


def test_a_certificate_out_of_its_time_is_refused(signed, signer):
    assert "time" in refused(signed, signer, at=NOW + timedelta(days=8000))


def test_a_missing_doubled_or_moved_signature_is_refused(xml, signed, signer):
    assert "one Signature" in refused(xml, signer)
    tree = etree.fromstring(signed)
    tree.append(etree.fromstring(etree.tostring(tree[-1])))
    assert "one Signature" in refused(etree.tostring(tree), signer)
    tree = etree.fromstring(signed)
    tree.insert(0, tree[-1])
    assert "last element" in refused(etree.tostring(tree), signer)


def test_namespaces_that_canonical_form_does_not_know_or_cannot_bear_are_refused(signed, signer):
    many = b"".join(b' xmlns:n%d="u:%d"' % (n, n) for n in range(1000))
    for declared in (b' xmlns:n="relative"', many):
        with pytest.raises(MessageUnreadable):
            verify_message(signed.replace(b' version="1.0"', declared + b' version="1.0"'), [signer.certificate], NOW)


def test_a_certificate_around_what_is_no_key_confirms_nothing(signer):
    der = signer.certificate.public_bytes(Encoding.DER)
    exponent = bytes.fromhex("0203010001")
    assert der.count(exponent) == 1
    broken = x509.load_der_x509_certificate(der.replace(exponent, bytes.fromhex("0203000000")))
    assert not RSA_SHA1.holds(broken, b"x" * 256, b"x")


def test_wrapping_the_signed_message_is_refused(signed, signer):
    """The signed list goes into a side element, a forged one takes its place."""
    outer = etree.fromstring(signed.replace(b"LF202611230001", b"LF202611230002"))
    wrapper = etree.SubElement(outer, "wrapper")
    wrapper.append(etree.fromstring(signed))
    refused(etree.tostring(outer), signer)


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("CanonicalizationMethod", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#"),
        ("SignatureMethod", "Algorithm", f"{DS}hmac-sha1"),
        ("DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmlenc#sha256"),
        ("Transform", "Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        ("Reference", "URI", "#part"),
    ],
)
def test_other_algorithms_and_references_are_refused(signed, signer, name, attribute, value):
    tree = etree.fromstring(signed)
    tree.find(f".//{ds(name)}").set(attribute, value)
    refused(etree.tostring(tree), signer)


def test_a_second_reference_or_transform_is_refused(signed, signer):
    for name in ("Reference", "Transform"):
        tree = etree.fromstring(signed)
        element = tree.find(f".//{ds(name)}")
        element.getparent().append(etree.fromstring(etree.tostring(element)))
        refused(etree.tostring(tree), signer)


def test_who_reads_the_certificates_finds_them_whole(tmp_path):
    """A second start leaves them alone, and a new key's come in the place of the old file, not into it."""
    make_test_key(tmp_path)
    file = tmp_path / "signer-cert.pem"
    with file.open("rb") as before:
        make_test_key(tmp_path)
        assert file.stat().st_ino == os.fstat(before.fileno()).st_ino
        make_test_key(tmp_path, SM2_SM3)
        assert len(x509.load_pem_x509_certificates(before.read())) == 1
    assert len(load_trusted(file)) == 2


def test_the_test_key_is_made_once_and_kept_private(tmp_path):
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(make_test_key(tmp_path).read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    assert (tmp_path / "signer.pem").stat().st_mode & 0o077 == 0
    assert load_trusted(tmp_path / "signer-cert.pem") == (load_signer(tmp_path).certificate,)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["signer-cert.pem", "signer.pem"]
    assert load_trusted(None) == ()


class SigningServer:
    """A loopback signing server whose answers a test decides."""

    def __init__(self, answer) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, data = answer(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/sign"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_a_signing_server_can_hold_the_key(xml, signer):
    def answer(body):
        assert (body["certNo"], body["algorithm"]) == ("REMOTE1", f"{DS}rsa-sha1")
        made = signer.sign(base64.b64decode(body["data"]))
        parts = {"value": made.value, "certificate": made.certificate}
        return 200, json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()}).encode()

    with SigningServer(answer) as server:
        signed = sign_message(xml, HttpSigner(server.url, "REMOTE1"))
    assert verify_message(signed, [signer.certificate], NOW) == "REMOTE1"


def test_a_failing_signing_server_gives_no_signature(xml, signer, other):
    wrong = {
        "value": base64.b64encode(other.sign(b"x").value).decode(),
        "certificate": base64.b64encode(signer.certificate.public_bytes(Encoding.DER)).decode(),
    }
    for status, data in [(500, b""), (200, b"no"), (200, b"{}"), (200, b"[]"), (200, json.dumps(wrong).encode())]:
        with SigningServer(lambda _, s=status, d=data: (s, d)) as server, pytest.raises(SigningFailed):
            sign_message(xml, HttpSigner(server.url, "REMOTE1"))
    with pytest.raises(SigningFailed):
        sign_message(xml, HttpSigner("http://127.0.0.1:1/sign", "REMOTE1"))
