"""The documents the window holds: what each says, where it stands, and what is planned to happen to it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from sandboxes.window.clock import Clock
from sandboxes.window.database import Database
from sandboxes.window.journal import Journal

Step = list[Any]  # [due, code, info]


@dataclass(slots=True)
class Document:
    """One document as it stands; change it through the store, which keeps both in step.

    `bill` is the state of its tax bill, `counted` what a list counts in its buyer's year, `returned` the quantities
    that went back, by line.
    """

    number: int
    kind: str
    name: str
    guid: str
    content: dict[str, Any]
    pre_no: str
    status: str = ""
    invt_no: str = ""
    released_on: str = ""
    bill: str = ""
    counted: str = ""
    plan: list[Step] = field(default_factory=list)
    returned: dict[str, str] = field(default_factory=dict)

    @property
    def order_no(self) -> str:
        return str(self.content.get("orderNo", ""))

    @property
    def standing(self) -> bool:
        """Neither refused nor withdrawn nor deleted: another of its name would be one too many."""
        refused = self.status.startswith(("-", "100")) or self.status in ("cancelled", "700")
        return not refused and self.content.get("appType") != "3"

    @property
    def parked(self) -> bool:
        """Stored by its filer and not declared yet."""
        return self.status == "1" and self.content.get("appStatus") == "1" and not self.plan


class Store:
    """Reads and writes documents; writing only inside `step`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.journal = Journal(database, clock)
        self.step = database.step
        self.lock = database.lock
        self.changed = database.changed
        row = database.one("SELECT max(at) AS at FROM (SELECT at FROM journal ORDER BY number DESC LIMIT 1)")
        if row and row["at"]:
            clock.seen(row["at"])
        clock.advance(float(database.fact("advanced", "0")))

    @property
    def paused(self) -> bool:
        return self.database.fact("paused") == "1"

    def document(self, kind: str, name: str) -> Document | None:
        row = self.database.one("SELECT * FROM documents WHERE kind = ? AND name = ?", kind, name)
        return _document(row) if row else None

    def numbered(self, number: int) -> Document | None:
        row = self.database.one("SELECT * FROM documents WHERE number = ?", number)
        return _document(row) if row else None

    def with_guid(self, guid: str) -> Document | None:
        row = self.database.one("SELECT * FROM documents WHERE guid = ? LIMIT 1", guid)
        return _document(row) if row else None

    def of_order(self, kind: str, order_no: str, ebp_code: str | None = None) -> list[Document]:
        """Documents of an order, oldest first; of one platform, when it is named."""
        rows = self.database.all(
            "SELECT * FROM documents WHERE order_no = ? AND kind = ? ORDER BY number LIMIT 200", order_no, kind
        )
        found = [_document(row) for row in rows]
        return [one for one in found if ebp_code is None or one.content.get("ebpCode") == ebp_code]

    def waybills(self, logistics_no: str, logistics_code: str | None = None) -> list[Document]:
        rows = self.database.all(
            "SELECT * FROM documents WHERE logistics_no = ? AND kind = '511' ORDER BY number LIMIT 200", logistics_no
        )
        found = [_document(row) for row in rows]
        return [one for one in found if logistics_code is None or one.content["logisticsCode"] == logistics_code]

    def put(self, kind: str, name: str, content: dict[str, Any], pre_no: str) -> Document:
        """A fresh document, in the place of one of this name that no longer stands."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        values = (content.get("guid", ""), content.get("orderNo", ""), content.get("logisticsNo", ""), text, pre_no)
        self.database.run(
            "INSERT INTO documents (kind, name, guid, order_no, logistics_no, content, pre_no)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET guid = excluded.guid,"
            " order_no = excluded.order_no, logistics_no = excluded.logistics_no, content = excluded.content,"
            " pre_no = excluded.pre_no, status = '', invt_no = '', released_on = '', bill = '', counted = '',"
            " returned = '{}', plan = '[]', due = NULL",
            kind, name, *values,
        )  # fmt: skip
        document = self.document(kind, name)
        assert document is not None
        return document

    def plan(self, document: Document, steps: list[Step]) -> None:
        """What is to happen, in order; [] for nothing more."""
        document.plan = steps
        self.database.run(
            "UPDATE documents SET plan = ?, due = ? WHERE number = ?",
            json.dumps(steps), steps[0][0] if steps else None, document.number,
        )  # fmt: skip

    def move(self, document: Document, status: str, info: str, invt_no: str = "") -> str:
        """A new status; gives the stamp it happened at."""
        stamp = self.clock.stamp()
        document.status = status
        document.invt_no = invt_no or document.invt_no
        if status == "800":
            document.released_on = stamp[:8]
        self.database.run(
            "UPDATE documents SET status = ?, invt_no = ?, released_on = ? WHERE number = ?",
            status, document.invt_no, document.released_on, document.number,
        )  # fmt: skip
        self.database.run("INSERT INTO history VALUES (?, ?, ?, ?)", document.number, stamp, status, info[:300])
        return stamp

    def set_bill(self, document: Document, state: str) -> None:
        document.bill = state
        self._set(document, "bill", state)

    def set_counted(self, document: Document, amount: str) -> None:
        document.counted = amount
        self._set(document, "counted", amount)

    def set_returned(self, document: Document, gnum: str, quantity: str) -> None:
        document.returned[gnum] = quantity
        self._set(document, "returned", json.dumps(document.returned))

    def _set(self, document: Document, column: str, value: str) -> None:
        self.database.run(f"UPDATE documents SET {column} = ? WHERE number = ?", value, document.number)  # noqa: S608

    def next_due(self) -> Document | None:
        row = self.database.one("SELECT * FROM documents WHERE due IS NOT NULL ORDER BY due, number LIMIT 1")
        return _document(row) if row else None

    def history(self, number: int) -> list[dict[str, str]]:
        rows = self.database.all("SELECT status, at, info FROM history WHERE document = ? ORDER BY rowid", number)
        return [dict(row) for row in rows]

    def page(self, order_no: str, kind: str, status: str, before: int, limit: int) -> list[Document]:
        """The newest documents that fit, newest first; an empty text asks for nothing."""
        wanted = {"order_no": order_no, "kind": kind, "status": status}
        terms = [f"{name} = ?" for name, value in wanted.items() if value]
        values: list[Any] = [value for value in wanted.values() if value]
        if before:
            terms.append("number < ?")
            values.append(before)
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        order = f"SELECT * FROM documents {where} ORDER BY number DESC LIMIT ?"  # noqa: S608 - names are ours
        return [_document(row) for row in self.database.all(order, *values, limit)]


def _document(row: sqlite3.Row) -> Document:
    names = ("number", "kind", "name", "guid", "pre_no", "status", "invt_no", "released_on", "bill", "counted")
    return Document(
        **{name: row[name] for name in names},
        content=json.loads(row["content"]),
        plan=json.loads(row["plan"]),
        returned=json.loads(row["returned"]),
    )
