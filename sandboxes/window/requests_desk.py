"""Requests about a list: withdrawal before release (623), return of goods after it (625)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandboxes.window.settings import Desktop
from sandboxes.window.store import Document, Store

_RELEASED = ("800", "899")
_PARAMETER = {"623": "-623001", "625": "-625001"}


class Requests:
    """The officer of requests."""

    def __init__(self, store: Store, desktop: Desktop) -> None:
        self._store = store
        self._desktop = desktop

    def refusal(self, kind: str, values: dict[str, Any], known: Document | None) -> tuple[str, str] | None:
        """Why a request cannot be taken, or None."""
        if known is not None and known.standing and not known.parked:
            return ("-623009" if kind == "623" else "-625022"), "already filed"
        listed = self.listed(values)
        if listed is None or listed.content["orderNo"] != values["orderNo"]:
            return ("-623003" if kind == "623" else "-625209"), "no list of this number and order"
        if listed.content["buyerIdNumber"] != values["buyerIdNumber"]:
            return _PARAMETER[kind], "buyerIdNumber: not the buyer of the list"
        return self._withdrawal(listed, values) if kind == "623" else self._return(listed, values)

    def listed(self, values: dict[str, Any]) -> Document | None:
        """The list a request speaks of."""
        found = self._store.of_order("621", values["orderNo"])
        return next((one for one in found if one.invt_no and one.invt_no == values["invtNo"]), None)

    def hold_back(self, values: dict[str, Any], seconds: float) -> None:
        """Nothing happens to a list while its withdrawal is looked at."""
        listed = self.listed(values)
        if listed is not None and listed.plan:
            steps = [[due + seconds, code, info] for due, code, info in listed.plan]
            self._store.plan(listed, steps)

    def _withdrawal(self, listed: Document, values: dict[str, Any]) -> tuple[str, str] | None:
        if not values["reason"].strip():
            return "-623012", "the reason is missing"
        if values["appType"] != "1":
            return "-623001", "appType must be 1"
        if listed.status == "cancelled":
            return "-623009", "already withdrawn"
        if listed.status in _RELEASED or listed.status.startswith(("-", "100", "700")):
            return "-623005", "the list can no longer be withdrawn"
        return None

    def _return(self, listed: Document, values: dict[str, Any]) -> tuple[str, str] | None:
        if listed.status not in _RELEASED:
            return "-625004", "the list is not released"
        applied = datetime.strptime(values["appTime"][:8], "%Y%m%d")  # noqa: DTZ007 - two Beijing days are compared
        released = datetime.strptime(listed.released_on, "%Y%m%d")  # noqa: DTZ007 - as above
        days = self._desktop.now.return_days
        if applied - released > timedelta(days=days):
            return "-625004", f"more than {days} days after release"
        own = {line["gnum"]: line for line in listed.content["lines"]}
        pending = self._pending(listed)
        for line in values["lines"]:
            original = own.get(line["gnum"])
            if original is None or original["gcode"] != line["gcode"]:
                return "-625209", f"line {line['gnum']} is not in the list"
            back = Decimal(listed.returned.get(line["gnum"], "0")) + pending.get(line["gnum"], Decimal(0))
            if back + Decimal(line["qty"]) > Decimal(original["qty"]) or Decimal(line["qty"]) == 0:
                return "-625010", f"line {line['gnum']}: more than was imported"
        if len({line["gnum"] for line in values["lines"]}) != len(values["lines"]):
            return "-625010", "a line stands twice"
        return None

    def _pending(self, listed: Document) -> dict[str, Decimal]:
        """Quantities in returns that are filed and not yet decided."""
        sums: dict[str, Decimal] = {}
        for request in self._store.of_order("625", listed.order_no):
            if request.status in ("", "1", "2", "3", "120"):
                for line in request.content["lines"]:
                    sums[line["gnum"]] = sums.get(line["gnum"], Decimal(0)) + Decimal(line["qty"])
        return sums
