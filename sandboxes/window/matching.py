"""The comparison customs makes between the documents of one order before it takes a list in."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Content = dict[str, Any]

_PAYMENT = (("buyerIdNumber", "payerIdNumber"), ("buyerName", "payerName"), ("ebpCode", "ebpCode"))
_RECEIVER = ("orderNo", "consignee", "consigneeTelephone", "consigneeAddress")
_LIST = ("ebpCode", "ebcCode", "buyerIdNumber", "buyerName", "consigneeAddress")
_AMOUNTS = ("qty", "price", "totalPrice")


def disagreements(order: Content, payment: Content, waybill: Content, listed: Content) -> list[str]:
    """Everything on which the four documents differ."""
    return [
        *_payments(order, payment),
        *(f"waybill and order differ in {name}" for name in _RECEIVER if waybill[name] != order[name]),
        *(f"list and order differ in {name}" for name in _LIST if listed[name] != order[name]),
        *_freight(order, waybill, listed),
        *_lines(order["lines"], listed["lines"]),
    ]


def _payments(order: Content, payment: Content) -> Iterator[str]:
    if Decimal(payment["amountPaid"]) != Decimal(order["acturalPaid"]):
        yield "payment and order differ in the amount paid"
    for ours, theirs in _PAYMENT:
        if order[ours] != payment[theirs]:
            yield f"payment and order differ: {theirs} is not {ours}"
    if order.get("payTransactionId") and order["payTransactionId"] != payment["payTransactionId"]:
        yield "payment and order differ in payTransactionId"


def _freight(order: Content, waybill: Content, listed: Content) -> Iterator[str]:
    for name in ("freight", "insuredFee"):
        if Decimal(waybill[name]) != Decimal(listed[name]):
            yield f"list and waybill differ in {name}"
    if Decimal(order["freight"]) != Decimal(listed["freight"]) + Decimal(listed["insuredFee"]):
        yield "freight of the order is not freight and insuredFee of the list"


def _lines(ordered: list[Content], listed: list[Content]) -> Iterator[str]:
    if len(ordered) != len(listed):
        yield "list and order differ in the number of lines"
        return
    for ours, theirs in zip(ordered, listed, strict=True):
        at = ours["gnum"]
        for name in _AMOUNTS:
            if Decimal(ours[name]) != Decimal(theirs[name]):
                yield f"line {at}: list and order differ in {name}"
        if (
            ours["itemName"] != theirs["gname"]
            or ours["unit"] != theirs["unit"]
            or ours["country"] != theirs["country"]
        ):
            yield f"line {at}: list and order differ in name, unit or country"
