"""The window's reading of the tables beside the XML Schemas that the house writes from them: two readers, one form."""

import copy
import random
from collections.abc import Iterator

import pytest
from lxml import etree

from customs.window.keys import SoftwareSigner
from customs.window.schema import schema_of
from customs.window.signature import sign_message
from sandboxes.window.layout import CEB, Unreadable, layouts, read
from tests.customs.window.samples import OUTGOING, unsigned


def faults(root: etree._Element) -> list[str]:
    try:
        return read(etree.tostring(root)).faults[0]
    except Unreadable as fault:
        return [str(fault)]


@pytest.mark.parametrize("kind", OUTGOING)
def test_good_messages_are_read_whole(kind):
    message = read(unsigned(kind))
    assert (message.kind, message.faults) == (kind, [[]])
    assert len(message.documents) == 1


def test_all_kinds_we_send_are_taken():
    assert sorted(layouts()) == sorted(OUTGOING)


def broken(kind: str, signer: SoftwareSigner) -> Iterator[tuple[str, etree._Element]]:
    """The message with one element left out, doubled, renamed, moved, emptied or too long: each in turn."""
    good = etree.fromstring(sign_message(unsigned(kind), signer))
    assert schema_of(kind).validate(good)
    whole = good.getroottree()
    leaves = [whole.getpath(one) for one in good.iter() if not len(one) and one.tag.startswith(f"{{{CEB}}}")]
    for path in leaves:
        for name, change in CHANGES.items():
            root = copy.deepcopy(good)
            change(root.xpath(path, namespaces={"ceb": CEB})[0])
            yield f"{name} {path}", root


def _out(one: etree._Element) -> None:
    one.getparent().remove(one)


def _double(one: etree._Element) -> None:
    one.addnext(copy.deepcopy(one))


def _rename(one: etree._Element) -> None:
    one.tag = f"{{{CEB}}}unknown"


def _foreign(one: etree._Element) -> None:
    one.tag = f"{{urn:other}}{etree.QName(one).localname}"


def _last(one: etree._Element) -> None:
    one.getparent().append(one)


def _long(one: etree._Element) -> None:
    one.text = "9" * 1200


def _empty(one: etree._Element) -> None:
    one.text = ""


def _deep(one: etree._Element) -> None:
    etree.SubElement(one, f"{{{CEB}}}more")


CHANGES = {
    "without": _out,
    "double": _double,
    "renamed": _rename,
    "foreign": _foreign,
    "last": _last,
    "too long": _long,
    "empty": _empty,
    "not flat": _deep,
}


@pytest.mark.parametrize("kind", OUTGOING)
def test_what_the_schema_refuses_the_window_refuses(kind, signer):
    """The window may refuse more: it asks for what the description demands besides the schema."""
    schema = schema_of(kind)
    seen = 0
    for name, root in broken(kind, signer):
        if not schema.validate(root):
            seen += 1
            assert faults(root), name
    assert seen > 50


def test_a_hundred_and_one_lines_and_documents():
    root = etree.fromstring(unsigned("621"))
    inventory = root[0]
    for _ in range(100):
        inventory.append(copy.deepcopy(inventory[-1]))
    assert any("lines" in fault for fault in faults(root))
    root = etree.fromstring(unsigned("621"))
    for _ in range(100):
        root.insert(0, copy.deepcopy(root[0]))
    assert faults(root) == ["101 documents"]


def test_noise_never_gets_through_as_a_message():
    rng = random.Random(6)
    good = unsigned("311")
    for _ in range(300):
        noise = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            noise[rng.randrange(len(noise))] = rng.randrange(256)
        try:
            read(bytes(noise))
        except Unreadable:
            continue
