"""Scripted faults: what the next receipts of a kind, a status or an order should suffer."""

from __future__ import annotations

from typing import Any

from sandboxes.window.store import Store

ON_DELIVERY = ("delay", "duplicate", "reorder", "lose")
ON_DECISION = ("reject", "examine", "hold")
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


class BadFault(ValueError):
    """The order for a fault cannot be followed; the message says why."""


def script(store: Store, order: dict[str, Any]) -> dict[str, Any]:
    """Remember a fault: {kind, fault, order_no?, status?, code?, seconds?, copies?, count?}; count null is for ever."""
    unknown = set(order) - {"kind", "fault", "order_no", "status", "code", "seconds", "copies", "count"}
    fault = order.get("fault")
    kind = _RECEIPT_OF.get(str(order.get("kind")), str(order.get("kind")))
    if unknown or fault not in ON_DELIVERY + ON_DECISION or kind not in _KINDS:
        raise BadFault(f"fault: one of {', '.join(ON_DELIVERY + ON_DECISION)}; kind: a receipt; no other fields")
    seconds, copies, count = order.get("seconds", 1), order.get("copies", 2), order.get("count", 1)
    if not _number(seconds, 0, 10**7) or not _number(copies, 2, 100) or not (count is None or _number(count, 1, 10**6)):
        raise BadFault("seconds, copies and count are positive numbers; copies 2 to 100")
    with store.step():
        number = store.next_serial()
        store.put(
            type="fault",
            number=number,
            kind=kind,
            fault=fault,
            order_no=order.get("order_no"),
            status=str(order["status"]) if order.get("status") is not None else None,
            code=str(order.get("code", _DEFAULTS.get(str(fault), ""))),
            seconds=seconds,
            copies=copies,
            count=count,
        )
        return store.faults[number]


def _number(value: object, low: int, high: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def take(store: Store, names: tuple[str, ...], kind: str, order_no: str, status: str | None) -> dict[str, Any] | None:
    """The first fault that fits, used up by one. Inside a step."""
    for fault in store.faults.values():
        fits = fault["fault"] in names and fault["kind"] == kind and fault["order_no"] in (None, order_no)
        if fits and fault["status"] in (None, status) and fault["count"] != 0:
            store.put(type="fault_used", number=fault["number"])
            return fault
    return None
