"""The exchange by files: a folder whose `outbox` this window empties and whose `inbox` it fills.

It stands in for the transfer client and the exchange behind it: an envelope (DxpMsg) is taken out of the outbox and its
message goes to the counter; a receipt comes in an envelope of its own; an envelope that cannot be read is answered by a
DxpRep.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import sys
import threading
import uuid
from pathlib import Path

from lxml import etree

from sandboxes.window.clock import Clock
from sandboxes.window.delivery import TAKEN, UNREACHED
from sandboxes.window.desk import Desk
from sandboxes.window.layout import BYTES_MAX
from sandboxes.window.queue import Receipt

DXP = "http://www.chinaport.gov.cn/dxp"
OUTBOX, INBOX, DRAFTS = "outbox", "inbox", "drafts"
POLL_SECONDS = 0.2
BATCH = 100
OURS = "SANDBOXWINDOW"
FORMAT, SCHEMA = "0001", "0002"


class Refused(ValueError):
    """An envelope the exchange does not carry: its code, and words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class FolderPost:
    """Lays receipts into the inbox."""

    def __init__(self, folder: Path, clock: Clock, receiver: str) -> None:
        self._folder = folder
        self._clock = clock
        self._receiver = receiver

    def deliver(self, receipt: Receipt) -> str:
        head = _head(receipt.guid, self._receiver, f"CEB{receipt.kind}Message", self._clock)
        content = _message(head, receipt.xml.encode())
        name = f"{receipt.number:012d}_CEB{receipt.kind}Message_{receipt.guid}.xml"
        try:
            lay(self._folder, name, content)
        except OSError as fault:
            print(f"the inbox takes nothing: {fault}", file=sys.stderr, flush=True)
            return UNREACHED
        return TAKEN


class Intake:
    """One thread that empties the outbox, oldest file first."""

    def __init__(self, folder: Path, desk: Desk, clock: Clock) -> None:
        self._folder = folder
        self._desk = desk
        self._clock = clock
        self._closed = threading.Event()

    def start(self) -> None:
        for room in (OUTBOX, INBOX, DRAFTS):
            (self._folder / room).mkdir(mode=0o770, parents=True, exist_ok=True)
        threading.Thread(target=self._run, daemon=True, name="intake").start()

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                found = self.empty()
            except Exception:  # a folder that is away, a full disk: what lies there is taken when it can be
                sys.excepthook(*sys.exc_info())
                found = 0
            if not found:
                self._closed.wait(POLL_SECONDS)

    def empty(self) -> int:
        """Take what lies there; a file goes only when what it says is on disk."""
        names = sorted(entry.name for entry in os.scandir(self._folder / OUTBOX) if _is_message(entry))[:BATCH]
        for name in names:
            self._take(self._folder / OUTBOX / name)
        return len(names)

    def _take(self, file: Path) -> None:
        content = file.read_bytes() if file.stat().st_size <= 2 * BYTES_MAX else b""
        try:
            head, data = open_envelope(content)
        except Refused as fault:
            lay(self._folder, f"{uuid.uuid4().hex}_DxpRep.xml", _answer(content, fault, self._clock))
        else:
            self._desk.take(head["CopMsgId"], head["MsgType"], data)
        file.unlink(missing_ok=True)


def _is_message(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".xml") and not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)


def open_envelope(content: bytes) -> tuple[dict[str, str], bytes]:
    """The head of an envelope and the message inside. Raises Refused."""
    root = _tree(content)
    if root is None or root.tag != _tag("DxpMsg"):
        raise Refused(FORMAT, "not an envelope of the exchange")
    head = {
        name: root.findtext(f"{_tag('TransInfo')}/{_tag(name)}", "") for name in ("CopMsgId", "SenderId", "MsgType")
    }
    receivers = root.findall(f"{_tag('TransInfo')}/{_tag('ReceiverIds')}/{_tag('ReceiverId')}")
    if root.get("ver") != "1.0" or not 1 <= len(receivers) <= 5:
        raise Refused(SCHEMA, "version or receivers")
    if not 1 <= len(head["CopMsgId"]) <= 255 or not 1 <= len(head["SenderId"]) <= 16 or len(head["MsgType"]) > 30:
        raise Refused(SCHEMA, "CopMsgId, SenderId or MsgType")
    try:
        return head, base64.b64decode(re.sub(r"\s", "", root.findtext(_tag("Data"), "")), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise Refused(SCHEMA, "Data is not base64") from fault


def lay(folder: Path, name: str, content: bytes) -> None:
    """Write a file into the inbox so that it appears there whole or not at all. Raises OSError."""
    draft = folder / DRAFTS / f"{name}.{uuid.uuid4().hex}"
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / INBOX / name)


def _tree(content: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(content, parser) if content and b"<!DOCTYPE" not in content else None
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root


def _head(number: str, receiver: str, message_type: str, clock: Clock) -> etree._Element:
    head = etree.Element(_tag("TransInfo"), nsmap={"dxp": DXP})
    etree.SubElement(head, _tag("CopMsgId")).text = number
    etree.SubElement(head, _tag("SenderId")).text = OURS
    etree.SubElement(etree.SubElement(head, _tag("ReceiverIds")), _tag("ReceiverId")).text = receiver
    etree.SubElement(head, _tag("CreatTime")).text = f"{clock.now():%Y-%m-%dT%H:%M:%S}"
    etree.SubElement(head, _tag("MsgType")).text = message_type
    return head


def _message(head: etree._Element, data: bytes) -> bytes:
    root = etree.Element(_tag("DxpMsg"), {"ver": "1.0"}, nsmap={"dxp": DXP})
    root.append(head)
    etree.SubElement(root, _tag("Data")).text = base64.b64encode(data).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _answer(content: bytes, fault: Refused, clock: Clock) -> bytes:
    """What the exchange says about an envelope it does not carry."""
    root = _tree(content)
    asked = root.find(_tag("TransInfo")) if root is not None else None
    sender = asked.findtext(_tag("SenderId"), "") if asked is not None else ""
    number = asked.findtext(_tag("CopMsgId"), "") if asked is not None else ""
    kind = asked.findtext(_tag("MsgType"), "") if asked is not None else ""
    answer = etree.Element(_tag("DxpRep"), {"ver": "1.0"}, nsmap={"dxp": DXP})
    etree.SubElement(answer, _tag("RecevierId")).text = sender[:16] or "UNKNOWN"
    response = etree.SubElement(answer, _tag("Response"))
    etree.SubElement(response, _tag("ResponseCode")).text = fault.code
    etree.SubElement(response, _tag("ResponseInfo")).text = str(fault)[:300]
    etree.SubElement(response, _tag("NoticeTime")).text = f"{clock.now():%Y-%m-%d}"
    original = _head(number[:255] or "UNKNOWN", OURS, kind[:30], clock)
    original.tag = _tag("OriHead")
    sender_node = original.find(_tag("SenderId"))
    if sender_node is not None:
        sender_node.text = sender[:16] or "UNKNOWN"
    response.append(original)
    return etree.tostring(answer, xml_declaration=True, encoding="UTF-8")


def _tag(name: str) -> str:
    return f"{{{DXP}}}{name}"
