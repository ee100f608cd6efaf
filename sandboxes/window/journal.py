"""The auditor's book: everything received and sent, byte for byte, and what officers did, in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandboxes.window.clock import Clock
from sandboxes.window.database import Database

RECEIVED, SENT, DONE = "received", "sent", "done"
PAGE_MAX = 500


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; an empty text asks for nothing. `before` is the number of the oldest entry already seen."""

    way: str = ""
    kind: str = ""
    guid: str = ""
    order_no: str = ""
    before: int = 0
    limit: int = 50


class Journal:
    """Add inside a step; entries are never changed, which the database itself sees to."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, way: str, kind: str, guid: str, order_no: str, outcome: str, body: bytes | None = None) -> None:
        """`kind` is the three digits of a message, or a word for what was done."""
        self._database.run(
            "INSERT INTO journal (at, way, kind, guid, order_no, outcome, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._clock.stamp(), way, kind[:30], guid[:255], order_no[:60], outcome[:1000], body,
        )  # fmt: skip

    def entries(self, query: Query) -> list[dict[str, Any]]:
        """The newest entries that fit, newest first, without their bodies."""
        wanted = {"way": query.way, "kind": query.kind, "guid": query.guid, "order_no": query.order_no}
        terms = [f"{name} = ?" for name, value in wanted.items() if value]
        values: list[Any] = [value for value in wanted.values() if value]
        if query.before:
            terms.append("number < ?")
            values.append(query.before)
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        rows = self._database.all(
            "SELECT number, at, way, kind, guid, order_no, outcome, length(body) AS bytes"  # noqa: S608 - own names
            f" FROM journal {where} ORDER BY number DESC LIMIT ?",
            *values, min(query.limit, PAGE_MAX),
        )  # fmt: skip
        return [dict(row) for row in rows]

    def body(self, number: int) -> bytes | None:
        row = self._database.one("SELECT body FROM journal WHERE number = ?", number)
        return bytes(row["body"]) if row and row["body"] is not None else None
