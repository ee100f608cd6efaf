"""Sending by file: an envelope laid whole into the outbox, from where the transfer client takes it to the exchange.

Under the folder of the settings: `outbox` (ours to fill, the client's to empty), `inbox` (the other way), `drafts`
(being written), `done` and `bad` (read). All lie on one file system, since a file moves by being renamed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from core import clock
from customs.window.dxp.envelope import build
from customs.window.dxp.tables import MESSAGE
from customs.window.transport import TransportRefused, TransportUnavailable, TransportUnreached

OUTBOX, INBOX, DRAFTS, DONE, BAD = "outbox", "inbox", "drafts", "done", "bad"
FOLDERS = (OUTBOX, INBOX, DRAFTS, DONE, BAD)
OUTBOX_MOST = 5000  # files waiting for a client that has stopped; what is due stays due in the database
_MODE = 0o640  # the client may be another user of our group; nobody else reads what names buyers


class FileDrop:
    """Lays messages into the outbox of a folder. At most one file of a guid waits there."""

    name = "file"

    def __init__(self, folder: Path, sender: str, receiver: str, now: Callable[[], datetime] = clock.now) -> None:
        self._folder = folder
        self._sender = sender
        self._receiver = receiver
        self._now = now

    def send(self, message_kind: str, guid: str, xml: bytes) -> None:
        """Raises TransportUnreached when the file could not be laid, TransportRefused for what fits no envelope."""
        at = self._now()
        name = file_name(f"CEB{message_kind}Message", guid, at)
        try:
            content = envelope(message_kind, guid, xml, self._sender, self._receiver, at, name)
        except ValueError as fault:
            raise TransportRefused(f"no envelope for it: {fault}") from fault
        try:
            prepare(self._folder)
            waiting = os.listdir(self._folder / OUTBOX)
        except OSError as fault:
            raise TransportUnreached(_words(fault)) from fault
        if any(f"_{guid}_" in known for known in waiting):
            return
        if len(waiting) >= OUTBOX_MOST:
            raise TransportUnreached(f"{len(waiting)} files wait in the outbox: is the transfer client running?")
        lay(self._folder, OUTBOX, name, content)


def file_name(message_type: str, guid: str, at: datetime) -> str:
    """Names sort by time and are never given twice: Beijing time to the microsecond, kind, guid, six random digits."""
    stamp = at.astimezone(clock.BEIJING).strftime("%Y%m%dT%H%M%S%f")
    return f"{stamp}_{message_type}_{guid}_{secrets.token_hex(3)}.xml"


def envelope(message_kind: str, guid: str, xml: bytes, sender: str, receiver: str, at: datetime, name: str) -> bytes:
    """The DxpMsg around a message. Raises ValueError naming the element that does not fit."""
    head = {
        "CopMsgId": guid,
        "SenderId": sender,
        "ReceiverIds": {"ReceiverId": [receiver]},
        "CreatTime": at.astimezone(clock.BEIJING).strftime("%Y-%m-%dT%H:%M:%S"),
        "MsgType": f"CEB{message_kind}Message",
    }
    return build(MESSAGE, {"TransInfo": head, "Data": xml, "AddInfo": {"FileName": name}})


def prepare(folder: Path) -> None:
    """Make the folders. Raises OSError when the folder itself is not there: it may be one that is not mounted."""
    for place in (folder / name for name in FOLDERS):
        if not place.is_dir():
            place.mkdir(mode=0o770, exist_ok=True)
            place.chmod(place.stat().st_mode | 0o770)  # the umask has taken the group's right to fill and empty it


def lay(folder: Path, room: str, name: str, content: bytes) -> None:
    """Write a file so that it appears whole or not at all, and stays after a power cut.

    Raises TransportUnreached when it is certainly not there, TransportUnavailable when that is not known.
    """
    draft, target = folder / DRAFTS / name, folder / room / name
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError as fault:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise TransportUnreached(_words(fault)) from fault
    try:
        sync_folder(target.parent)
    except OSError as fault:
        raise TransportUnavailable(_words(fault)) from fault


def sync_folder(folder: Path) -> None:
    """Make a rename outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _words(fault: OSError) -> str:
    """The kind of fault alone: where our folders lie is nobody's business."""
    return f"the folder of the transfer client: {fault.strerror or type(fault).__name__}"
