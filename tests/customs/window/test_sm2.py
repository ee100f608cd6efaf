"""SM2 with SM3: the standard's own example, what OpenSSL made, and messages signed and checked with it."""

import base64
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gmalg
import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from customs import filing_documents
from customs.window import sm2
from customs.window.keys import HttpSigner, SoftwareSigner, load_signer, load_trusted, make_test_key
from customs.window.profiles import NATIONAL, PROFILES, RSA_SHA1, SIGNING, SM2_SHA1, SM2_SM3, SigningFailed
from customs.window.signature import SignatureInvalid, sign_message, verify_message
from tests.customs.window.samples import NOW, unsigned
from tests.customs.window.test_signature import SigningServer

# Made by OpenSSL 3.0 with the identity that both sides take when none was agreed.
ELSEWHERE = x509.load_pem_x509_certificate(Path(__file__).with_name("made_elsewhere.pem").read_bytes())
THEIR_VALUE = base64.b64decode(
    "MEUCIQDKG1DU0LWRQndxsWkHXoqpj4FTHpsJ+sXBcQQ9xwkxaQIgZIu0vLwOXoX57Ha1P7NaeaC+m2AEiId8B6dRux/PQzE="
)
THEIR_TEXT = b"message of customs"


@pytest.fixture(scope="module")
def national(tmp_path_factory) -> SoftwareSigner:
    return load_signer(tmp_path_factory.mktemp("national"), "CERT0002", "sm2-sm3")


@pytest.fixture(scope="module")
def rsa(tmp_path_factory) -> SoftwareSigner:
    return load_signer(tmp_path_factory.mktemp("rsa"), "CERT0001")


@pytest.fixture(scope="module")
def signed(national) -> bytes:
    return sign_message(unsigned("621"), national)


def refused(xml: bytes, *trusted: SoftwareSigner) -> str:
    with pytest.raises(SignatureInvalid) as caught:
        verify_message(xml, [each.certificate for each in trusted], NOW)
    return str(caught.value)


def test_the_example_of_the_standard(monkeypatch):
    """GB/T 32918.5, A.2: key, identity, message and signature on the recommended curve."""
    key = sm2.SecretKey(bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"))
    assert key.public.hex().upper() == (
        "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    )
    nonce = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
    monkeypatch.setattr(gmalg.sm2.SM2Core, "_randint", lambda self, low, high: nonce)
    assert key.sign(b"message digest").hex().upper() == (
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
        "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    )


def test_what_another_library_made_is_read_and_holds():
    assert sm2.holds(ELSEWHERE, THEIR_VALUE, THEIR_TEXT)
    plain = sm2.plain_value(THEIR_VALUE)
    assert plain is not None
    assert len(plain) == 64
    assert sm2.holds(ELSEWHERE, plain, THEIR_TEXT)
    assert sm2.holds(ELSEWHERE, ELSEWHERE.signature, ELSEWHERE.tbs_certificate_bytes)
    assert not sm2.holds(ELSEWHERE, THEIR_VALUE, THEIR_TEXT + b".")


def test_a_certificate_may_say_its_algorithm_with_empty_parameters(national):
    """As several Chinese authorities write it: an object identifier, then NULL."""
    bare, full = bytes.fromhex("300a06082a811ccf55018375"), bytes.fromhex("300c06082a811ccf550183750500")
    der, body = national.certificate.public_bytes(Encoding.DER), national.certificate.tbs_certificate_bytes
    head = 2 + (body[1] & 0x7F if body[1] & 0x80 else 0)
    assert body.count(bare) == 1

    def sequence(content: bytes) -> bytes:
        size = bytes([0x81, len(content)]) if len(content) < 256 else b"\x82" + len(content).to_bytes(2, "big")
        return b"\x30" + size + content

    rest = der[der.index(body) + len(body) :]
    fresh = sequence(body[head:].replace(bare, full))
    certificate = x509.load_der_x509_certificate(sequence(fresh + rest.replace(bare, full)))
    assert sm2.holds(certificate, national.sign(b"text").value, b"text")


def test_threads_share_a_key_and_a_certificate(national):
    """The library's object keeps a hash in it: shared, it gave every third signature wrong."""
    failed: list[bytes] = []

    def work(number: int) -> None:
        for turn in range(10):
            text = b"%d %d " % (number, turn) * 50
            if not sm2.holds(national.certificate, national.sign(text).value, text):
                failed.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert failed == []


@pytest.mark.parametrize(
    "value",
    [b"", b"\x30", b"\0" * 64, b"\xff" * 64, THEIR_VALUE[:-1], THEIR_VALUE + b"\0", b"x" * 63, b"\x30\x06\x02\x01\xff\x02\x01\x01"],
)  # fmt: skip
def test_what_is_no_signature_does_not_hold(value):
    assert not sm2.holds(ELSEWHERE, value, THEIR_TEXT)


def test_keys_of_another_kind_are_not_ours(rsa):
    assert sm2.public_key(rsa.certificate) is None
    assert not sm2.holds(rsa.certificate, THEIR_VALUE, THEIR_TEXT)
    assert not RSA_SHA1.holds(ELSEWHERE, b"x" * 256, b"")
    assert sm2.secret_key(b"no key") is None
    for outside in (b"", b"\0" * 32, b"\xff" * 32):
        with pytest.raises(ValueError, match="not a private key"):
            sm2.SecretKey(outside)


def test_a_made_key_is_read_in_both_of_its_forms():
    first = datetime(2016, 1, 1, tzinfo=UTC)
    pem = sm2.make_pem("test", first, first + timedelta(days=20_000))
    certificate, key = x509.load_pem_x509_certificate(pem), sm2.secret_key(pem)
    assert key is not None
    assert sm2.public_key(certificate) == key.public
    assert (certificate.not_valid_before_utc, certificate.not_valid_after_utc.year) == (first, 2070)
    assert sm2.holds(certificate, certificate.signature, certificate.tbs_certificate_bytes)
    older = asn1.encode_der(sm2._Secret(version=1, secret=key.secret, curve=sm2.CURVE, public=None))
    for label in ("EC", "SM2"):
        text = f"-----BEGIN {label} PRIVATE KEY-----\n{base64.b64encode(older).decode()}\n-----END {label} PRIVATE KEY-----\n"
        again = sm2.secret_key(text.encode())
        assert again is not None
        assert again.secret == key.secret


def test_a_message_names_the_algorithms_of_2022(signed, national):
    signature = etree.fromstring(signed)[-1]
    found = [element.get("Algorithm") for element in signature.iter() if "Method" in str(element.tag)]
    assert found[1:] == [f"{NATIONAL}sm2-sm3", f"{NATIONAL}sm3"]
    assert len(base64.b64decode(signature.findtext(".//{*}SignatureValue"))) == 64
    assert len(base64.b64decode(signature.findtext(".//{*}DigestValue"))) == 32
    assert verify_message(signed, [national.certificate], NOW) == "CERT0002"


def test_a_changed_or_foreign_message_is_refused(signed, national, rsa, tmp_path):
    assert "changed" in refused(signed.replace(b"LF202611230001", b"LF202611230002"), national)
    assert "trusted" in refused(signed, rsa)
    stranger = load_signer(tmp_path, "CERT0002", "sm2-sm3")
    forged = sign_message(unsigned("621"), stranger)
    theirs, ours = (base64.b64encode(each.certificate.public_bytes(Encoding.DER)) for each in (stranger, national))
    assert "value" in refused(forged.replace(theirs, ours), national)


def test_both_profiles_are_trusted_from_one_file(tmp_path):
    signers = [load_signer(tmp_path, None, name) for name in ("rsa-sha1", "sm2-sm3")]
    trusted = load_trusted(tmp_path / "signer-cert.pem")
    for signer in signers:
        assert verify_message(sign_message(unsigned("621"), signer), trusted, NOW) == signer.cert_no


class Mixed:
    """A signer as one is found in the field: SM2, but the first digest and a name that W3C never gave."""

    profile = SM2_SHA1

    def __init__(self, signer: SoftwareSigner) -> None:
        self.sign = signer.sign


def test_the_mixture_of_the_field_is_read_but_never_written(national):
    xml = sign_message(unsigned("621"), Mixed(national))
    assert verify_message(xml, [national.certificate], NOW) == "CERT0002"
    assert "changed" in refused(xml.replace(b"LF202611230001", b"LF202611230002"), national)
    with pytest.raises(SignatureInvalid, match="algorithms"):
        verify_message(xml, [national.certificate], NOW, (RSA_SHA1, SM2_SM3))
    assert SM2_SHA1 not in SIGNING.values()


def test_no_other_mixture_is_read(signed, national, rsa):
    """Names changed after signing break the signature, and no other pair of names is a profile."""
    known = {(profile.digest_uri, profile.signature_uri) for profile in PROFILES}
    uris = [uri for pair in known for uri in pair]
    for digest in uris:
        for method in uris:
            if (digest, method) == (SM2_SM3.digest_uri, SM2_SM3.signature_uri):
                continue
            tree = etree.fromstring(signed)
            tree.find(".//{*}DigestMethod").set("Algorithm", digest)
            tree.find(".//{*}SignatureMethod").set("Algorithm", method)
            refused(etree.tostring(tree), national, rsa)


@pytest.mark.parametrize("form", ["plain", "der"])
def test_a_signing_server_may_hold_an_sm2_key(form, national):
    def answer(body):
        assert (body["certNo"], body["algorithm"]) == ("REMOTE2", f"{NATIONAL}sm2-sm3")
        value = national.sign(base64.b64decode(body["data"])).value
        if form == "der":
            value = asn1.encode_der(sm2._Pair(r=int.from_bytes(value[:32], "big"), s=int.from_bytes(value[32:], "big")))
        der = national.certificate.public_bytes(Encoding.DER)
        return 200, json.dumps(
            {"value": base64.b64encode(value).decode(), "certificate": base64.b64encode(der).decode()}
        ).encode()

    with SigningServer(answer) as server:
        signed = sign_message(unsigned("621"), HttpSigner(server.url, "REMOTE2", SM2_SM3))
    assert len(base64.b64decode(etree.fromstring(signed).findtext(".//{*}SignatureValue"))) == 64
    assert verify_message(signed, [national.certificate], NOW) == "REMOTE2"


def test_a_signing_server_of_the_other_kind_gives_no_signature(national, rsa):
    def answer(body):
        made = rsa.sign(base64.b64decode(body["data"]))
        parts = {"value": made.value, "certificate": made.certificate}
        return 200, json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()}).encode()

    with SigningServer(answer) as server, pytest.raises(SigningFailed):
        sign_message(unsigned("621"), HttpSigner(server.url, "REMOTE2", SM2_SM3))


def test_a_key_without_its_own_certificate_is_refused(tmp_path):
    a, b = (make_test_key(tmp_path / name, SM2_SM3).read_bytes() for name in ("a", "b"))
    key, certificate = a.split(b"-----BEGIN CERT")[0], b"-----BEGIN CERT" + b.split(b"-----BEGIN CERT")[1]
    with pytest.raises(ValueError, match="not that of the signing key"):
        SoftwareSigner(key + certificate)


def test_the_settings_choose_the_profile(monkeypatch, tmp_path):
    class Settings:
        signer_url, signer_cert_no, var, signer_profile = None, "CERT0003", tmp_path, "sm2-sm3"

    monkeypatch.setattr(filing_documents.config, "current", Settings)
    signer = filing_documents.signer()
    assert signer.profile is SM2_SM3
    Settings.signer_url = "http://127.0.0.1:9/sign"
    assert filing_documents.signer().profile is SM2_SM3
    Settings.signer_profile = "rsa-sha1"
    assert filing_documents.signer().profile is RSA_SHA1
