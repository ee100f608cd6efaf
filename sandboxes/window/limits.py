"""What one buyer may import: the limit of one purchase and of a year by day, and the sums of the years.

The sums are kept per identity number and Beijing year of the declaration, over all platforms that file here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sandboxes.window import taxes
from sandboxes.window.database import Database
from sandboxes.window.store import Document


@dataclass(frozen=True, slots=True)
class Limits:
    first_day: str  # YYYYMMDD, as days stand in messages
    last_day: str
    single: Decimal
    year: Decimal


@cache
def _table() -> tuple[Limits, ...]:
    with Path(__file__).with_name("limits.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Limits(
                row["first_day"].replace("-", ""),
                row["last_day"].replace("-", "") or "99991231",
                Decimal(row["single"]),
                Decimal(row["year"]),
            )
            for row in csv.DictReader(file)
        )


def limits_on(day: str) -> Limits | None:
    """The limits of a day; None before there was a retail import."""
    return next((one for one in _table() if one.first_day <= day <= one.last_day), None)


def total(values: dict[str, Any]) -> Decimal:
    """What counts against the limits: goods, freight and insurance, without tax."""
    goods = sum((Decimal(line["totalPrice"]) for line in values["lines"]), Decimal(0))
    return goods + Decimal(values["freight"]) + Decimal(values["insuredFee"])


def full_tax(values: dict[str, Any]) -> bool:
    """Whether the list pays all taxes in full: one article dearer than the limit of one purchase."""
    limits = limits_on(values["declTime"])
    return limits is not None and total(values) > limits.single


def line_prices(values: dict[str, Any]) -> dict[str, Decimal]:
    """The dutiable value of each line, freight and insurance shared in."""
    lines = values["lines"]
    goods = [Decimal(line["totalPrice"]) for line in lines]
    shares = [taxes.share(Decimal(values[name]), lines, goods) for name in ("freight", "insuredFee")]
    return {line["gnum"]: sum(parts, Decimal(0)) for line, *parts in zip(lines, goods, *shares, strict=True)}


class Years:
    """The counter; change it inside a step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def refusal(self, values: dict[str, Any]) -> tuple[str, str] | None:
        """The code and words that refuse a list for its amount, or None."""
        limits = limits_on(values["declTime"])
        if limits is None:
            return "-621001", "declTime: no retail import on that day"
        price = total(values)
        one_article = len(values["lines"]) == 1 and Decimal(values["lines"][0]["qty"]) == 1
        if price > limits.single and not one_article:
            return "-621005", f"above the limit of a single purchase, {limits.single} yuan"
        identity, year = _buyer(values)
        if self.used(identity, year) + price > limits.year:
            return "-621018", f"above the buyer's yearly limit, {limits.year} yuan"
        return None

    def used(self, identity: str, year: str) -> Decimal:
        row = self._database.one("SELECT used FROM years WHERE identity = ? AND year = ?", identity, year)
        return Decimal(row["used"]) if row else Decimal(0)

    def count(self, document: Document, amount: Decimal, why: str) -> None:
        """Add to the buyer's year; a negative amount gives back."""
        identity, year = _buyer(document.content)
        used = self.used(identity, year) + amount
        self._database.run(
            "INSERT INTO years VALUES (?, ?, ?) ON CONFLICT (identity, year) DO UPDATE SET used = excluded.used",
            identity, year, str(used),
        )  # fmt: skip
        self._database.run(
            "INSERT INTO year_entries (identity, year, amount, why, order_no) VALUES (?, ?, ?, ?, ?)",
            identity, year, str(amount), why, document.order_no,
        )  # fmt: skip

    def entries(self, order_no: str, limit: int) -> list[dict[str, Any]]:
        """The latest entries, oldest of them first; of one order when it is named."""
        rows = self._database.all(
            "SELECT identity, year, amount, why, order_no FROM year_entries"  # noqa: S608 - no value stands in it
            f" {'WHERE order_no = ?' if order_no else ''} ORDER BY number DESC LIMIT ?",
            *([order_no] if order_no else []), limit,
        )  # fmt: skip
        return [dict(row) for row in reversed(rows)]


def _buyer(values: dict[str, Any]) -> tuple[str, str]:
    return values["buyerIdNumber"], values["declTime"][:4]
