"""Account books of bonded goods: what entered under each item record number, what is held for lists, what is drawn.

A list holds its quantities when customs takes it in, draws them at release, and lets them go when it is refused or
withdrawn; an accepted return puts back what came back. What is not there cannot be held.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from decimal import Decimal
from typing import Any

from sandboxes.window.database import Database
from sandboxes.window.store import Document

UNITS = 100_000
ITEMS_MAX = 10_000
_QUANTITY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,5})?\Z", re.ASCII)
_CODES = {"ems_no": r"[0-9A-Za-z]{1,30}\Z", "item_record_no": r"[!-.0-~]{1,30}\Z", "reference": r"[!-~]{1,60}\Z"}


class BadEntry(ValueError):
    """What is to be entered cannot be; the message says why."""


class Books:
    """Change them inside a step. `which`: "filed" watches the items filed here, "all" every item, "off" none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(self, order: Any) -> dict[str, Any]:
        """File goods into a book, or out of it otherwise than by sale.

        `order` is {ems_no, reference, way?, items: [{item_record_no, gcode, unit, quantity}]}; way "in" (default) or
        "out". The same reference with the same content counts once.
        """
        ems_no, reference, way, items = _checked(order)
        digest = hashlib.sha256(json.dumps([way, items]).encode()).hexdigest()
        known = self._database.one(
            "SELECT digest FROM book_papers WHERE ems_no = ? AND reference = ?", ems_no, reference
        )
        if known is not None and known["digest"] != digest:
            raise BadEntry("reference: stood on another paper")
        if known is None:
            self._database.run("INSERT INTO book_papers VALUES (?, ?, ?)", ems_no, reference, digest)
            for item, gcode, unit, quantity in items:
                self._enter(ems_no, item, gcode, unit, quantity if way == "in" else -quantity)
                self._move(ems_no, item, reference, "entered" if way == "in" else "left", quantity)
        return {"ems_no": ems_no, "items": self.items(ems_no, [item for item, *_ in items])}

    def _enter(self, ems_no: str, item: str, gcode: str, unit: str, quantity: int) -> None:
        known = self._item(ems_no, item)
        if known is not None and (known["gcode"], known["unit"]) != (gcode, unit):
            raise BadEntry(f"{item}: the item stands with another gcode or unit")
        if known is None and quantity < 0:
            raise BadEntry(f"{item}: no such item")
        try:
            self._database.run(
                "INSERT INTO book_items (ems_no, item, gcode, unit, entered) VALUES (?, ?, ?, ?, max(?, 0))"
                " ON CONFLICT (ems_no, item) DO UPDATE SET entered = entered + ?",
                ems_no, item, gcode, unit, quantity, quantity,
            )  # fmt: skip
        except sqlite3.IntegrityError as fault:
            raise BadEntry(f"{item}: not that much is there") from fault

    def shortages(self, document: Document, which: str) -> list[str]:
        """Why the goods of a list are not in their book: words per line."""
        ems_no = document.content.get("emsNo", "")
        found = []
        for item, (quantity, line) in _watched(document, which).items():
            held = self._item(ems_no, item)
            if held is None and which == "filed":
                continue
            if held is None:
                found.append(f"line {line['gnum']}: itemRecordNo {item} is not in account book {ems_no}")
            elif held["gcode"] != line["gcode"]:
                found.append(f"line {line['gnum']}: gcode is not that of item {item}, {held['gcode']}")
            elif held["unit"] != line["unit"]:
                found.append(f"line {line['gnum']}: unit is not that of item {item}, {held['unit']}")
            elif held["entered"] - held["held"] - held["drawn"] < quantity:
                left = _text(held["entered"] - held["held"] - held["drawn"])
                found.append(f"line {line['gnum']}: {left} left of item {item}, {_text(quantity)} declared")
        return found

    def hold(self, document: Document, which: str) -> None:
        """Keep the goods for a list that has no shortages."""
        for item, (quantity, _) in _watched(document, which).items():
            if self._item(document.content["emsNo"], item) is not None:
                self._change(document, item, quantity, "held", "held = held + ?1")

    def draw(self, document: Document) -> None:
        """The list is released: its goods leave the book."""
        for item, quantity in self._held(document).items():
            self._change(document, item, quantity, "drawn", "held = held - ?1, drawn = drawn + ?1")

    def let_go(self, document: Document) -> None:
        """The list came to nothing: its goods are free again."""
        for item, quantity in self._held(document).items():
            self._change(document, item, quantity, "let go", "held = held - ?1")

    def put_back(self, document: Document, gnum: str, quantity: str) -> None:
        """Returned goods stand in the book again, if they were drawn from it."""
        line = next(one for one in document.content["lines"] if one["gnum"] == gnum)
        item = line.get("itemRecordNo", "")
        drawn = self._sum(document, ("drawn",), item) - self._sum(document, ("returned",), item)
        back = min(_units(quantity), drawn)
        if back > 0:
            self._change(document, item, back, "returned", "drawn = drawn - ?1")

    def items(
        self, ems_no: str, only: list[str] | None = None, after: str = "", limit: int = 100
    ) -> list[dict[str, str]]:
        """Items of a book with their quantities, by number."""
        rows = self._database.all(
            "SELECT * FROM book_items WHERE ems_no = ? AND item > ? ORDER BY item LIMIT ?",
            ems_no, after, ITEMS_MAX if only is not None else limit,
        )  # fmt: skip
        names = set(only) if only is not None else None
        return [_shown(row) for row in rows if names is None or row["item"] in names]

    def moves(self, ems_no: str, item: str, limit: int = 100) -> list[dict[str, str]]:
        """The latest moves of an item, newest first."""
        rows = self._database.all(
            "SELECT reference, why, quantity FROM book_moves WHERE ems_no = ? AND item = ?"
            " ORDER BY number DESC LIMIT ?",
            ems_no, item, limit,
        )  # fmt: skip
        return [{**dict(row), "quantity": _text(row["quantity"])} for row in rows]

    def _item(self, ems_no: str, item: str) -> sqlite3.Row | None:
        return self._database.one("SELECT * FROM book_items WHERE ems_no = ? AND item = ?", ems_no, item)

    def _held(self, document: Document) -> dict[str, int]:
        items = {line.get("itemRecordNo", "") for line in document.content["lines"]}
        sums = {
            item: self._sum(document, ("held",), item) - self._sum(document, ("let go", "drawn"), item)
            for item in items
        }
        return {item: held for item, held in sums.items() if held > 0}

    def _sum(self, document: Document, whys: tuple[str, ...], item: str) -> int:
        marks = ", ".join("?" for _ in whys)
        row = self._database.one(
            f"SELECT coalesce(sum(quantity), 0) AS found FROM book_moves WHERE reference = ? AND item = ?"  # noqa: S608
            f" AND why IN ({marks})",
            _reference(document), item, *whys,
        )  # fmt: skip
        return int(row["found"]) if row else 0

    def _change(self, document: Document, item: str, quantity: int, why: str, change: str) -> None:
        ems_no = document.content["emsNo"]
        self._database.run(
            f"UPDATE book_items SET {change} WHERE ems_no = ?2 AND item = ?3",  # noqa: S608 - the change is ours
            quantity, ems_no, item,
        )  # fmt: skip
        self._move(ems_no, item, _reference(document), why, quantity)

    def _move(self, ems_no: str, item: str, reference: str, why: str, quantity: int) -> None:
        self._database.run(
            "INSERT INTO book_moves (ems_no, item, reference, why, quantity) VALUES (?, ?, ?, ?, ?)",
            ems_no, item, reference, why, quantity,
        )  # fmt: skip


def _reference(document: Document) -> str:
    """The list as the book names it: by its pre-entry number, which a list filed anew does not share."""
    return document.pre_no


def _watched(document: Document, which: str) -> dict[str, tuple[int, dict[str, str]]]:
    """What a bonded list takes of each item, with the first line that names it; nothing when no book is watched."""
    found: dict[str, tuple[int, dict[str, str]]] = {}
    if document.content.get("tradeMode") != "1210" or which == "off":
        return found
    for line in document.content["lines"]:
        before, first = found.get(line["itemRecordNo"], (0, line))
        found[line["itemRecordNo"]] = before + _units(line["qty"]), first
    return found


def _checked(order: Any) -> tuple[str, str, str, list[tuple[str, str, str, int]]]:
    if not isinstance(order, dict) or set(order) - {"ems_no", "reference", "way", "items"}:
        raise BadEntry("fields: ems_no, reference, way, items")
    items = order.get("items")
    if order.get("way", "in") not in ("in", "out") or not isinstance(items, list) or not 0 < len(items) <= ITEMS_MAX:
        raise BadEntry(f"way: in or out; items: 1 to {ITEMS_MAX}")
    for name in ("ems_no", "reference"):
        _match(name, order.get(name))
    return order["ems_no"], order["reference"], order.get("way", "in"), [_line(item) for item in items]


def _line(item: Any) -> tuple[str, str, str, int]:
    if not isinstance(item, dict) or set(item) != {"item_record_no", "gcode", "unit", "quantity"}:
        raise BadEntry("each item: item_record_no, gcode, unit, quantity")
    _match("item_record_no", item["item_record_no"])
    for name, digits in (("gcode", 10), ("unit", 3)):
        if not isinstance(item[name], str) or not re.fullmatch(f"[0-9]{{{digits}}}", item[name], re.ASCII):
            raise BadEntry(f"{name}: {digits} digits")
    if not isinstance(item["quantity"], str) or not _QUANTITY.match(item["quantity"]) or not _units(item["quantity"]):
        raise BadEntry("quantity: a positive decimal text, at most five places")
    return item["item_record_no"], item["gcode"], item["unit"], _units(item["quantity"])


def _match(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.match(_CODES[name], value, re.ASCII):
        raise BadEntry(f"{name}: letters and digits")


def _units(text: str) -> int:
    return int(Decimal(text) * UNITS)


def _text(units: int) -> str:
    return f"{(Decimal(units) / UNITS).normalize():f}"


def _shown(row: sqlite3.Row) -> dict[str, str]:
    left = row["entered"] - row["held"] - row["drawn"]
    amounts = {name: _text(row[name]) for name in ("entered", "held", "drawn")}
    return {"item_record_no": row["item"], "gcode": row["gcode"], "unit": row["unit"], **amounts, "left": _text(left)}
