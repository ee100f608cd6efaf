"""The inbox: each file stored once and put away, none blocking another."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from customs import inbox, receipts
from tests.customs.desk.builders import at, receipt
from tests.customs.desk.file_drop.drops import aged, filed, names, stored
from tests.customs.window.dxp.transfer_client import TransferClient


def test_a_message_without_envelope_is_a_receipt_too(client: TransferClient) -> None:
    found = filed(client)
    client.put(receipt(found, "311", "120", at(1)))
    assert inbox.read_inbox() == {"read": 1}
    assert stored() == 1


def test_a_poison_file_keeps_no_other_waiting(client: TransferClient, monkeypatch: pytest.MonkeyPatch) -> None:
    found = filed(client)
    bad = {
        "01-nonsense.xml": b"\x00\xff nonsense",
        "02-bomb.xml": b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
        "03-other.xml": b"<hello/>",
        "04-empty.xml": b"",
        "05-large.xml": b"<a>" + b"x" * (9 * 1024 * 1024) + b"</a>",
    }
    for name, content in bad.items():
        aged(client.put(content, name))
    client.deliver(b"<hello/>", name="06-inner.xml")
    aged(client.deliver(receipt(found, "311", "120", at(1)), to="SOMEBODY ELSE", name="07-other.xml"))
    link = client.folder / "inbox" / "08-link.xml"
    link.symlink_to("/etc/hostname")
    client.deliver(receipt(found, "411", "120", at(1)), name="99-good.xml")
    started = time.monotonic()
    assert inbox.read_inbox() == {"bad": 8, "read": 1}
    assert time.monotonic() - started < 5
    assert stored() == 1
    assert names(client, "inbox") == []
    kept = names(client, "bad")
    assert [name for name in kept if not name.endswith(".reason.txt")] == sorted(
        [*bad, "06-inner.xml", "07-other.xml", "08-link.xml"]
    )
    reasons = {path.name: path.read_text() for path in (client.folder / "bad").rglob("*.reason.txt")}
    assert "DTD" in reasons["02-bomb.xml.reason.txt"]
    assert "another user" in reasons["07-other.xml.reason.txt"]


def test_a_fault_of_ours_leaves_the_file_and_takes_the_next(
    client: TransferClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = filed(client)
    client.deliver(receipt(found, "311", "120", at(1)), name="1.xml")
    client.deliver(receipt(found, "411", "120", at(1)), name="2.xml")
    store = receipts.store

    def fail_once(xml: bytes) -> dict[str, int]:
        monkeypatch.setattr(receipts, "store", store)
        raise RuntimeError("the database has gone")

    monkeypatch.setattr(receipts, "store", fail_once)
    assert inbox.read_inbox() == {"left": 1, "read": 1}
    assert names(client, "inbox") == ["1.xml"]
    assert inbox.read_inbox() == {"read": 1}
    assert stored() == 2


def test_without_a_database_the_run_ends_and_every_file_stays(
    client: TransferClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = filed(client)
    asked: list[bytes] = []

    def away(xml: bytes) -> dict[str, int]:
        asked.append(xml)
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    for number, kind in enumerate(("311", "411", "511")):
        client.deliver(receipt(found, kind, "120", at(1)), name=f"{number}.xml")
    with monkeypatch.context() as patch:
        patch.setattr(receipts, "store", away)
        assert inbox.read_inbox() == {"halted": 1}
    assert (len(asked), names(client, "inbox")) == (1, ["0.xml", "1.xml", "2.xml"])
    assert inbox.read_inbox() == {"read": 3}


def test_half_a_file_is_left_until_it_is_whole(client: TransferClient) -> None:
    found = filed(client)
    path = client.deliver(receipt(found, "311", "120", at(1)), name="slow.xml")
    content = path.read_bytes()
    for part in (b"", content[:10], content[: len(content) // 2], content[:-1]):
        path.write_bytes(part)
        assert inbox.read_inbox() == {"left": 1}
        assert stored() == 0
    path.write_bytes(content)
    assert inbox.read_inbox() == {"read": 1}
    assert stored() == 1


@pytest.mark.parametrize("name", [".hidden.xml", "a.xml.tmp", "a.part", "a.FILEPART", "~a.xml"])
def test_what_is_being_written_is_not_there_yet(client: TransferClient, name: str) -> None:
    path = client.folder / "inbox" / name
    path.write_bytes(b"<half")
    aged(path)
    assert inbox.read_inbox() == {}
    assert path.exists()


def test_read_twice_is_stored_once(client: TransferClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the commit and before the file is put away; and delivered once more under another name."""
    found = filed(client)
    xml = receipt(found, "311", "120", at(1))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    client.deliver(xml, name="1.xml")
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "move", die)
        with pytest.raises(KeyboardInterrupt):
            inbox.read_inbox()
    assert (stored(), names(client, "inbox")) == (1, ["1.xml"])
    assert inbox.read_inbox() == {"read": 1}
    client.deliver(xml, name="1.xml")
    assert inbox.read_inbox() == {"read": 1}
    assert stored() == 1
    assert names(client, "done") == ["1.xml", "1.xml.2"]


def test_several_readers_at_once_store_each_file_once(client: TransferClient, app: Any) -> None:
    found = filed(client)
    for number in range(12):
        client.deliver(receipt(found, ("311", "411", "511")[number % 3], "2", at(number)))
    faults: list[Exception] = []

    def read() -> None:
        with app.app_context():
            try:
                inbox.read_inbox()
            except Exception as fault:
                faults.append(fault)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert stored() == 12
    assert names(client, "inbox") == names(client, "bad") == []
    assert len(names(client, "done")) == 12


def test_one_laid_over_it_while_it_was_read_is_read_too(
    client: TransferClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that uses a name again: what it laid there in between is not put away unread."""
    found = filed(client)
    store, later_one = receipts.store, receipt(found, "411", "120", at(1))

    def laid_over(xml: bytes) -> dict[str, int]:
        monkeypatch.setattr(receipts, "store", store)
        told = store(xml)
        client.put(later_one, "draft")
        (client.folder / "inbox" / "draft").rename(client.folder / "inbox" / "receipt.xml")
        return told

    client.put(receipt(found, "311", "120", at(1)), "receipt.xml")
    monkeypatch.setattr(receipts, "store", laid_over)
    inbox.read_inbox()
    assert (stored(), names(client, "inbox")) == (1, ["receipt.xml"])
    assert inbox.read_inbox() == {"read": 1}
    assert stored() == 2


def test_the_longest_name_is_put_away_twice(client: TransferClient) -> None:
    for name in ("a" * 251 + ".xml", "长" * 85):
        for _ in range(2):
            path = client.folder / "inbox" / name
            path.write_bytes(b"nonsense")
            aged(path)
            assert inbox.read_inbox() == {"bad": 1}
    assert names(client, "inbox") == []
    assert len(names(client, "bad")) == 8


def test_a_name_that_is_no_text_keeps_no_other_waiting(client: TransferClient) -> None:
    found = filed(client)
    odd = os.path.join(os.fsencode(client.folder), b"inbox", b"0\xff.xml")
    with open(odd, "wb") as file:
        file.write(b"nonsense")
    os.utime(odd, (1, 1))
    client.deliver(receipt(found, "311", "120", at(1)), name="1.xml")
    assert inbox.read_inbox() == {"bad": 1, "read": 1}


def test_a_full_disk_keeps_no_file_waiting(client: TransferClient, monkeypatch: pytest.MonkeyPatch) -> None:
    found = filed(client)
    for number, kind in enumerate(("311", "411")):
        client.deliver(receipt(found, kind, "120", at(1)), name=f"{number}.xml")
    aged(client.put(b"nonsense", "2.xml"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        assert inbox.read_inbox() == {"left": 3}
    assert stored() == 2
    assert inbox.read_inbox() == {"read": 2, "bad": 1}
    assert stored() == 2


def test_a_folder_that_is_away_is_no_failed_job(client: TransferClient, app: Any) -> None:
    away = client.folder.rename(client.folder.with_name("away"))
    assert inbox.read_inbox() == {"away": 1}
    assert app.test_cli_runner().invoke(args=["window", "inbox"]).exit_code == 1
    away.rename(client.folder)
    assert inbox.read_inbox() == {}
