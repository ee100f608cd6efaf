"""What the window knows: documents, their plans, receipts to deliver, yearly sums and scripted faults.

Every change is a record; a step's records are applied in memory as they come and go to the journal in one line before
the lock is released. So what is answered is on disk, and a restart replays to the same state.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandboxes.window.clock import Clock
from sandboxes.window.journal import Journal, Record

Key = tuple[str, str]  # kind and what customs calls the document
INDEXED = ("orderNo", "payTransactionId", "logisticsNo", "logisticsCode", "ebpCode", "copNo")


@dataclass(slots=True)
class Document:
    """One document: `plan` holds the steps still to come as [due, code, info]; `history` those that were."""

    kind: str
    name: str
    guid: str
    content: dict[str, Any]
    status: str = ""
    pre_no: str = ""
    invt_no: str = ""
    released_on: str = ""
    counted: str = ""
    plan: list[list[Any]] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    returned: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.kind, self.name

    @property
    def standing(self) -> bool:
        """Neither refused nor withdrawn nor deleted: another of its name would be one too many."""
        refused = self.status.startswith(("-", "100")) or self.status == "cancelled"
        return not refused and self.content.get("appType") != "3"


@dataclass(slots=True)
class Receipt:
    """One receipt on its way; `lane` keeps the order of a document's receipts."""

    number: int
    kind: str
    of: Key
    status: str
    xml: str
    lane: str
    due: float
    after: int = 0
    state: str = "waiting"
    attempts: int = 0


class Store:
    """All state, guarded by `lock`; change it only inside `step`."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.messages: dict[str, str] = {}
        self.message_documents: dict[str, list[Key]] = {}
        self.documents: dict[Key, Document] = {}
        self._index: dict[tuple[str, str, str], dict[Key, None]] = {}
        self.receipts: dict[int, Receipt] = {}
        self.waiting: dict[int, Receipt] = {}
        self.last_delivered: dict[Key, int] = {}
        self.used: dict[tuple[str, str], Decimal] = {}
        self.entries: list[Record] = []
        self.faults: dict[int, Record] = {}
        self.serial = 0
        self.paused = False
        self.planned: dict[Key, Document] = {}
        self._depth = 0
        self._records: list[Record] = []
        for records in journal.replay():
            for record in records:
                self._apply(record)

    @contextmanager
    def step(self) -> Iterator[None]:
        """One whole step. A step that fails half way ends the process: the journal holds the last good state."""
        with self.lock:
            self._depth += 1
            try:
                yield
                if self._depth == 1 and self._records:
                    self.journal.append(self._records)
                    self._records = []
            except BaseException:
                if self._records:
                    print("the window stops: a step failed half way", file=sys.stderr, flush=True)
                    sys.excepthook(*sys.exc_info())
                    os._exit(70)
                raise
            finally:
                self._depth -= 1
            self.changed.notify_all()

    def put(self, **record: Any) -> None:
        """Apply one record inside a step and remember it for the journal."""
        self._records.append(record)
        self._apply(record)

    def next_serial(self) -> int:
        self.put(type="serial", value=self.serial + 1)
        return self.serial

    def find(self, kind: str, **wanted: str) -> list[Document]:
        """Documents of a kind whose content has these values of INDEXED elements, oldest first."""
        keys = [self._index.get((kind, name, value), {}) for name, value in wanted.items()]
        return [self.documents[key] for key in keys[0] if all(key in others for others in keys[1:])]

    def _apply(self, record: Record) -> None:
        getattr(self, f"_on_{record['type']}")(record)

    def _on_serial(self, record: Record) -> None:
        self.serial = record["value"]

    def _on_message(self, record: Record) -> None:
        self.messages[record["guid"]] = record["digest"]
        self.message_documents[record["guid"]] = [(kind, name) for kind, name in record["documents"]]

    def _on_document(self, record: Record) -> None:
        key = record["kind"], record["name"]
        known = self.documents.get(key)
        fresh = Document(record["kind"], record["name"], record["guid"], record["content"], pre_no=record["pre_no"])
        if known is not None:
            fresh.history = known.history
            self._unindex(known)
        self.documents[key] = fresh
        self.planned.pop(key, None)
        for name in INDEXED:
            self._index.setdefault((fresh.kind, name, fresh.content.get(name, "")), {})[key] = None

    def _unindex(self, document: Document) -> None:
        for name in INDEXED:
            self._index[document.kind, name, document.content.get(name, "")].pop(document.key, None)

    def _on_plan(self, record: Record) -> None:
        document = self.documents[record["kind"], record["name"]]
        document.plan = record["steps"]
        if document.plan:
            self.planned[document.key] = document
        else:
            self.planned.pop(document.key, None)

    def _on_status(self, record: Record) -> None:
        document = self.documents[record["kind"], record["name"]]
        document.status = record["status"]
        document.history.append((record["status"], record["at"]))
        document.invt_no = record.get("invt_no") or document.invt_no
        self.clock.seen(record["at"])
        if record["status"] == "800":
            document.released_on = record["at"][:8]

    def _on_receipt(self, record: Record) -> None:
        values = {name: value for name, value in record.items() if name != "type"}
        values["of"] = tuple(values["of"])
        receipt = self.receipts[record["number"]] = Receipt(**values)
        if receipt.state == "waiting":
            self.waiting[receipt.number] = receipt

    def _on_delivery(self, record: Record) -> None:
        receipt = self.receipts[record["number"]]
        receipt.state = record["state"]
        receipt.attempts = record.get("attempts", receipt.attempts)
        if receipt.state == "waiting":
            self.waiting[receipt.number] = receipt
        else:
            self.waiting.pop(receipt.number, None)
            self.last_delivered[receipt.of] = max(receipt.number, self.last_delivered.get(receipt.of, 0))

    def _on_allowance(self, record: Record) -> None:
        key = record["identity"], record["year"]
        self.used[key] = self.used.get(key, Decimal(0)) + Decimal(record["amount"])
        self.entries.append(record)

    def _on_returned(self, record: Record) -> None:
        self.documents["621", record["name"]].returned[record["gnum"]] = record["quantity"]

    def _on_fault(self, record: Record) -> None:
        self.faults[record["number"]] = dict(record)

    def _on_fault_used(self, record: Record) -> None:
        fault = self.faults[record["number"]]
        if fault["count"] is not None:
            fault["count"] -= 1

    def _on_faults_cleared(self, record: Record) -> None:
        self.faults.clear()

    def _on_paused(self, record: Record) -> None:
        self.paused = record["value"]


def epoch() -> float:
    """The clock of plans and retries; customs' own clock only stamps receipts."""
    return time.time()
