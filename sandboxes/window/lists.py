"""Inventory lists: from the counter to release, with the comparison, the limits, the examination and the tax bill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandboxes.window import faults, taxes
from sandboxes.window.matching import disagreements
from sandboxes.window.outbox import Outbox
from sandboxes.window.store import Document, Store, epoch

YEAR_LIMIT = Decimal(26000)
MATCH_RETRY_SECONDS = 0.2


class Lists:
    """The officer of lists."""

    def __init__(self, store: Store, outbox: Outbox, pace: float, match_seconds: float) -> None:
        self._store = store
        self._outbox = outbox
        self._pace = pace
        self._match_seconds = match_seconds

    def refusal(self, values: dict[str, Any], known: Document | None) -> tuple[str, str] | None:
        """Why a list cannot even be declared, or None: filed already, nothing to amend, or for another order."""
        if values["appType"] == "1":
            others = self._store.find("621", orderNo=values["orderNo"], ebpCode=values["ebpCode"])
            standing = [one for one in [*others, *([known] if known else [])] if one.standing]
            return ("-621004", "the list is already declared") if standing else None
        if known is None:
            return "-621011", "no such list"
        return ("-621012", "the list can no longer be amended") if known.standing else None

    def match(self, document: Document, due: float) -> None:
        """Compare the four documents, then the limits; papers may come a little after the list."""
        order_no = document.content["orderNo"]
        fault = faults.take(self._store, ("reject",), "622", order_no, None)
        if fault:
            self._end(document, fault["code"], "rejected by script")
            return
        papers = self._papers(document)
        if papers is None:
            self._wait_or_reject(document, due)
            return
        wrong = disagreements(*papers, document.content)
        if wrong:
            self._outbox.status(document, "3", "sent to customs")
            self._end(document, "100", "; ".join(wrong))
            return
        refusal = self._limits(document)
        if refusal is not None:
            self._end(document, *refusal)
            return
        self._count(document, total(document.content), "declared")
        self._go_on(document, order_no)

    def bill(self, document: Document) -> None:
        """The tax bill, once the list is closed."""
        lines = taxes.assess(document.content)
        if lines is not None:
            self._outbox.bill(document, lines)

    def withdraw(self, document: Document) -> None:
        """The list is void: nothing more happens to it, and the buyer's year is as before."""
        self._count(document, -total(document.content), "cancelled")
        at = self._store.clock.stamp()
        self._store.put(type="status", kind="621", name=document.name, status="cancelled", at=at)

    def give_back(self, document: Document, lines: list[dict[str, str]]) -> None:
        """Returned goods leave the buyer's year with their share of freight and insurance, to the fen in the end."""
        prices = line_prices(document.content)
        back = Decimal(0)
        for line in lines:
            own = next(one for one in document.content["lines"] if one["gnum"] == line["gnum"])
            before = Decimal(document.returned.get(line["gnum"], "0"))
            after = before + Decimal(line["qty"])
            share = taxes.fen(taxes.Fraction(prices[line["gnum"]]) * taxes.Fraction(after) / taxes.Fraction(own["qty"]))
            earlier = taxes.fen(
                taxes.Fraction(prices[line["gnum"]]) * taxes.Fraction(before) / taxes.Fraction(own["qty"])
            )
            back += share - earlier
            self._store.put(type="returned", name=document.name, gnum=line["gnum"], quantity=str(after))
        self._count(document, -back, "returned")

    def _papers(self, document: Document) -> tuple[dict, dict, dict] | None:
        """The contents of order, payment and waybill customs holds for this list, or None while one is missing."""
        values = document.content
        orders = self._store.find("311", orderNo=values["orderNo"], ebpCode=values["ebpCode"])
        payments = self._store.find("411", orderNo=values["orderNo"], ebpCode=values["ebpCode"])
        waybills = self._store.find("511", logisticsNo=values["logisticsNo"], logisticsCode=values["logisticsCode"])
        found = (orders, payments, waybills)
        held = [[one for one in papers if one.status == "120" and one.standing] for papers in found]
        if not all(held):
            return None
        order, payment, waybill = (papers[-1].content for papers in held)
        return order, payment, waybill

    def _wait_or_reject(self, document: Document, due: float) -> None:
        started = document.plan[0][2] if document.plan and document.plan[0][1] == "match" else ""
        first = float(started) if started else due
        if epoch() - first < self._match_seconds:
            step = [epoch() + MATCH_RETRY_SECONDS, "match", str(first)]
            self._store.put(type="plan", kind="621", name=document.name, steps=[step])
            return
        self._outbox.status(document, "3", "sent to customs")
        self._end(document, "100", "order, payment or waybill is not there")

    def _limits(self, document: Document) -> tuple[str, str] | None:
        values = document.content
        price = total(values)
        one_article = len(values["lines"]) == 1 and Decimal(values["lines"][0]["qty"]) == 1
        if price > taxes.SINGLE_LIMIT and not one_article:
            return "-621005", "above the limit of a single purchase"
        used = self._store.used.get(_buyer(values), Decimal(0))
        if used + price > YEAR_LIMIT:
            return "-621018", "above the buyer's yearly limit"
        return None

    def _count(self, document: Document, amount: Decimal, why: str) -> None:
        identity, year = _buyer(document.content)
        order_no = document.content["orderNo"]
        self._store.put(type="allowance", identity=identity, year=year, amount=str(amount), why=why, order_no=order_no)

    def _go_on(self, document: Document, order_no: str) -> None:
        """Plan the rest of the way; a script or an unknown duty rate may keep the list in an officer's hands."""
        steps = ["3", "120"]
        examine = faults.take(self._store, ("examine",), "622", order_no, None)
        hold = faults.take(self._store, ("hold",), "622", order_no, None)
        steps += [examine["code"]] if examine else []
        if hold or taxes.assess(document.content) is None:
            steps.append(hold["code"] if hold else "300")
        else:
            steps += ["399", "800", "899", "bill", "consolidate"]
        self.plan(document, steps)

    def plan(self, document: Document, codes: list[str]) -> None:
        at = epoch()
        steps = [[at + number * self._pace, code, ""] for number, code in enumerate(codes, 1)]
        self._store.put(type="plan", kind="621", name=document.name, steps=steps)

    def _end(self, document: Document, code: str, info: str) -> None:
        self._outbox.status(document, code, info)
        self._store.put(type="plan", kind="621", name=document.name, steps=[])


def total(values: dict[str, Any]) -> Decimal:
    """What counts against the limits: goods, freight and insurance, without tax."""
    goods = sum((Decimal(line["totalPrice"]) for line in values["lines"]), Decimal(0))
    return goods + Decimal(values["freight"]) + Decimal(values["insuredFee"])


def line_prices(values: dict[str, Any]) -> dict[str, Decimal]:
    """The dutiable value of each line, freight and insurance shared in."""
    lines = values["lines"]
    goods = [Decimal(line["totalPrice"]) for line in lines]
    shares = [taxes.share(Decimal(values[name]), lines, goods) for name in ("freight", "insuredFee")]
    return {line["gnum"]: sum(parts, Decimal(0)) for line, *parts in zip(lines, goods, *shares, strict=True)}


def _buyer(values: dict[str, Any]) -> tuple[str, str]:
    return values["buyerIdNumber"], values["declTime"][:4]
