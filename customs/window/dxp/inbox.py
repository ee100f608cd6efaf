"""The inbox of the transfer client: which of its files are whole, what they hold, and where they go once read."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lxml import etree

from customs.window.dxp.drop import BAD, DONE, DRAFTS, INBOX, sync_folder
from customs.window.dxp.envelope import ENVELOPE_BYTES_MAX, read_envelope
from customs.window.dxp.tables import MESSAGE
from customs.window.messages import MessageUnreadable, read_tree
from customs.window.tables import NAMESPACE
from customs.window.transport import EnvelopeUnreadable

SETTLED_SECONDS = 60  # a file that cannot be read may still be being written until it has stood still so long
KEPT_DAYS = 30  # what was read lies sealed in the database; the file is kept for a look, not forever
_NAME_BYTES_MOST = 230  # a file system's most is 255
_BEING_WRITTEN = (".tmp", ".part", ".filepart", ".writing")


class FileUnfinished(Exception):
    """Not whole yet: left for the next look."""


class FileBad(Exception):
    """It will never be read: it is moved out of the way of the others."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the exchange says of one message of ours; `made_at` is when that message was laid, Beijing clock time."""

    guid: str
    code: str
    words: str
    made_at: str


@dataclass(frozen=True, slots=True)
class Content:
    """A business message with its kind of envelope, or the answers of the exchange."""

    xml: bytes | None
    answers: tuple[Answer, ...] = ()


def waiting(folder: Path) -> Iterator[Path]:
    """The files to read, in the order of their names; hidden ones and those being written are not there yet."""
    with os.scandir(folder / INBOX) as entries:
        names = sorted(entry.name for entry in entries if not entry.is_dir(follow_symlinks=False))
    for name in names:
        if not name.startswith((".", "~")) and not name.lower().endswith(_BEING_WRITTEN):
            yield folder / INBOX / name


Mark = tuple[int, int, int]


def mark_of(path: Path) -> Mark:
    """What tells a file from another of its name, and from itself written anew."""
    found = path.lstat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_file(path: Path, own_id: str) -> tuple[bytes, Content]:
    """A file's bytes and what they hold. Raises FileUnfinished, FileBad, and FileNotFoundError when it has gone."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise FileBad("not a plain file")
    if found.st_size > ENVELOPE_BYTES_MAX:
        raise FileBad(f"more than {ENVELOPE_BYTES_MAX} bytes")
    raw = path.read_bytes()
    try:
        return raw, read_content(raw, own_id)
    except (EnvelopeUnreadable, MessageUnreadable) as fault:
        if 0 <= time.time() - found.st_mtime < SETTLED_SECONDS:
            raise FileUnfinished from fault
        raise FileBad(str(fault)) from fault


def read_content(raw: bytes, own_id: str) -> Content:
    """What a file holds: a DxpMsg to us, a DxpRep, or a message without an envelope, as some clients hand them out.

    Raises EnvelopeUnreadable or MessageUnreadable.
    """
    root = read_tree(raw, ENVELOPE_BYTES_MAX)
    if etree.QName(root).namespace == NAMESPACE:
        return Content(raw)
    kind, values = read_envelope(root)
    if kind == MESSAGE:
        receivers = values["TransInfo"]["ReceiverIds"]["ReceiverId"]
        if own_id not in receivers:
            raise EnvelopeUnreadable("for another user of the exchange")
        return Content(values["Data"])
    return Content(None, tuple(_answer(each, own_id) for each in values["Response"]))


def _answer(response: dict[str, Any], own_id: str) -> Answer:
    head = response["OriHead"]
    if head["SenderId"] != own_id:
        raise EnvelopeUnreadable("about a message of another user of the exchange")
    results = response.get("Results", {}).get("Result", [])
    words = [response.get("ResponseInfo", ""), response.get("Note", "")]
    words += [f"{each['RecId']} {each['Code']} {each.get('Info', '')}".strip() for each in results[:5]]
    return Answer(head["CopMsgId"], response["ResponseCode"], "; ".join(filter(None, words)), head["CreatTime"])


def move(folder: Path, path: Path, room: str, day: date, mark: Mark, reason: str | None = None) -> None:
    """Put a read file away under its day; one of the same name there keeps its place. Survives a power cut.

    `mark` is that of the file that was read: one the client has laid over it since stays in the inbox, to be read.
    """
    target = folder / room / day.isoformat()
    target.mkdir(mode=0o770, exist_ok=True)
    place = _free(target, path.name)
    with suppress(FileNotFoundError):  # another reader has put it away
        path.rename(place)
        if mark_of(place) != mark:
            place.rename(_free(path.parent, path.name))
        elif reason is not None:
            place.with_name(f"{place.name}.reason.txt").write_text(f"{reason}\n", "utf-8", "replace")
    sync_folder(target)


def _free(folder: Path, name: str) -> Path:
    """Where nothing lies yet; cut where a number or `.reason.txt` behind it would make the name too long."""
    name = os.fsdecode(os.fsencode(name)[:_NAME_BYTES_MOST])
    place, number = folder / name, 1
    while os.path.lexists(place):
        number += 1
        place = folder / f"{name}.{number}"
    return place


def tidy(folder: Path, today: date) -> None:
    """Forget what was read long ago, and drafts of a process that died while writing."""
    last = (today - timedelta(days=KEPT_DAYS)).isoformat()
    for day in (folder / DONE).iterdir():
        if day.name < last and day.is_dir():
            shutil.rmtree(day, ignore_errors=True)
    for draft in (folder / DRAFTS).iterdir():
        with suppress(OSError):
            if time.time() - draft.lstat().st_mtime > 3600:
                draft.unlink()


def counts(folder: Path) -> dict[str, int]:
    """How many files wait in the outbox and the inbox, and how many were bad."""
    bad = sum(1 for path in (folder / BAD).rglob("*") if path.is_file() and not path.name.endswith(".reason.txt"))
    return {
        "outbox": sum(1 for _ in (folder / "outbox").iterdir()),
        "inbox": sum(1 for _ in (folder / INBOX).iterdir()),
        "bad": bad,
    }
