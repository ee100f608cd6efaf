"""Orders, payments and waybills: whether a new one may stand beside those already there."""

from __future__ import annotations

from typing import Any

from sandboxes.window.store import Document, Store

_EXISTS = {"311": "-301010", "411": "-401007", "511": "-504015", "513": "-505012"}
_DECLARED = {"311": "-301011", "411": "-401008", "511": "-504016", "513": "-505012"}
_NOTHING_TO_CHANGE = {"311": "-301009", "411": "-401006", "511": "-504014", "513": "-505014"}


class Papers:
    """The rules of filing, amending and deleting a paper."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def refusal(self, kind: str, values: dict[str, Any], known: Document | None) -> tuple[str, str] | None:
        """Why this paper cannot be taken, or None."""
        if kind not in _EXISTS:
            return None
        if kind == "513" and not self._store.find("511", logisticsNo=values["logisticsNo"]):
            return "-505011", "no such waybill"
        if values["appType"] == "1":
            if known is None or not known.standing:
                return None
            return (_DECLARED if self._declared(kind, known) else _EXISTS)[kind], "there already"
        if known is None:
            return _NOTHING_TO_CHANGE[kind], "nothing to amend or delete"
        if self._declared(kind, known):
            return _DECLARED[kind], "the list is declared"
        return None

    def _declared(self, kind: str, known: Document) -> bool:
        """Whether a living list rests on the paper."""
        if kind == "513":
            return False
        return any(listed.standing for listed in self._store.find("621", orderNo=known.content["orderNo"]))
