"""The passing of time: when a planned step of a document is due, it happens."""

from __future__ import annotations

import threading

from sandboxes.window import faults
from sandboxes.window.desk import Desk
from sandboxes.window.outbox import RECEIPT_OF, Outbox
from sandboxes.window.store import Document, Store, epoch

IDLE_SECONDS = 0.5
_WORDS = {
    "1": "stored",
    "2": "declaring",
    "3": "sent to customs",
    "4": "not sent to customs",
    "120": "received",
    "300": "an officer looks at it",
    "399": "examination concluded",
    "500": "the goods are inspected",
    "501": "detained",
    "502": "detained",
    "503": "detained",
    "599": "detained",
    "700": "returned abroad",
    "800": "released",
    "899": "closed",
}
_AFTER_HOLD = ["399", "800", "899", "bill", "consolidate"]


class Officers:
    """One thread that carries out what is due, in the order it is due."""

    def __init__(self, store: Store, outbox: Outbox, desk: Desk) -> None:
        self._store = store
        self._outbox = outbox
        self._desk = desk
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="officers").start()

    def close(self) -> None:
        with self._store.lock:
            self._closed = True
            self._store.changed.notify_all()

    def resume(self, order_no: str) -> bool:
        """Let a held list go on; False when there is none."""
        with self._store.step():
            for document in self._store.find("621", orderNo=order_no):
                if (
                    document.invt_no
                    and not document.plan
                    and document.status in ("300", "500", "501", "502", "503", "599")
                ):
                    self._desk.lists.plan(document, _AFTER_HOLD)
                    return True
        return False

    def _run(self) -> None:
        while True:
            with self._store.lock:
                if self._closed:
                    return
                first = min(self._store.planned.values(), key=lambda one: one.plan[0][0], default=None)
                wait = first.plan[0][0] - epoch() if first else IDLE_SECONDS
                if first is None or wait > 0:
                    self._store.changed.wait(min(wait, IDLE_SECONDS))
                    continue
            self._advance(first.kind, first.name)

    def _advance(self, kind: str, name: str) -> None:
        with self._store.step():
            document = self._store.documents[kind, name]
            if not document.plan:
                return
            due, code, info = document.plan[0]
            if code == "match":
                self._desk.lists.match(document, due)
                return
            self._store.put(type="plan", kind=kind, name=name, steps=document.plan[1:])
            self._carry_out(document, code, info)

    def _carry_out(self, document: Document, code: str, info: str) -> None:
        match code:
            case "decide":
                self._decide(document)
            case "bill":
                self._desk.lists.bill(document)
            case "consolidate":
                self._outbox.bill_state(document, "2")
            case _:
                self._outbox.status(document, code, info or _WORDS.get(code, "see the code"))

    def _decide(self, document: Document) -> None:
        """The last word on a paper or a request."""
        order_no = document.content.get("orderNo", "")
        fault = faults.take(self._store, ("reject",), RECEIPT_OF[document.kind], order_no, None)
        if fault:
            self._outbox.status(document, fault["code"], "rejected by script")
        elif document.kind == "623":
            self._withdraw(document)
        elif document.kind == "625":
            self._return(document)
        else:
            self._outbox.status(document, "120", "received")

    def _withdraw(self, request: Document) -> None:
        listed = self._desk.requests.listed(request.content)
        if listed is None or listed.status in ("800", "899", "cancelled"):
            self._outbox.status(request, "-623005", "the list was released meanwhile")
            return
        self._store.put(type="plan", kind="621", name=listed.name, steps=[])
        self._desk.lists.withdraw(listed)
        self._outbox.status(request, "399", "withdrawn")

    def _return(self, request: Document) -> None:
        listed = self._desk.requests.listed(request.content)
        if listed is not None:
            self._desk.lists.give_back(listed, request.content["lines"])
            self._outbox.status(request, "399", "return granted")
