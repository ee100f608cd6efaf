"""The counter: takes a message, tells its form, signature and repetition, and hands each document to its officer."""

from __future__ import annotations

import hashlib
import json

from sandboxes.window import content, signing
from sandboxes.window.journal import RECEIVED
from sandboxes.window.layout import Message, Unreadable, layouts, read
from sandboxes.window.lists import Lists
from sandboxes.window.outbox import Outbox
from sandboxes.window.papers import Papers
from sandboxes.window.requests_desk import Requests
from sandboxes.window.settings import Desktop
from sandboxes.window.signing import Trust
from sandboxes.window.store import Document, Store

PARAMETER = {
    "311": "-301008",
    "411": "-401009",
    "511": "-504011",
    "513": "-505011",
    "621": "-621001",
    "623": "-623001",
    "625": "-625001",
    "711": "-800001",
}
SIGNATURE = {
    "621": {signing.MISSING: "-621026", signing.CHANGED: "-621028", signing.WRONG: "-621029"},
    "623": {signing.MISSING: "-623017", signing.CHANGED: "-623029", signing.WRONG: "-623029"},
    "625": {signing.MISSING: "-625005", signing.CHANGED: "-625208", signing.WRONG: "-625208"},
}
SIGNATURE_WORDS = {
    signing.MISSING: "the signature is missing",
    signing.CHANGED: "the signed data differ from the data sent",
    signing.WRONG: "the signature does not hold",
}
NAMES = {
    "311": ("ebpCode", "ebcCode", "orderNo"),
    "411": ("payCode", "payTransactionId"),
    "511": ("logisticsCode", "logisticsNo"),
    "513": ("logisticsCode", "logisticsNo"),
    "621": ("copNo",),
    "623": ("copNo",),
    "625": ("copNo",),
    "711": ("copNo",),
}
# What the table of codes names more closely than a parameter check, by how the words of the first fault begin.
_CLOSER = {
    "311": {"OrderList: 0 lines": "-301001", "gnum: not 1": "-301002"},
    "621": {"InventoryList: 0 lines": "-621000", "gnum: not 1": "-621027"},
    "625": {"InvtRefundList: 0 lines": "-625006"},
    "711": {"DeliveryList: 0 lines": "-800000"},
}
_PAPER_STEPS = [["2", "declaring"], ["decide", ""]]
_REQUEST_STEPS = [["1", "stored"], ["2", "declaring"], ["120", "received"], ["decide", ""]]
_STEPS = {
    "621": [["1", "stored"], ["2", "declaring"], ["match", ""]],
    "623": _REQUEST_STEPS,
    "625": _REQUEST_STEPS,
    "711": _REQUEST_STEPS,
}
_DELETION = [["1", "stored"], ["2", "declaring"], ["399", "deleted"]]
_PRE_NO = {"621": "B", "623": "C", "625": "T", "711": "R"}


class Desk:
    """Takes messages in; `take` returns when everything about them is on disk."""

    def __init__(self, store: Store, outbox: Outbox, lists: Lists, desktop: Desktop, trust: Trust) -> None:
        self._store = store
        self._outbox = outbox
        self._desktop = desktop
        self._trust = trust
        self.lists = lists
        self.requests = Requests(store, desktop)
        self.papers = Papers(store)

    def take(self, message_id: str, message_type: str, xml: bytes) -> None:
        """One message out of its envelope. It never fails: what is wrong comes back as a receipt."""
        try:
            message = read(xml)
            fault = signing.fault_of(message.root, self._trust)
        except Unreadable as unread:
            with self._store.step():
                self._note("900", message_id, "", f"not read: {unread}", xml)
                self._outbox.unreadable(message_id, message_type, str(unread))
            return
        digest = hashlib.sha256(repr((message.kind, message.documents)).encode()).hexdigest()
        with self._store.step():
            self._note(message.kind, message.guid, _order_no(message, 0), f"{len(message.documents)} documents", xml)
            for at in range(1, len(message.documents)):
                self._note(
                    message.kind, message.guid, _order_no(message, at), f"document {at + 1} of the message", None
                )
            known = self._store.database.one("SELECT digest, documents FROM messages WHERE guid = ?", message.guid)
            if known is None:
                self._accept(message, digest, fault)
            elif known["digest"] == digest:
                self._repeat(json.loads(known["documents"]))
            else:
                # The same message counts once; its filer may only have missed our answer. This is another one.
                words = "the guid stood on another message"
                self._outbox.unreadable(message.guid, f"CEB{message.kind}Message", words)

    def _note(self, kind: str, guid: str, order_no: str, outcome: str, xml: bytes | None) -> None:
        self._store.journal.add(RECEIVED, kind, guid, order_no, outcome, xml)

    def _repeat(self, numbers: list[int]) -> None:
        for number in numbers:
            document = self._store.numbered(number)
            if document is not None:
                self._once_more(document)

    def _once_more(self, document: Document) -> None:
        """The filer sends again what is here: because an answer was lost, or because it never got to customs."""
        if document.status == "4" and not document.plan:
            self._plan(document, _STEPS.get(document.kind, _PAPER_STEPS)[-2:])
        else:
            self._outbox.again(document)

    def _accept(self, message: Message, digest: str, fault: str | None) -> None:
        named = [
            ("/".join(values.get(name, "") for name in NAMES[message.kind]), values) for values in message.documents
        ]
        numbers = []
        for (name, values), faults in zip(named, message.faults, strict=True):
            if all(values.get(part) for part in NAMES[message.kind]):
                numbers.append(self._document(message.kind, name, values, faults, fault))
            else:
                words = "; ".join(faults)[:900] or "no name"
                self._outbox.unreadable(message.guid, f"CEB{message.kind}Message", words)
        self._store.database.run("INSERT INTO messages VALUES (?, ?, ?)", message.guid, digest, json.dumps(numbers))

    def _document(self, kind: str, name: str, values: dict, faults: list[str], fault: str | None) -> int:
        known = self._store.document(kind, name)
        if known is not None and known.standing and known.content == values:
            self._once_more(known)
            return known.number
        verdict = self._verdict(kind, name, values, faults, fault, known)
        if verdict is not None and known is not None and known.standing:
            # What is wrong with the newcomer does not touch the one that stands.
            self._outbox.refuse_beside(known, values, *verdict)
            return known.number
        document = self._put(kind, name, values)
        if verdict is not None:
            self._plan(document, [["2", ""], list(verdict)])
        elif values["appStatus"] == "1":
            self._plan(document, [["1", "stored, not declared"]])
        elif values["appType"] == "3" and kind in _PRE_NO:
            self._plan(document, _DELETION)
        else:
            self._plan(document, _STEPS.get(kind, _PAPER_STEPS))
            if kind == "623":
                self.requests.hold_back(values, self._desktop.now.pace * (len(_STEPS[kind]) + 2))
        return document.number

    def _verdict(
        self, kind: str, name: str, values: dict, faults: list[str], fault: str | None, known: Document | None
    ) -> tuple[str, str] | None:
        """The code and words that refuse a document at once, or None."""
        if fault is not None and (fault != signing.MISSING or _must_sign(kind, values)):
            return SIGNATURE.get(kind, {}).get(fault, PARAMETER[kind]), SIGNATURE_WORDS[fault]
        wrong = faults or content.faults(kind, values)
        if wrong:
            closer = (code for words, code in _CLOSER.get(kind, {}).items() if wrong[0].startswith(words))
            return next(closer, PARAMETER[kind]), "; ".join(wrong)
        other = self._store.with_guid(values["guid"])
        if other is not None and (other.kind, other.name) != (kind, name):
            return PARAMETER[kind], "guid: stands on another document"
        if kind == "621":
            return self.lists.refusal(values, known)
        if kind in ("623", "625"):
            return self.requests.refusal(kind, values, known)
        return self.papers.refusal(kind, values, known)

    def _put(self, kind: str, name: str, values: dict) -> Document:
        letter = _PRE_NO.get(kind)
        serial = self._store.database.next_serial() if letter else 0
        pre_no = f"{letter}{self._store.clock.today():%Y%m%d}{serial:09d}" if letter else ""
        return self._store.put(kind, name, values, pre_no)

    def _plan(self, document: Document, steps: list[list]) -> None:
        at, pace = self._store.clock.epoch(), self._desktop.now.pace
        planned = [[at + number * pace, str(code), info] for number, (code, info) in enumerate(steps, 1)]
        self._store.plan(document, planned)


def _order_no(message: Message, at: int) -> str:
    return str(message.documents[at].get("orderNo", ""))


def _must_sign(kind: str, values: dict) -> bool:
    return layouts()[kind].signed and values.get("appStatus") == "2"
