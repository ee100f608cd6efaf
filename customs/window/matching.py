"""What customs compares between the documents of one order, checked before they are sent.

Order 311, payment 411, waybill 511, list 621 (GACC 2018 No.194; message specification 202205; rules A13, A14). Each
disagreement names both elements with their values, personal ones masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from customs.window.documents import NO_BAR_CODE
from customs.window.masking import shown
from customs.window.rules import lines_of, numbers

Document = Mapping[str, Any]

# (document, element, other document, its element): equal, and there.
_EQUAL = (
    *(
        ("311", ours, "411", theirs)
        for ours, theirs in (
            ("orderNo", "orderNo"),
            ("ebpCode", "ebpCode"),
            ("ebpName", "ebpName"),
            ("payCode", "payCode"),
            ("payName", "payName"),
            ("payTransactionId", "payTransactionId"),
            ("buyerIdType", "payerIdType"),
            ("buyerIdNumber", "payerIdNumber"),
            ("buyerName", "payerName"),
            ("acturalPaid", "amountPaid"),
            ("currency", "currency"),
        )
    ),
    *(
        ("311", name, "511", name)
        for name in ("orderNo", "consignee", "consigneeTelephone", "consigneeAddress", "currency")
    ),
    *(
        ("311", name, "621", name)
        for name in (
            *("orderNo", "ebpCode", "ebpName", "ebcCode", "ebcName", "buyerIdType", "buyerIdNumber", "buyerName"),
            *("buyerTelephone", "consigneeAddress", "currency"),
        )
    ),
    *(
        ("511", ours, "621", theirs)
        for ours, theirs in (
            ("logisticsNo", "logisticsNo"),
            ("logisticsCode", "logisticsCode"),
            ("logisticsName", "logisticsName"),
            ("freight", "freight"),
            ("insuredFee", "insuredFee"),
            ("weight", "grossWeight"),
            ("packNo", "packNo"),
        )
    ),
)
_WHERE_BOTH = (("511", "billNo", "621", "billNo"),)
_TELLING = {"311": "order", "411": "payment", "511": "waybill", "621": "list"}
_LINE_EQUAL = (
    ("gnum", "gnum"),
    ("itemName", "itemName"),
    ("itemName", "gname"),
    ("gmodel", "gmodel"),
    ("unit", "unit"),
    ("qty", "qty"),
    ("price", "price"),
    ("totalPrice", "totalPrice"),
    ("currency", "currency"),
    ("country", "country"),
)


class Mismatch(NamedTuple):
    """One disagreement: the element that differs, the rule, and each element with its value, fit to be shown."""

    path: str
    rule: str
    values: tuple[tuple[str, str], ...]


def mismatches(order: Document, payment: Document, waybill: Document, inventory: Document) -> list[Mismatch]:
    """Everything on which the four documents disagree; empty when customs would match them."""
    of = {"311": order, "411": payment, "511": waybill, "621": inventory}
    found = [
        _differ(f"{theirs}/{name}", f"{ours}/{own}", of[theirs].get(name), of[ours].get(own), ours, own)
        for ours, own, theirs, name in _EQUAL
        if not _same(of[ours].get(own), of[theirs].get(name))
    ]
    found += [
        _differ(f"{theirs}/{name}", f"{ours}/{own}", of[theirs].get(name), of[ours].get(own), ours, own)
        for ours, own, theirs, name in _WHERE_BOTH
        if of[ours].get(own) != of[theirs].get(name)
    ]
    return found + _freight(order, waybill, "511") + _freight(order, inventory, "621") + _lines(order, inventory)


def _differ(path: str, other: str, theirs: object, ours: object, kind: str, element: str) -> Mismatch:
    rule = f"must equal {element} of the {_TELLING[kind]}"
    return Mismatch(path, rule, ((other, shown(other, ours)), (path, shown(path, theirs))))


def _freight(order: Document, other: Document, kind: str) -> list[Mismatch]:
    """The order's freight holds the insurance, which the others show apart (A14)."""
    together, apart = numbers(order, "freight"), numbers(other, "freight", "insuredFee")
    if together is not None and apart is not None and together[0] == sum(apart, Decimal(0)):
        return []
    named = [("311/freight", order.get("freight"))]
    named += [(f"{kind}/{name}", other.get(name)) for name in ("freight", "insuredFee")]
    rule = "freight and insuredFee must be the order's freight together"
    return [Mismatch(f"{kind}/freight", rule, tuple((path, shown(path, value)) for path, value in named))]


def _lines(order: Document, inventory: Document) -> list[Mismatch]:
    ours, theirs = lines_of(order), lines_of(inventory)
    if len(ours) != len(theirs):
        counts = (("311/OrderList", str(len(ours))), ("621/InventoryList", str(len(theirs))))
        return [Mismatch("621/InventoryList", "lines must correspond to the order's one to one", counts)]
    found = []
    for at, (our, their) in enumerate(zip(ours, theirs, strict=True), 1):
        pairs = [(own, name, our.get(own), their.get(name)) for own, name in _LINE_EQUAL]
        found += [_line(at, own, name, mine, yours) for own, name, mine, yours in pairs if not _same(mine, yours)]
        found += [_line(at, name, name, mine, yours) for name, mine, yours in _articles(our, their) if mine != yours]
    return found


def _articles(our: Document, their: Document) -> list[tuple[str, Any, Any]]:
    """What the list may leave out, or says in a word: the article's number, and its bar code."""
    pairs = [("barCode", _bar_code(our), _bar_code(their))]
    if their.get("itemNo") is not None:
        pairs.append(("itemNo", our.get("itemNo"), their["itemNo"]))
    return pairs


def _bar_code(line: Document) -> Any:
    return None if line.get("barCode") == NO_BAR_CODE else line.get("barCode")


def _line(at: int, own: str, name: str, ours: object, theirs: object) -> Mismatch:
    path, other = f"621/InventoryList[{at}]/{name}", f"311/OrderList[{at}]/{own}"
    return Mismatch(
        path, f"must equal {own} of the order's line", ((other, shown(own, ours)), (path, shown(name, theirs)))
    )


def _same(ours: object, theirs: object) -> bool:
    return ours is not None and ours == theirs
