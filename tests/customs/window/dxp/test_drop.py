"""Files into the outbox: whole or not at all, in order, never piling up, whatever dies."""

import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customs.window.dxp import drop
from customs.window.dxp.drop import FileDrop, file_name, prepare
from customs.window.transport import TransportUnavailable, TransportUnreached
from tests.customs.window.dxp.transfer_client import TransferClient

ROOT = Path(__file__).parents[4]
AT = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
GUID = "8B1C1D9C-0A7E-4B0F-9B51-6C1D2E3F4A5B"
XML = b"<a/>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def names(folder: Path, room: str = "outbox") -> list[str]:
    return sorted(os.listdir(folder / room))


def send(folder: Path, guid: str = GUID) -> None:
    FileDrop(folder, "SENDER", "RECEIVER", now=lambda: AT).send("311", guid, XML)


def test_names_sort_by_time_and_never_repeat() -> None:
    times = [AT + timedelta(microseconds=step) for step in range(0, 2_000_000, 100_000)]
    made = [file_name("CEB311Message", GUID, at) for at in times]
    assert made == sorted(made)
    assert made[0].startswith("20261123T123000000000_CEB311Message_")
    assert len({file_name("CEB311Message", GUID, AT) for _ in range(50)}) == 50


def test_the_envelope_names_both_sides_and_its_file(folder: Path) -> None:
    send(folder)
    name = names(folder)[0]
    assert f"<dxp:FileName>{name}</dxp:FileName>" in (folder / "outbox" / name).read_text()
    client = TransferClient(folder, "SENDER")
    client.take()
    head = client.heads[0]
    assert (head["SenderId"], head["ReceiverId"], head["CreatTime"]) == ("SENDER", "RECEIVER", "2026-11-23T12:30:00")


def test_at_most_one_file_of_a_guid_waits(folder: Path) -> None:
    for _ in range(3):
        send(folder)
    assert len(names(folder)) == 1
    TransferClient(folder, "SENDER").take()
    send(folder)
    assert len(names(folder)) == 1


def test_a_client_that_has_stopped_does_not_fill_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop, "OUTBOX_MOST", 2)
    send(folder, f"{GUID[:-1]}0")
    send(folder, f"{GUID[:-1]}1")
    with pytest.raises(TransportUnreached, match="2 files wait"):
        send(folder, f"{GUID[:-1]}2")
    send(folder, f"{GUID[:-1]}1")  # what lies there already is no more


def test_others_cannot_read_what_names_buyers(folder: Path) -> None:
    send(folder)
    mode = (folder / "outbox" / names(folder)[0]).stat().st_mode
    assert stat.S_IMODE(mode) & 0o007 == 0


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TransportUnreached, match="No space left"):
        send(folder)
    assert names(folder) == names(folder, "drafts") == []


def test_a_rename_that_may_not_outlive_a_power_cut_is_not_said_to_be_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(drop, "sync_folder", fail)
    with pytest.raises(TransportUnavailable) as fault:
        send(folder)
    assert not isinstance(fault.value, TransportUnreached)


def test_the_bytes_are_on_disk_before_the_name_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    send(folder)
    assert steps == ["file", "rename", "folder"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_rename_the_client_sees_it_whole_or_not_at_all(folder: Path, moment: str) -> None:
    lines = [
        "import os, signal, sys",
        "from pathlib import Path",
        "from customs.window.dxp.drop import FileDrop",
        "rename = Path.rename",
        "def dying(self, target):",
        "    if sys.argv[2] == 'after':",
        "        rename(self, target)",
        "    os.kill(os.getpid(), signal.SIGKILL)",
        "Path.rename = dying",
        f"FileDrop(Path(sys.argv[1]), 'SENDER', 'RECEIVER').send('311', '{GUID}', b'<a/>')",
    ]
    died = subprocess.run([sys.executable, "-c", "\n".join(lines), str(folder), moment], cwd=ROOT, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    assert len(names(folder)) == (0 if moment == "before" else 1)
    assert len(names(folder, "drafts")) == (1 if moment == "before" else 0)
    send(folder)
    client = TransferClient(folder, "SENDER")
    assert client.take() == [("311", GUID, XML)]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """It may be a mount that is missing: what would be written beside it nobody would ever take."""
    with pytest.raises(TransportUnreached):
        send(tmp_path / "mount")
    assert list(tmp_path.iterdir()) == []


def test_a_client_of_the_group_may_fill_and_empty_the_folders(tmp_path: Path) -> None:
    """Whatever the umask; and what the operator has set stays as it is."""
    tmp_path.joinpath("inbox").mkdir(mode=0o700)
    before = os.umask(0o027)
    try:
        prepare(tmp_path)
    finally:
        os.umask(before)
    modes = {place.name: stat.S_IMODE(place.stat().st_mode) & 0o777 for place in tmp_path.iterdir()}
    assert modes == {"outbox": 0o770, "inbox": 0o700, "drafts": 0o770, "done": 0o770, "bad": 0o770}
