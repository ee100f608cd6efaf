"""The window as transfer client and exchange: it empties the outbox, fills the inbox, answers bad envelopes."""

import time
from pathlib import Path

import pytest

from customs.window.dxp.drop import FileDrop
from customs.window.dxp.envelope import read
from customs.window.messages import build, parse
from customs.window.receipts import read_receipts
from customs.window.signature import sign_message
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER, documents, filing
from tests.sandboxes.window.office import numbered


@pytest.fixture
def folder(tmp_path) -> Path:
    found = tmp_path / "exchange"
    found.mkdir()
    return found


def receipts(folder: Path) -> list[tuple[str, str]]:
    found = []
    for file in sorted((folder / "inbox").glob("*.xml")):
        kind, values = read(file.read_bytes())
        assert kind == "DxpMsg"
        assert values["TransInfo"]["ReceiverIds"]["ReceiverId"] == ["DXPME"]
        for receipt in read_receipts(parse(values["Data"])):
            assert values["TransInfo"]["MsgType"] == f"CEB{receipt.kind}Message"
            found.append((receipt.kind, receipt.status))
    return found


def until(done) -> None:
    deadline = time.monotonic() + 15
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_order_goes_and_comes_by_files(make_office, number, folder):
    office = make_office("--dxp-folder", str(folder), "--dxp-receiver", "DXPME")
    drop = FileDrop(folder, "DXPME", "CUSTOMS")
    for kind, document in documents(numbered(filing(), number)).items():
        guid = new_guid()
        xml = build(kind, [document], TRANSFER, guid)
        drop.send(kind, guid, sign_message(xml, office.signer) if kind == "621" else xml)
    until(lambda: ("818", "2") in receipts(folder))
    until(lambda: not list((folder / "outbox").iterdir()) and not list((folder / "drafts").iterdir()))
    statuses = [status for kind, status in receipts(folder) if kind == "622"]
    assert statuses == ["1", "2", "3", "120", "399", "800", "899"]
    assert office.listener.got == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no xml", "0001"),
        (b"", "0001"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "0001"),
        (b"<a/>", "0001"),
        (b'<DxpMsg xmlns="http://www.chinaport.gov.cn/dxp" ver="2.0"/>', "0002"),
        (b'<DxpMsg xmlns="http://www.chinaport.gov.cn/dxp" ver="1.0"><Data>*</Data></DxpMsg>', "0002"),
    ],
)
def test_bad_envelopes_are_answered(make_office, folder, content, code):
    make_office("--dxp-folder", str(folder))
    draft = folder / "drafts" / "bad.xml"  # taken when it is whole
    draft.write_bytes(content)
    draft.rename(folder / "outbox" / "bad.xml")
    until(lambda: list((folder / "inbox").glob("*.xml")) and not list((folder / "outbox").iterdir()))
    kind, values = read(next((folder / "inbox").glob("*.xml")).read_bytes())
    assert (kind, values["Response"][0]["ResponseCode"]) == ("DxpRep", code)


def test_a_bad_message_in_a_good_envelope_is_checked_at_the_counter(make_office, folder):
    make_office("--dxp-folder", str(folder), "--dxp-receiver", "DXPME")
    FileDrop(folder, "DXPME", "CUSTOMS").send("311", new_guid(), b"<a/>")
    until(lambda: receipts(folder))
    assert receipts(folder) == [("900", "-1")]


def test_drafts_links_and_other_files_stay(make_office, folder, tmp_path):
    make_office("--dxp-folder", str(folder))
    secret = tmp_path / "secret.xml"
    secret.write_text("secret")
    (folder / "outbox" / "link.xml").symlink_to(secret)
    for name in (".hidden.xml", "note.txt"):
        (folder / "outbox" / name).write_text("x")
    time.sleep(0.6)
    assert sorted(one.name for one in (folder / "outbox").iterdir()) == [".hidden.xml", "link.xml", "note.txt"]
    assert secret.exists()
