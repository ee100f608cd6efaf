"""Inventory lists: from the counter to release, with the comparison, the limits, the examination and the tax bill."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from sandboxes.window import positive, taxes
from sandboxes.window.books import Books
from sandboxes.window.faults import Scripts
from sandboxes.window.limits import Years, full_tax, line_prices, total
from sandboxes.window.matching import disagreements
from sandboxes.window.outbox import Outbox
from sandboxes.window.settings import Desktop
from sandboxes.window.store import Document, Store

DAY_SECONDS = 86_400
AFTER_HOLD = ["399", "800", "899", "bill", "consolidate"]
_PAPERS = {"311": "the order", "411": "the payment", "511": "the waybill"}


class Lists:
    """The officer of lists."""

    def __init__(
        self, store: Store, outbox: Outbox, scripts: Scripts, desktop: Desktop, positive_file: Path = positive.TABLE
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._scripts = scripts
        self._desktop = desktop
        self._positive_file = positive_file
        self.years = Years(store.database)
        self.books = Books(store.database)

    def refusal(self, values: dict[str, Any], known: Document | None) -> tuple[str, str] | None:
        """Why a list cannot even be declared, or None: filed already, nothing to amend, or for another order."""
        if values["appType"] == "1":
            others = self._store.of_order("621", values["orderNo"], values["ebpCode"])
            standing = [one for one in [*others, *([known] if known else [])] if one.standing and not one.parked]
            return ("-621004", "the list is already declared") if standing else None
        if known is None:
            return "-621011", "no such list"
        if values["appTime"] < known.content.get("appTime", ""):
            return "-621001", "appTime: older than that of the list"
        return ("-621012", "the list can no longer be amended") if known.standing and not known.parked else None

    def match(self, document: Document, started: str) -> None:
        """Compare the four documents, then the limits; papers may come a little after the list."""
        fault = self._scripts.take(("reject",), "622", document, None)
        if fault:
            self._end(document, fault["code"], "rejected by script")
            return
        papers = self._papers(document)
        missing = [_PAPERS[kind] for kind, paper in papers.items() if paper is None]
        if missing:
            self._wait_or_reject(document, float(started or self._store.clock.epoch()), missing)
            return
        order, payment, waybill = (paper for paper in papers.values() if paper is not None)
        wrong = disagreements(order, payment, waybill, document.content) + self._goods(document)
        if wrong:
            self._outbox.status(document, "3", "sent to customs")
            self._end(document, "100", "; ".join(wrong))
            return
        refusal = self.years.refusal(document.content)
        if refusal is not None:
            self._end(document, *refusal)
            return
        amount = total(document.content)
        self.years.count(document, amount, "declared")
        self._store.set_counted(document, str(amount))
        self.books.hold(document, self._desktop.now.account_books)
        self._go_on(document)

    def wake(self, order_no: str) -> None:
        """A paper of the order was received: its waiting list is looked at now."""
        for listed in self._store.of_order("621", order_no):
            if listed.plan and listed.plan[0][1] == "match":
                self._store.plan(listed, [[self._store.clock.epoch(), "match", listed.plan[0][2]]])

    def released(self, document: Document) -> None:
        """The goods leave their account book."""
        self.books.draw(document)

    def bill(self, document: Document) -> None:
        """The tax bill, once the list is closed; a script may make it differ in the VAT of its first line."""
        lines = taxes.assess(document.content, full_tax(document.content))
        if lines is None:
            return
        fault = self._scripts.take(("differ",), "816", document, "1")
        if fault:
            lines[0] = replace(lines[0], vat=max(lines[0].vat + Decimal(fault["amount"]), Decimal(0)))
        self._outbox.bill(document, lines)

    def consolidate(self, document: Document) -> None:
        """The bill is put with others on one payment notice; a script may make it void instead."""
        fault = self._scripts.take(("void",), "818", document, None)
        self._outbox.bill_state(document, "3" if fault else "2")

    def withdraw(self, document: Document) -> None:
        """The list is void: nothing more happens to it, and buyer's year and account book are as before."""
        self._store.plan(document, [])
        self.undo(document, "cancelled")
        self._store.move(document, "cancelled", "withdrawn")

    def undo(self, document: Document, why: str) -> None:
        """A list that came to nothing counts no more and holds no goods."""
        if document.counted:
            self.years.count(document, -Decimal(document.counted), why)
            self._store.set_counted(document, "")
        self.books.let_go(document)

    def give_back(self, document: Document, lines: list[dict[str, str]]) -> None:
        """Returned goods leave the buyer's year with their share of freight and insurance, to the fen in the end."""
        prices = line_prices(document.content)
        back = Decimal(0)
        for line in lines:
            own = next(one for one in document.content["lines"] if one["gnum"] == line["gnum"])
            before = Decimal(document.returned.get(line["gnum"], "0"))
            after = before + Decimal(line["qty"])
            price, quantity = Fraction(prices[line["gnum"]]), Fraction(own["qty"])
            share = taxes.fen(price * Fraction(after) / quantity)
            back += share - taxes.fen(price * Fraction(before) / quantity)
            self._store.set_returned(document, line["gnum"], str(after))
            self.books.put_back(document, line["gnum"], line["qty"])
        self.years.count(document, -back, "returned")

    def plan(self, document: Document, codes: list[str]) -> None:
        """Let these steps follow, each a pace later; the consolidation when the days of the bill are over."""
        now = self._desktop.now
        at = self._store.clock.epoch()
        late = {"consolidate": now.bill_days * DAY_SECONDS}
        steps = [[at + number * now.pace + late.get(code, 0), code, ""] for number, code in enumerate(codes, 1)]
        self._store.plan(document, steps)

    def _goods(self, document: Document) -> list[str]:
        """What is wrong with the goods themselves: not on the positive list, not in the account book."""
        now = self._desktop.now
        absent = positive.absences(document.content, self._positive_file) if now.positive_list else []
        return absent + self.books.shortages(document, now.account_books)

    def _papers(self, document: Document) -> dict[str, dict[str, Any] | None]:
        """The order, payment and waybill customs holds for this list; None for one that is missing."""
        values = document.content
        found = {
            "311": self._store.of_order("311", values["orderNo"], values["ebpCode"]),
            "411": self._store.of_order("411", values["orderNo"], values["ebpCode"]),
            "511": self._store.waybills(values["logisticsNo"], values["logisticsCode"]),
        }
        held = {kind: [one for one in papers if one.status == "120" and one.standing] for kind, papers in found.items()}
        return {kind: papers[-1].content if papers else None for kind, papers in held.items()}

    def _wait_or_reject(self, document: Document, first: float, missing: list[str]) -> None:
        until = first + self._desktop.now.match_seconds
        if self._store.clock.epoch() < until:
            self._store.plan(document, [[until, "match", str(first)]])
            return
        self._outbox.status(document, "3", "sent to customs")
        self._end(document, "100", f"{' and '.join(missing)} of this list not there")

    def _go_on(self, document: Document) -> None:
        """Plan the rest of the way; a script or an unknown duty rate may keep the list in an officer's hands."""
        steps = ["3", "120"]
        examine = self._scripts.take(("examine",), "622", document, None)
        hold = self._scripts.take(("hold",), "622", document, None)
        steps += [examine["code"]] if examine else []
        held = hold["code"] if hold else self._desktop.now.hold_all
        if not held and taxes.assess(document.content, full_tax(document.content)) is None:
            held = "300"
        self.plan(document, [*steps, held] if held else [*steps, *AFTER_HOLD])

    def _end(self, document: Document, code: str, info: str) -> None:
        self._store.plan(document, [])
        self._outbox.status(document, code, info)
