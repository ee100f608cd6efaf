"""`flask window sign|verify|schemas`: an integrator passes, or learns what is wrong, without an account."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from customs.window.commands import schemas, sign, verify
from customs.window.keys import load_signer, make_test_key
from customs.window.messages import build
from customs.window.profiles import RSA_SHA1, SM2_SM3
from customs.window.signature import sign_message
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER
from tests.customs.window.samples import INCOMING, ours, theirs, unsigned

ROOT = Path(__file__).parents[3]


@pytest.fixture
def good(tmp_path) -> Path:
    file = tmp_path / "good.xml"
    file.write_bytes(unsigned("621"))
    return file


def call(command, *words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


@pytest.mark.parametrize("profile", [RSA_SHA1, SM2_SM3])
def test_a_good_message_is_signed_and_passes(profile, good, tmp_path):
    key, out = make_test_key(tmp_path / "key", profile), tmp_path / "signed.xml"
    signed = call(sign, good, "--key", key, "-o", out, "--cert-no", "0300C0FFEE")
    assert (signed.exit_code, signed.output) == (0, f"{out}: signed\n")
    for trust in ((), ("--trust", tmp_path / "key" / "signer-cert.pem")):
        verified = call(verify, out, *trust)
        assert verified.exit_code == 0, verified.output
        assert "documents: 1" in verified.output
        assert "signature: holds, certificate no. 0300C0FFEE" in verified.output
        assert ("(trusted)" in verified.output) == bool(trust)
        assert "nothing is wrong" in verified.output


def test_without_an_output_the_message_goes_to_the_screen(good, tmp_path):
    result = call(sign, good, "--key", make_test_key(tmp_path))
    assert etree.fromstring(result.stdout_bytes)[-1].tag.endswith("Signature")


def test_all_that_is_wrong_is_named_and_nothing_is_signed(good, tmp_path):
    text = good.read_bytes().replace(b"<ceb:packNo>1<", b"<ceb:packNo>2<")
    text = text.replace(b"<ceb:gcode>0306179090</ceb:gcode>", b"").replace(b"<ceb:price>33.33<", b"<ceb:price>3e1<")
    good.write_bytes(text)
    for result in (call(sign, good, "--key", make_test_key(tmp_path)), call(verify, good)):
        assert result.exit_code == 1
        assert "schema: line 2: Element 'gname': This element is not expected. Expected is ( gcode )." in result.output
        assert "rule: Inventory[1]/InventoryHead/packNo: must be 1, not 2" in result.output
        assert "rule: Inventory[1]/InventoryList[1]/gcode: required" in result.output
        assert "rule: Inventory[1]/InventoryList[1]/price: must be a decimal number" in result.output
    assert "signature: none" in call(verify, good).output
    assert "signature: CEB621Message: must be signed" in call(verify, good).output


def test_a_rule_that_no_schema_knows_is_named_too(tmp_path, good):
    good.write_bytes(good.read_bytes().replace(b"<ceb:country>142<", b"<ceb:country>110<", 1))
    output = call(verify, good).output
    assert "rule: Inventory[1]/InventoryHead/country: must be 142 in mode 1210" in output
    assert "schema:" not in output


@pytest.mark.parametrize("kind", ["311", "621"])
def test_who_transmits_is_examined_too(kind, tmp_path):
    file, xml = tmp_path / "message.xml", unsigned(kind)
    start, end = xml.index(b"<ceb:BaseTransfer>"), xml.index(b"</ceb:BaseTransfer>") + len(b"</ceb:BaseTransfer>")
    for wrong, words in (
        (xml[:start] + xml[end:], "BaseTransfer: required"),
        (xml.replace(b"<ceb:dxpMode>DXP<", b"<ceb:dxpMode>FTP<"), "BaseTransfer/dxpMode: must be DXP, not FTP"),
    ):
        file.write_bytes(wrong)
        for result in (call(verify, file), call(sign, file, "--key", make_test_key(tmp_path))):
            assert (result.exit_code, words in result.output) == (1, True), result.output


def test_a_broken_or_foreign_signature_is_named(good, tmp_path):
    signer = load_signer(tmp_path / "mine")
    load_signer(tmp_path / "other")
    signed = sign_message(unsigned("621"), signer)
    good.write_bytes(signed.replace(b"LF202611230001", b"LF202611230002"))
    result = call(verify, good)
    assert result.exit_code == 1
    assert "signature: does not hold" in result.output
    assert "signature: Signature: the message was changed after it was signed" in result.output
    good.write_bytes(signed)
    result = call(verify, good, "--trust", tmp_path / "other" / "signer-cert.pem")
    assert result.exit_code == 1
    assert "the certificate is not a trusted one" in result.output


@pytest.mark.parametrize("kind", INCOMING)
def test_what_customs_sends_is_examined_as_well(kind, tmp_path):
    file = tmp_path / "receipt.xml"
    file.write_bytes(theirs(kind))
    result = call(verify, file)
    assert (result.exit_code, "nothing is wrong" in result.output) == (0, True), result.output


@pytest.mark.parametrize(
    ("kind", "before", "more"),
    [
        ("816", b"<assureCode>", b"<orderNo>1</orderNo><logisticNo>2</logisticNo>"),
        ("622", b"</InventoryReturn>", b"<new>1</new>"),
        ("622", b"</CEB622Message>", b"<More/>"),
    ],
)
def test_what_customs_adds_is_no_fault_of_it(kind, before, more, tmp_path):
    file = tmp_path / "receipt.xml"
    file.write_bytes(theirs(kind).replace(before, more + before))
    result = call(verify, file)
    assert result.exit_code == 0, result.output
    file.write_bytes(re.sub(b"<(guid|invtNo)>.*?</(guid|invtNo)>", b"", file.read_bytes()))
    assert "schema: line 1: Element" in call(verify, file).output


def test_a_format_check_may_leave_the_message_away(tmp_path):
    file = tmp_path / "receipt.xml"
    empty = re.sub(b"(<oriBizMessage>).*?(</oriBizMessage>)", rb"\1\2", theirs("900"))
    assert empty != theirs("900")
    file.write_bytes(empty)
    assert call(verify, file).exit_code == 0


def test_empty_elements_that_may_be_empty_are_no_fault(good):
    good.write_bytes(good.read_bytes().replace(b"</ceb:InventoryHead>", b"<ceb:note></ceb:note></ceb:InventoryHead>"))
    assert "note" not in call(verify, good).output


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"<a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<a>" * 100_000, b" " * 5_000_000, b"\xff\xfe<"],
)  # fmt: skip
def test_what_is_no_message_is_said_to_be_none(content, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    for command in (verify, sign):
        assert call(command, file).exit_code == 2


def test_absurd_numbers_are_named_and_cost_nothing(good):
    good.write_bytes(good.read_bytes().replace(b"<ceb:qty>3<", b"<ceb:qty>1E999999999<"))
    assert "InventoryList[1]/qty: must be a decimal number" in call(verify, good).output
    good.write_bytes(unsigned("621").replace(b"<ceb:qty>3<", b"<ceb:qty>" + b"9" * 40 + b"<"))
    assert "InventoryList[1]/qty: at most 14 digits before the point" in call(verify, good).output


def test_bad_keys_and_certificates_are_said_to_be_bad(good, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert call(sign, good, "--key", other).exit_code == 2
    assert call(verify, good, "--trust", other).exit_code == 2


def test_a_signed_message_is_not_signed_again(tmp_path, good):
    key = make_test_key(tmp_path)
    call(sign, good, "--key", key, "-o", good)
    again = call(sign, good, "--key", key)
    assert again.exit_code == 2
    assert "already signed" in again.output


def test_schemas_are_written_where_one_likes(tmp_path):
    result = call(schemas, tmp_path / "xsd")
    assert len(result.output.splitlines()) == len(list((tmp_path / "xsd").iterdir())) == 19


def test_it_needs_no_database_and_no_settings(tmp_path):
    """As on a machine that has the sources and nothing else."""
    file = tmp_path / "list.xml"
    file.write_bytes(build("311", [ours("311")], TRANSFER, new_guid()))
    bare = {"PATH": os.defpath, "LANDFALL_VAR": str(tmp_path / "var"), "HOME": str(tmp_path)}
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", "window"]
    signed = subprocess.run([*flask, "sign", file], cwd=ROOT, env=bare, capture_output=True)
    assert signed.returncode == 0, signed.stderr
    file.write_bytes(signed.stdout)
    verified = subprocess.run([*flask, "verify", file], cwd=ROOT, env=bare, capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "nothing is wrong" in verified.stdout
