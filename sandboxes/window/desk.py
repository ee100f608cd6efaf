"""The counter: takes a message, tells its form, signature and repetition, and hands each document to its officer."""

from __future__ import annotations

import hashlib

from sandboxes.window import content, signing
from sandboxes.window.layout import Message, Unreadable, layouts, read
from sandboxes.window.lists import Lists
from sandboxes.window.outbox import Outbox
from sandboxes.window.papers import Papers
from sandboxes.window.requests_desk import Requests
from sandboxes.window.signing import Trust
from sandboxes.window.store import Document, Store, epoch

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
_PAPER_STEPS = [["2", "declaring"], ["decide", ""]]
_REQUEST_STEPS = [["1", "stored"], ["2", "declaring"], ["120", "received"], ["decide", ""]]
_STEPS = {
    "621": [["1", "stored"], ["2", "declaring"], ["match", ""]],
    "623": _REQUEST_STEPS,
    "625": _REQUEST_STEPS,
    "711": [["1", "stored"], ["2", "declaring"], ["120", "received"], ["399", "concluded"]],
}
_PRE_NO = {"621": "B", "623": "C", "625": "T", "711": "R"}


class Desk:
    """Takes messages in; `take` returns when everything about them is on disk."""

    def __init__(self, store: Store, outbox: Outbox, trust: Trust, pace: float, match_seconds: float) -> None:
        self._store = store
        self._outbox = outbox
        self._trust = trust
        self._pace = pace
        self.lists = Lists(store, outbox, pace, match_seconds)
        self.requests = Requests(store, outbox)
        self.papers = Papers(store)

    def take(self, message_id: str, message_type: str, xml: bytes) -> None:
        """One message out of its envelope. It never fails: what is wrong comes back as a receipt."""
        try:
            message = read(xml)
        except Unreadable as fault:
            with self._store.step():
                self._outbox.unreadable(message_id, message_type, str(fault))
            return
        digest = hashlib.sha256(repr((message.kind, message.documents)).encode()).hexdigest()
        with self._store.step():
            if message.guid in self._store.messages:
                self._repeat(message, digest)
            else:
                self._accept(message, digest)

    def _repeat(self, message: Message, digest: str) -> None:
        """The same message counts once; its filer may only have missed our answer."""
        if self._store.messages[message.guid] != digest:
            self._outbox.unreadable(message.guid, f"CEB{message.kind}Message", "the guid stood on another message")
            return
        for key in self._store.message_documents[message.guid]:
            self._outbox.again(self._store.documents[key])

    def _accept(self, message: Message, digest: str) -> None:
        named = [
            ("/".join(values.get(name, "") for name in NAMES[message.kind]), values) for values in message.documents
        ]
        keys = []
        for (name, values), faults in zip(named, message.faults, strict=True):
            if all(values.get(part) for part in NAMES[message.kind]):
                keys.append([message.kind, name])
                self._document(message, name, values, faults)
            else:
                self._outbox.unreadable(message.guid, f"CEB{message.kind}Message", "; ".join(faults)[:900])
        self._store.put(type="message", guid=message.guid, digest=digest, documents=keys)

    def _document(self, message: Message, name: str, values: dict, faults: list[str]) -> None:
        kind = message.kind
        known = self._store.documents.get((kind, name))
        if known is not None and known.standing and known.content == values:
            self._outbox.again(known)
            return
        verdict = self._verdict(message, values, faults, known)
        if verdict is not None and known is not None and known.standing:
            # What is wrong with the newcomer does not touch the one that stands.
            self._outbox.refuse_beside(known, values, *verdict)
            return
        self._put(kind, name, values)
        if verdict is not None:
            self._plan(kind, name, [[2, ""], list(verdict)])
        elif values["appStatus"] == "1":
            self._plan(kind, name, [["1", "stored, not declared"]])
        else:
            self._plan(kind, name, _STEPS.get(kind, _PAPER_STEPS))
            if kind == "623":
                self.requests.hold_back(values, self._pace * (len(_STEPS[kind]) + 2))

    def _verdict(
        self, message: Message, values: dict, faults: list[str], known: Document | None
    ) -> tuple[str, str] | None:
        """The code and words that refuse a document at once, or None."""
        kind = message.kind
        fault = signing.fault_of(message.root, self._trust)
        if fault is not None and (fault != signing.MISSING or _must_sign(kind, values)):
            return SIGNATURE.get(kind, {}).get(fault, PARAMETER[kind]), SIGNATURE_WORDS[fault]
        wrong = faults or content.faults(kind, values)
        if wrong:
            return PARAMETER[kind], "; ".join(wrong)
        if kind == "621":
            return self.lists.refusal(values, known)
        if kind in ("623", "625"):
            return self.requests.refusal(kind, values, known)
        return self.papers.refusal(kind, values, known)

    def _put(self, kind: str, name: str, values: dict) -> None:
        day = f"{self._store.clock.today():%Y%m%d}"
        letter = _PRE_NO.get(kind)
        pre_no = f"{letter}{day}{self._store.next_serial():09d}" if letter else ""
        self._store.put(
            type="document", kind=kind, name=name, guid=values.get("guid", ""), content=values, pre_no=pre_no
        )

    def _plan(self, kind: str, name: str, steps: list[list]) -> None:
        at = epoch()
        planned = [[at + number * self._pace, str(code), info] for number, (code, info) in enumerate(steps, 1)]
        self._store.put(type="plan", kind=kind, name=name, steps=planned)


def _must_sign(kind: str, values: dict) -> bool:
    return layouts()[0][kind].signed and values.get("appStatus") == "2"
