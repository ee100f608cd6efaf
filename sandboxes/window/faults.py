"""Scripted faults: what the next receipts of a kind, a status or an order should suffer."""

from __future__ import annotations

import re
from typing import Any

from sandboxes.window.database import Database
from sandboxes.window.magic import marked
from sandboxes.window.settings import Desktop
from sandboxes.window.store import Document

ON_DELIVERY = ("delay", "duplicate", "reorder", "lose")
ON_DECISION = ("reject", "examine", "hold")
ON_BILL = ("differ", "void")
SCRIPTS_MAX = 10_000
_RECEIPT_OF = {
    "311": "312",
    "411": "412",
    "511": "512",
    "513": "514",
    "621": "622",
    "623": "624",
    "625": "626",
    "711": "712",
}
_KINDS = {*_RECEIPT_OF.values(), "816", "818", "900"}
_DEFAULTS = {"reject": "100", "examine": "500", "hold": "500"}
_FIELDS = {"kind", "fault", "order_no", "status", "code", "seconds", "copies", "amount", "count"}
_CODE = re.compile(r"-?[0-9]{1,7}\Z", re.ASCII)
_AMOUNT = re.compile(r"-?[0-9]{1,7}(\.[0-9]{1,2})?\Z", re.ASCII)


class BadFault(ValueError):
    """The order for a fault cannot be followed; the message says why."""


class Scripts:
    """The scripts of tests and the marks of people; inside a step."""

    def __init__(self, database: Database, desktop: Desktop) -> None:
        self._database = database
        self._desktop = desktop

    def add(self, order: Any) -> dict[str, Any]:
        """Remember {kind, fault, order_no?, status?, code?, seconds?, copies?, amount?, count?}; null: for ever."""
        fault, kind = _checked(order)
        row = self._database.one("SELECT count(*) AS found FROM faults")
        if row and row["found"] >= SCRIPTS_MAX:
            raise BadFault(f"no more than {SCRIPTS_MAX} scripts at once: take some back")
        texts = [str(order[name]) if order.get(name) is not None else None for name in ("order_no", "status")]
        cursor = self._database.run(
            "INSERT INTO faults (kind, fault, order_no, status, code, seconds, copies, amount, count)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            kind, fault, *texts, str(order.get("code", _DEFAULTS.get(fault, ""))), order.get("seconds", 1),
            order.get("copies", 2), str(order.get("amount", "0.01")), order.get("count", 1),
        )  # fmt: skip
        return self.all(cursor.lastrowid or 0)[0]

    def all(self, number: int = 0) -> list[dict[str, Any]]:
        where = "WHERE number = ?" if number else "WHERE ? = 0"
        return [dict(row) for row in self._database.all(f"SELECT * FROM faults {where} ORDER BY number", number)]  # noqa: S608

    def clear(self) -> None:
        self._database.run("DELETE FROM faults")

    def take(
        self, names: tuple[str, ...], kind: str, document: Document | None, status: str | None
    ) -> dict[str, Any] | None:
        """The first fault that fits, used up by one; else what the address of the document asks for."""
        order_no = document.order_no if document else ""
        rows = self._database.all(
            "SELECT * FROM faults WHERE kind = ? AND (order_no IS NULL OR order_no = ?)"  # noqa: S608 - marks only
            " AND (status IS NULL OR ?3 IS NULL OR status = ?3) AND (count IS NULL OR count > 0)"
            f" AND fault IN ({', '.join(f'?{at}' for at, _ in enumerate(names, 4))}) ORDER BY number LIMIT 1",
            kind, order_no, status, *names,
        )  # fmt: skip
        if rows:
            self._database.run("UPDATE faults SET count = count - 1 WHERE number = ?", rows[0]["number"])
            return dict(rows[0])
        if document is not None and self._desktop.now.marks:
            return marked(document.content, names, kind)
        return None


def _checked(order: Any) -> tuple[str, str]:
    names = ON_DELIVERY + ON_DECISION + ON_BILL
    order = order if isinstance(order, dict) else {}
    fault, kind = str(order.get("fault")), _RECEIPT_OF.get(str(order.get("kind")), str(order.get("kind")))
    if set(order) - _FIELDS or fault not in names or kind not in _KINDS:
        raise BadFault(f"fault: one of {', '.join(names)}; kind: a receipt; no other fields than {', '.join(_FIELDS)}")
    seconds, copies, count = order.get("seconds", 1), order.get("copies", 2), order.get("count", 1)
    whole = isinstance(copies, int) and (count is None or isinstance(count, int))
    if not whole or not _number(seconds, 0, 10**7) or not _number(copies, 2, 100):
        raise BadFault("seconds, copies and count are positive numbers; copies 2 to 100")
    if count is not None and not _number(count, 1, 10**6):
        raise BadFault("count: 1 to 1000000, or null for ever")
    if not _CODE.match(str(order.get("code", "0"))) or not _AMOUNT.match(str(order.get("amount", "0"))):
        raise BadFault("code: a status or error code; amount: yuan with at most two places")
    for name in ("order_no", "status"):
        if not isinstance(order.get(name, ""), (str, int, type(None))) or len(str(order.get(name))) > 60:
            raise BadFault(f"{name}: a text of at most 60 characters")
    return fault, kind


def _number(value: object, low: int, high: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
