"""Both pairs of algorithms, checked and made by the window itself, against the house's own code and each other."""

import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from customs.window.keys import load_signer
from customs.window.messages import build
from customs.window.signature import sign_message, verify_message
from customs.window.values import new_guid
from sandboxes.window.layout import Unreadable, read
from sandboxes.window.signing import CHANGED, MISSING, SM2, WRONG, Seal, Trust, fault_of
from tests.customs.window.facts import FILED_AT, TRANSFER, documents, filing
from tests.sandboxes.window.office import numbered

NOBODY = Trust(None)


@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signers")
    return {profile: load_signer(folder / profile, "C1", profile) for profile in ("rsa-sha1", "sm2-sm3")}


@pytest.mark.parametrize("profile", ["rsa-sha1", "sm2-sm3"])
def test_each_profile_is_checked(signers, profile, tmp_path):
    listed = documents(filing())["621"]
    xml = sign_message(build("621", [listed], TRANSFER, new_guid()), signers[profile])
    assert fault_of(etree.fromstring(xml), NOBODY) is None
    changed = xml.replace("张三".encode(), "李三".encode())
    assert fault_of(etree.fromstring(changed), NOBODY) == CHANGED
    forged = etree.fromstring(xml)
    value = forged.find(".//{*}SignatureValue")
    value.text = ("B" if value.text.startswith("A") else "A") + value.text[1:]
    assert fault_of(forged, NOBODY) == WRONG
    # The other key's certificate under this signature.
    other = next(signer for name, signer in signers.items() if name != profile)
    swapped = etree.fromstring(xml)
    swapped.find(".//{*}X509Certificate").text = _base64(other)
    assert fault_of(swapped, NOBODY) == WRONG
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(other.certificate.public_bytes(Encoding.PEM))
    assert fault_of(etree.fromstring(xml), Trust(trusted)) == WRONG
    trusted.write_bytes(signers[profile].certificate.public_bytes(Encoding.PEM))
    assert fault_of(etree.fromstring(xml), Trust(trusted)) is None


def _base64(signer) -> str:
    import base64

    return base64.b64encode(signer.certificate.public_bytes(Encoding.DER)).decode()


def test_unsigned_twice_signed_and_foreign_algorithms(signers):
    plain = build("621", [documents(filing())["621"]], TRANSFER, new_guid())
    assert fault_of(etree.fromstring(plain), NOBODY) == MISSING
    signed = etree.fromstring(sign_message(plain, signers["rsa-sha1"]))
    twice = etree.fromstring(etree.tostring(signed))
    twice.append(etree.fromstring(etree.tostring(signed[-1])))
    assert fault_of(twice, NOBODY) == WRONG
    for name, uri in (("SignatureMethod", "sha512"), ("CanonicalizationMethod", "c14n"), ("DigestMethod", "md5")):
        other = etree.fromstring(etree.tostring(signed))
        other.find(f".//{{*}}{name}").set("Algorithm", f"urn:{uri}")
        assert fault_of(other, NOBODY) == WRONG
    part = etree.fromstring(etree.tostring(signed))
    part.find(".//{*}Reference").set("URI", "#part")
    assert fault_of(part, NOBODY) == WRONG


def test_how_a_signature_is_laid_out_does_not_matter(signers):
    """Base64 in lines, and a line break behind the signature, as other signing programs write them."""
    plain = build("621", [documents(filing())["621"]], TRANSFER, new_guid())
    ended = bytes(plain).replace(b"</ceb:CEB621Message>", b"\n</ceb:CEB621Message>")
    xml = sign_message(ended, signers["rsa-sha1"])
    start, end = xml.index(b"\n<ds:Signature "), xml.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    behind = etree.fromstring(xml[:start] + xml[start + 1 : end] + b"\n" + xml[end:])
    assert fault_of(behind, NOBODY) is None
    laid_out = etree.fromstring(xml)
    for name in ("SignatureValue", "X509Certificate"):
        element = laid_out.find(f".//{{*}}{name}")
        element.text = "\n".join(re.findall(".{1,76}", element.text))
    assert fault_of(laid_out, NOBODY) is None


def test_what_has_no_canonical_form_is_refused(signers):
    xml = sign_message(build("621", [documents(filing())["621"]], TRANSFER, new_guid()), signers["rsa-sha1"])
    assert fault_of(read(xml.replace(b' version="1.0"', b' xmlns:n="relative" version="1.0"')).root, NOBODY) == WRONG
    many = b"".join(b' xmlns:n%d="u:%d"' % (n, n) for n in range(1000))
    with pytest.raises(Unreadable):
        read(xml.replace(b' version="1.0"', many + b' version="1.0"'))


@pytest.mark.parametrize("kind", ["rsa", SM2])
def test_a_seal_is_verified_by_the_house(tmp_path, kind):
    root = etree.fromstring(
        '<CEB900Message xmlns="http://www.chinaport.gov.cn/ceb" guid="x" version="1.0"><a/></CEB900Message>'
    )
    Seal(tmp_path, kind).sign(root)
    certificate = x509.load_pem_x509_certificate((tmp_path / "window-cert.pem").read_bytes())
    assert verify_message(etree.tostring(root), [certificate], FILED_AT)
    assert fault_of(root, Trust(tmp_path / "window-cert.pem")) is None
    # Started again, it signs with the same key.
    Seal(tmp_path, kind)
    again = x509.load_pem_x509_certificate((tmp_path / "window-cert.pem").read_bytes())
    assert again == certificate
    assert (tmp_path / ("window.pem" if kind == "rsa" else "window-sm2.pem")).stat().st_mode & 0o077 == 0


def test_national_signatures_both_ways(make_office, signers, number, tmp_path):
    office = make_office("--sign", "sm2")
    office.signer = signers["sm2-sm3"]
    trusted = x509.load_pem_x509_certificate((office.folder / "window-cert.pem").read_bytes())
    made = documents(numbered(filing(), number))
    office.send("621", made["621"])
    office.listener.wait("622", "-621029")  # the window has only the certificate of the other key on file
    verified = [verify_message(xml, [trusted], FILED_AT) for xml in office.listener.got]
    assert verified


def test_a_national_signature_leads_to_release(tmp_path, signers, number):
    from tests.sandboxes.window.office import Listener, Office

    office = Office(tmp_path / "window", Listener(), signers["sm2-sm3"])
    try:
        office.file(numbered(filing(), number))
        office.listener.wait("622", "800")
    finally:
        office.close()
        office.listener.close()
