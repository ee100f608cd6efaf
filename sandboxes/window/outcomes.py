"""What an officer decides by hand, from the page or from a test: release, inspect, detain, refuse and so on."""

from __future__ import annotations

import re
from typing import Any

from sandboxes.window.journal import DONE
from sandboxes.window.lists import AFTER_HOLD, Lists
from sandboxes.window.outbox import Outbox
from sandboxes.window.store import Document, Store

OUTCOMES = ("release", "manual", "inspect", "detain", "abroad", "reject", "fail", "bill", "consolidate", "void")
_STATUS = {"manual": "300", "inspect": "500", "detain": "501", "abroad": "700"}
_WORDS = {
    "manual": "an officer looks at it",
    "inspect": "the goods are inspected",
    "detain": "detained",
    "abroad": "returned abroad",
    "reject": "refused by an officer",
    "fail": "not sent to customs",
}
_DETAINED = ("501", "502", "503", "599")
_CODE = re.compile(r"(100|-[0-9]{5,7})\Z", re.ASCII)
_OVER = ("800", "899", "700", "cancelled")


class NotNow(ValueError):
    """The outcome does not fit the state of the document; the message says why."""


class Outcomes:
    """Each outcome is one step, and stands in the journal."""

    def __init__(self, store: Store, outbox: Outbox, lists: Lists) -> None:
        self._store = store
        self._outbox = outbox
        self._lists = lists

    def possible(self, document: Document) -> list[str]:
        """The outcomes that fit the state of a document."""
        if not document.standing or document.parked:
            return []
        if document.kind != "621":
            return ["reject", "fail"] if document.status in ("", "1", "2", "3", "4") else []
        if document.status in _OVER:
            billed = {"": ["bill"], "1": ["consolidate", "void"], "2": ["void"]}.get(document.bill, [])
            return billed if document.status == "899" else []
        if document.invt_no:
            return ["release", "manual", "inspect", "detain", "abroad", "reject"]
        return ["reject", "fail"]

    def decide(self, document: Document, outcome: str, code: Any = None) -> Document:
        """Carry an outcome out. Raises NotNow."""
        with self._store.step():
            current = self._store.numbered(document.number)
            if current is None or outcome not in self.possible(current):
                raise NotNow(f"{outcome[:20]}: not in state {document.status or 'new'}")
            status = _code(outcome, code)
            self._store.journal.add(DONE, outcome, current.guid, current.order_no, f"{current.name} {status}".strip())
            if outcome == "release":
                self._lists.plan(current, AFTER_HOLD[AFTER_HOLD.index("399") + (current.status == "399") :])
            elif outcome in ("bill", "consolidate", "void"):
                self._bill(current, outcome)
            else:
                self._store.plan(current, [])
                self._outbox.status(current, status, _WORDS[outcome])
                if outcome in ("abroad", "reject") and current.kind == "621":
                    self._lists.undo(current, _WORDS[outcome])
            return current

    def _bill(self, document: Document, outcome: str) -> None:
        self._store.plan(document, [])
        if outcome == "bill":
            self._lists.bill(document)
        else:
            self._outbox.bill_state(document, "3" if outcome == "void" else "2")


def _code(outcome: str, code: Any) -> str:
    if outcome == "detain":
        if code not in (None, "", *_DETAINED):
            raise NotNow(f"code: {', '.join(_DETAINED)}")
        return str(code or "501")
    if outcome == "reject":
        if code not in (None, "") and not (isinstance(code, str) and _CODE.match(code)):
            raise NotNow("code: 100 or a negative code of the table")
        return str(code or "100")
    return {"fail": "4"}.get(outcome, _STATUS.get(outcome, ""))
