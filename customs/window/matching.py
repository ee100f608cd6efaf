"""What customs compares between the documents of one order, checked before they are sent.

Order 311, payment 411, waybill 511, list 621 (GACC 2018 No.194; message specification 202205; rules A13, A14).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from customs.window.messages import Violation
from customs.window.rules import lines_of, numbers

Document = Mapping[str, Any]

# (element of the order, other document, its element)
_EQUAL = (
    ("orderNo", "411", "orderNo"),
    ("payTransactionId", "411", "payTransactionId"),
    ("payCode", "411", "payCode"),
    ("ebpCode", "411", "ebpCode"),
    ("buyerIdNumber", "411", "payerIdNumber"),
    ("buyerName", "411", "payerName"),
    ("acturalPaid", "411", "amountPaid"),
    ("orderNo", "511", "orderNo"),
    ("consignee", "511", "consignee"),
    ("consigneeTelephone", "511", "consigneeTelephone"),
    ("consigneeAddress", "511", "consigneeAddress"),
    ("orderNo", "621", "orderNo"),
    ("ebpCode", "621", "ebpCode"),
    ("ebcCode", "621", "ebcCode"),
    ("buyerIdNumber", "621", "buyerIdNumber"),
    ("buyerName", "621", "buyerName"),
    ("buyerTelephone", "621", "buyerTelephone"),
    ("consigneeAddress", "621", "consigneeAddress"),
)
_WAYBILL_EQUAL = ("logisticsNo", "logisticsCode", "freight", "insuredFee")
_LINE_EQUAL = ("gnum", "gmodel", "unit", "qty", "price", "totalPrice", "country")


def mismatches(order: Document, payment: Document, waybill: Document, inventory: Document) -> list[Violation]:
    """Everything on which the four documents disagree; empty when customs would match them."""
    others = {"411": payment, "511": waybill, "621": inventory}
    found = [
        Violation(f"{kind}/{theirs}", f"must equal {ours} of the order")
        for ours, kind, theirs in _EQUAL
        if not _same(order.get(ours), others[kind].get(theirs))
    ]
    found += [
        Violation(f"621/{name}", f"must equal {name} of the waybill")
        for name in _WAYBILL_EQUAL
        if not _same(waybill.get(name), inventory.get(name))
    ]
    return found + _freight(order, inventory) + _lines(order, inventory)


def _freight(order: Document, inventory: Document) -> list[Violation]:
    together, apart = numbers(order, "freight"), numbers(inventory, "freight", "insuredFee")
    if together is None or apart is None or together[0] != sum(apart, Decimal(0)):
        return [Violation("621/freight", "freight and insuredFee must be the order's freight together")]
    return []


def _lines(order: Document, inventory: Document) -> list[Violation]:
    ours, theirs = lines_of(order), lines_of(inventory)
    if len(ours) != len(theirs):
        return [Violation("621/InventoryList", "lines must correspond to the order's one to one")]
    found = [
        Violation(f"621/InventoryList[{at}]/{name}", f"must equal {name} of the order's line")
        for at, (our, their) in enumerate(zip(ours, theirs, strict=True), 1)
        for name in _LINE_EQUAL
        if not _same(our.get(name), their.get(name))
    ]
    return found + [
        Violation(f"621/InventoryList[{at}]/gname", "must equal itemName of the order's line")
        for at, (our, their) in enumerate(zip(ours, theirs, strict=True), 1)
        if our.get("itemName") != their.get("gname")
    ]


def _same(ours: object, theirs: object) -> bool:
    return ours is not None and ours == theirs
