"""The XML Schemas: written from the tables, met by every message, and blind where the rules see."""

from dataclasses import replace

import pytest
from lxml import etree

from customs.window import schema
from customs.window.keys import load_signer
from customs.window.messages import Extension, MessageRefused, Transfer, build, parse
from customs.window.schema import FOLDER, schema_of, write_schemas, xsd
from customs.window.signature import sign_message
from customs.window.tables import NAMESPACE, SUBSCRIBERS_MAX, message_types
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER
from tests.customs.window.samples import INCOMING, OUTGOING, ours, theirs, unsigned


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return load_signer(tmp_path_factory.mktemp("signer"))


def faults(kind: str, xml: bytes) -> list[str]:
    schema_of(kind).validate(etree.fromstring(xml))
    return [fault.message for fault in schema_of(kind).error_log]


def test_the_files_are_what_the_tables_say(tmp_path):
    """After a change of a table: `flask window schemas`."""
    written = write_schemas(tmp_path)
    assert {path.name for path in written} == {path.name for path in FOLDER.iterdir()}
    for path in written:
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name


@pytest.mark.parametrize("kind", OUTGOING)
def test_every_message_of_ours_meets_its_schema(kind, signer):
    assert faults(kind, sign_message(unsigned(kind), signer)) == []


@pytest.mark.parametrize("kind", INCOMING)
def test_every_message_of_customs_meets_its_schema_and_is_read_whole(kind):
    assert faults(kind, theirs(kind)) == []
    message, read = message_types()[kind], parse(theirs(kind)).documents[0]
    assert [field.element for field in message.head_fields] == [name for name in read if name != "lines"]
    assert all(list(line) == [field.element for field in message.line_fields] for line in read.get("lines", ()))


@pytest.mark.parametrize("kind", [kind for kind in OUTGOING if message_types()[kind].signed])
def test_what_must_be_signed_is_not_whole_without(kind):
    assert [fault for fault in faults(kind, unsigned(kind)) if "Missing child" in fault]


def test_subscribers_and_an_extension_stand_before_the_signature(signer):
    transfer = Transfer("4601960A01", "平台 & Co", "DXP1", (("RET", "DXP2"),) * SUBSCRIBERS_MAX)
    extension = Extension("own", "1", b'<a xmlns="urn:x"><b c="d"/></a>')
    xml = sign_message(build("621", [ours("621")], transfer, new_guid(), extension), signer)
    assert faults("621", xml) == []
    names = [etree.QName(child).localname for child in etree.fromstring(xml)]
    assert names == ["Inventory", "BaseTransfer", *["BaseSubscribe"] * 5, "ExtendMessage", "Signature"]
    assert parse(xml).transfer["copName"] == "平台 & Co"


@pytest.mark.parametrize("kind", OUTGOING)
def test_order_and_occurrence_and_length_matter(kind, signer):
    good = sign_message(unsigned(kind), signer)
    message = message_types()[kind]
    group = message.head or message.document
    for change in ("order", "twice", "missing", "long", "unknown"):
        tree = etree.fromstring(good)
        head = tree.find(f".//{{{NAMESPACE}}}{group}")
        if change == "order":
            head.append(head[0])
        elif change == "twice":
            head.insert(0, etree.fromstring(etree.tostring(head[0])))
        elif change == "missing":
            head.remove(head[0])
        elif change == "long":
            head[0].text = "x" * 37
        else:
            etree.SubElement(head, f"{{{NAMESPACE}}}other")
        assert faults(kind, etree.tostring(tree)) != [], change


def test_the_envelope_of_a_message_is_checked_too(signer):
    for name, value in (("guid", "short"), ("version", "")):
        tree = etree.fromstring(sign_message(unsigned("621"), signer))
        tree.set(name, value)
        assert faults("621", etree.tostring(tree)) != []


def test_a_table_that_changes_changes_the_schema(monkeypatch):
    longer = {**message_types(), "411": replace(message_types()["411"], documents_max=7)}
    before = xsd("411")
    monkeypatch.setattr(schema, "message_types", lambda: longer)
    assert xsd("411") != before


def test_a_bad_extension_is_named():
    for extension, word in ((Extension("x" * 31, "1", b"<a/>"), "at most 30"), (Extension("x", "1", b"<a"), "XML")):
        with pytest.raises(MessageRefused, match=word):
            build("311", [ours("311")], TRANSFER, new_guid(), extension)
