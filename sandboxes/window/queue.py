"""Receipts on their way: which are due, what became of each."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sandboxes.window.journal import SENT
from sandboxes.window.store import Store

BATCH = 32
RETRY_SECONDS_MAX = 10


@dataclass(frozen=True, slots=True)
class Receipt:
    number: int
    kind: str
    document: int | None
    guid: str
    order_no: str
    status: str
    xml: str
    lane: str
    attempts: int


class Queue:
    """Receipts wait by the system's clock, not by customs': a moved clock delays none and hurries none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    def add(self, receipt: Receipt, delay: float, *, overtaken: bool, lost: bool) -> None:
        """Inside a step."""
        self._database.run(
            "INSERT INTO receipts (number, kind, document, guid, order_no, status, xml, lane, due, overtaken, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            receipt.number, receipt.kind, receipt.document, receipt.guid, receipt.order_no, receipt.status, receipt.xml,
            receipt.lane, time.time() + delay, overtaken, "lost" if lost else "waiting",
        )  # fmt: skip

    def due(self) -> list[Receipt]:
        """The first waiting receipt of each lane, as far as its time has come."""
        rows = self._database.all(
            "SELECT number, kind, document, guid, order_no, status, xml, lane, attempts FROM receipts AS own"
            " WHERE state = 'waiting' AND due <= ? AND NOT EXISTS (SELECT 1 FROM receipts AS earlier"
            " WHERE earlier.state = 'waiting' AND earlier.lane = own.lane AND earlier.number < own.number)"
            " ORDER BY due, number LIMIT ?",
            time.time(), BATCH,
        )  # fmt: skip
        return [Receipt(**dict(row)) for row in rows]

    def wait_seconds(self, most: float) -> float:
        """How long until something more falls due."""
        now = time.time()
        row = self._database.one("SELECT min(due) AS due FROM receipts WHERE state = 'waiting' AND due > ?", now)
        return min(most, row["due"] - now) if row and row["due"] is not None else most

    def delivered(self, receipt: Receipt) -> None:
        with self._store.step():
            self._database.run(
                "UPDATE receipts SET state = 'delivered', attempts = attempts + 1 WHERE number = ?", receipt.number
            )
            # A receipt to be overtaken goes once a later one of its document has arrived.
            self._database.run(
                "UPDATE receipts SET due = 0 WHERE document = ? AND overtaken AND state = 'waiting' AND number < ?",
                receipt.document, receipt.number,
            )  # fmt: skip
            self._note(receipt, "taken")

    def refused(self, receipt: Receipt, answer: str) -> None:
        """To be sent again later, with all that waits behind it; the journal tells each kind of answer once."""
        wait = min(0.2 * 2 ** min(receipt.attempts + 1, 8), RETRY_SECONDS_MAX)
        with self._store.step():
            told = self._database.one("SELECT told FROM receipts WHERE number = ?", receipt.number)
            self._database.run(
                "UPDATE receipts SET attempts = attempts + 1, told = ? WHERE number = ?", answer, receipt.number
            )
            self._database.run(
                "UPDATE receipts SET due = max(due, ?) WHERE lane = ? AND state = 'waiting'",
                time.time() + wait, receipt.lane,
            )  # fmt: skip
            if told and told["told"] != answer:
                self._note(receipt, answer)

    def again(self, document: int) -> None:
        """Send once more what the filer may have missed: lost receipts and the latest one. Inside a step."""
        self._database.run(
            "UPDATE receipts SET state = 'waiting', due = ?, overtaken = 0 WHERE document = ? AND (state = 'lost'"
            " OR (state = 'delivered' AND number = (SELECT max(number) FROM receipts WHERE document = ?)))",
            time.time(), document, document,
        )  # fmt: skip

    def waiting(self, most: int = 1000) -> int:
        row = self._database.one(
            "SELECT count(*) AS found FROM (SELECT 1 FROM receipts WHERE state = 'waiting' LIMIT ?)", most
        )
        return int(row["found"]) if row else 0

    def page(self, order_no: str, before: int, limit: int) -> list[dict[str, object]]:
        """The newest receipts, newest first."""
        terms, values = ["number < ?"], [before or 2**62]
        rows = self._database.all(
            "SELECT number, kind, document, order_no, status, state, attempts, xml FROM receipts"  # noqa: S608
            f" WHERE {' AND '.join([*terms, *(['order_no = ?'] if order_no else [])])} ORDER BY number DESC LIMIT ?",
            *values, *([order_no] if order_no else []), limit,
        )  # fmt: skip
        return [dict(row) for row in rows]

    def of_document(self, document: int) -> list[dict[str, object]]:
        rows = self._database.all(
            "SELECT number, kind, status, state, attempts, told FROM receipts WHERE document = ?"
            " ORDER BY number DESC LIMIT 100",
            document,
        )
        return [dict(row) for row in rows]

    def _note(self, receipt: Receipt, outcome: str) -> None:
        self._store.journal.add(
            SENT, receipt.kind, receipt.guid, receipt.order_no, f"{receipt.status}: {outcome}", receipt.xml.encode()
        )
