"""Orders, payments and waybills: whether a new one may stand beside those already there."""

from __future__ import annotations

from typing import Any

from sandboxes.window.store import Document, Store

_EXISTS = {"311": "-301010", "411": "-401007", "511": "-504015", "513": "-505012", "711": "-800003"}
_DECLARED = {"311": "-301011", "411": "-401008", "511": "-504016"}
_NOTHING_TO_CHANGE = {"311": "-301009", "411": "-401006", "511": "-504014", "513": "-505014", "711": "-800001"}
_OLDER = {"311": "-301014", "411": "-401012", "511": "-504011", "513": "-505016", "711": "-800005"}


class Papers:
    """The rules of filing, amending and deleting a paper."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def refusal(self, kind: str, values: dict[str, Any], known: Document | None) -> tuple[str, str] | None:
        """Why this paper cannot be taken, or None."""
        if kind == "513" and not self._waybill(values):
            return "-505011", "no such waybill"
        if values["appType"] == "1":
            if known is None or not known.standing or known.parked:
                return None
            if self._declared(kind, known):
                return _DECLARED[kind], "the list is declared"
            return _EXISTS[kind], "there already"
        if known is None:
            return _NOTHING_TO_CHANGE[kind], "nothing to amend or delete"
        if self._declared(kind, known):
            return _DECLARED[kind], "the list is declared"
        if values["appTime"] < known.content.get("appTime", ""):
            return _OLDER[kind], "older than what is there"
        return None

    def _waybill(self, values: dict[str, Any]) -> bool:
        found = self._store.waybills(values["logisticsNo"], values["logisticsCode"])
        return any(one.standing and one.status == "120" for one in found)

    def _declared(self, kind: str, known: Document) -> bool:
        """Whether a living list rests on the paper."""
        if kind not in _DECLARED:
            return False
        return any(listed.standing and not listed.parked for listed in self._store.of_order("621", known.order_no))
