"""The passing of time: when a planned step of a document is due, it happens."""

from __future__ import annotations

import sqlite3
import sys
import threading

from sandboxes.window.desk import Desk
from sandboxes.window.faults import Scripts
from sandboxes.window.journal import DONE
from sandboxes.window.outbox import RECEIPT_OF, Outbox
from sandboxes.window.store import Document, Store

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


class Officers:
    """One thread that carries out what is due, in the order it is due."""

    def __init__(self, store: Store, outbox: Outbox, scripts: Scripts, desk: Desk) -> None:
        self._store = store
        self._outbox = outbox
        self._scripts = scripts
        self._desk = desk
        self._closed = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="officers").start()

    def close(self) -> None:
        with self._store.lock:
            self._closed = True
            self._store.changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._store.lock:
                if self._closed:
                    return
                first = self._store.next_due()
                wait = first.plan[0][0] - self._store.clock.epoch() if first else IDLE_SECONDS
                if first is None or wait > 0:
                    self._store.changed.wait(min(wait, IDLE_SECONDS))
                    continue
            self._safely(first)

    def _safely(self, document: Document) -> None:
        """A document nobody can deal with holds up no other: it is put aside and the journal says so."""
        try:
            self._advance(document.number)
        except sqlite3.OperationalError:  # a full disk: the step is still planned, and done when it can be
            sys.excepthook(*sys.exc_info())
            threading.Event().wait(IDLE_SECONDS)
        except Exception as fault:
            sys.excepthook(*sys.exc_info())
            with self._store.step():
                self._store.plan(document, [])
                self._store.journal.add(DONE, "put aside", document.guid, document.order_no, repr(fault)[:500])

    def _advance(self, number: int) -> None:
        with self._store.step():
            document = self._store.numbered(number)
            if document is None or not document.plan or document.plan[0][0] > self._store.clock.epoch():
                return
            _, code, info = document.plan[0]
            if code == "match":
                self._desk.lists.match(document, info)
                return
            self._store.plan(document, document.plan[1:])
            self._carry_out(document, code, info)

    def _carry_out(self, document: Document, code: str, info: str) -> None:
        match code:
            case "decide":
                self._decide(document)
            case "bill":
                self._desk.lists.bill(document)
            case "consolidate":
                self._desk.lists.consolidate(document)
            case _:
                self._outbox.status(document, code, info or _WORDS.get(code, "see the code"))
                if document.kind == "621" and code == "800":
                    self._desk.lists.released(document)
                if document.kind == "621" and code == "700":
                    self._desk.lists.undo(document, "returned abroad")

    def _decide(self, document: Document) -> None:
        """The last word on a paper or a request."""
        fault = self._scripts.take(("reject",), RECEIPT_OF[document.kind], document, None)
        if fault:
            self._outbox.status(document, fault["code"], "rejected by script")
        elif document.kind == "623":
            self._withdraw(document)
        elif document.kind == "625":
            self._return(document)
        elif document.kind == "711":
            self._outbox.status(document, "399", "concluded")
        else:
            self._outbox.status(document, "120", "received")
            self._desk.lists.wake(document.order_no)

    def _withdraw(self, request: Document) -> None:
        listed = self._desk.requests.listed(request.content)
        if listed is None or not listed.standing or listed.status in ("800", "899"):
            self._outbox.status(request, "-623005", "the list can no longer be withdrawn")
            return
        self._desk.lists.withdraw(listed)
        self._outbox.status(request, "399", "withdrawn")

    def _return(self, request: Document) -> None:
        listed = self._desk.requests.listed(request.content)
        if listed is None:
            self._outbox.status(request, "-625209", "no list of this number and order")
            return
        self._desk.lists.give_back(listed, request.content["lines"])
        self._outbox.status(request, "399", "return granted")
