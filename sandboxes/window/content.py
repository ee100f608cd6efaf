"""What one document must say in itself, beyond its form: values, sums, and what each supervision mode asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Content = dict[str, Any]

_GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\Z")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_FIXED = {
    "currency": "142",
    "ieFlag": "I",
    "packNo": "1",
    "buyerIdType": "1",
    "payerIdType": "1",
    "logisticsStatus": "S",
}
_TIMES = {"appTime": "%Y%m%d%H%M%S", "payTime": "%Y%m%d%H%M%S", "declTime": "%Y%m%d", "ieDate": "%Y%m%d"}
_DIRECT, _BONDED = ("trafNo", "voyageNo", "billNo"), ("emsNo", "areaCode", "areaName")


def faults(kind: str, content: Content) -> list[str]:
    """Everything wrong inside one document whose form is right."""
    found = list(_values(content))
    for line in content.get("lines", ()):
        found += _values(line)
    return found + list(_SPECIAL.get(kind, lambda _: iter(()))(content))


def _values(content: Content) -> Iterator[str]:
    for name, value in _FIXED.items():
        if name in content and content[name] != value:
            yield f"{name}: must be {value}"
    for name, pattern in _TIMES.items():
        if content.get(name) and not _is_time(content[name], pattern):
            yield f"{name}: no such time"
    for name in ("buyerIdNumber", "payerIdNumber"):
        if name in content and not is_identity(content[name]):
            yield f"{name}: the check character is wrong"
    if "guid" in content and not _GUID.match(content["guid"]):
        yield "guid: not an upper-case UUID"
    if content.get("appType", "1") not in "123" or content.get("appStatus", "2") not in ("1", "2"):
        yield "appType or appStatus: no such value"
    if "gcode" in content and not re.fullmatch("[0-9]{10}", content["gcode"], re.ASCII):
        yield "gcode: not ten digits"


def _is_time(text: str, pattern: str) -> bool:
    try:
        return datetime.strptime(text, pattern).strftime(pattern) == text  # noqa: DTZ007 - only the calendar is checked
    except ValueError:
        return False


def is_identity(number: str) -> bool:
    """The check character of a resident identity card."""
    if not re.fullmatch("[0-9]{17}[0-9X]", number, re.ASCII):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def _order(content: Content) -> Iterator[str]:
    goods, freight, tax, discount, paid = (
        Decimal(content[name]) for name in ("goodsValue", "freight", "taxTotal", "discount", "acturalPaid")
    )
    if goods + freight + tax - discount != paid:
        yield "acturalPaid: not goodsValue + freight + taxTotal - discount"
    if sum((Decimal(line["totalPrice"]) for line in content["lines"]), Decimal(0)) != goods:
        yield "goodsValue: not the sum of the lines"
    if content["orderType"] != "I":
        yield "orderType: must be I"
    yield from _lines(content)


def _lines(content: Content) -> Iterator[str]:
    for at, line in enumerate(content["lines"], 1):
        if line["gnum"] != str(at):
            yield "gnum: not 1, 2, 3 and so on"
            return
        product = Decimal(line["qty"]) * Decimal(line["price"])
        total = Decimal(line["totalPrice"])
        if total not in (product, product.quantize(Decimal("0.01"), ROUND_HALF_UP)):
            yield f"line {at}: totalPrice is not price x qty"
        if Decimal(line["qty"]) == 0:
            yield f"line {at}: no quantity"


def _list(content: Content) -> Iterator[str]:
    mode = content["tradeMode"]
    if mode not in ("9610", "1210"):
        yield "tradeMode: must be 9610 or 1210"
    needed, unwanted = (_DIRECT, ()) if mode == "9610" else (_BONDED, _DIRECT)
    for name in needed:
        if not content.get(name):
            yield f"{name}: required in mode {mode}"
    for name in unwanted:
        if content.get(name):
            yield f"{name}: left out in mode {mode}"
    if mode == "1210":
        if content["country"] != "142":
            yield "country: 142 in mode 1210"
        for line in content["lines"]:
            if not line.get("itemRecordNo"):
                yield f"line {line['gnum']}: itemRecordNo is required in mode 1210"
    if content["assureCode"] not in (content["ebpCode"], content["ebcCode"], content["logisticsCode"]):
        yield "assureCode: not the platform, the e-commerce or the logistics enterprise"
    if Decimal(content["grossWeight"]) < Decimal(content["netWeight"]):
        yield "grossWeight: below netWeight"
    for line in content["lines"]:
        if bool(line.get("qty2")) != bool(line.get("unit2")):
            yield f"line {line['gnum']}: second quantity and unit go together"
    yield from _lines(content)


def _payment(content: Content) -> Iterator[str]:
    if Decimal(content["amountPaid"]) == 0:
        yield "amountPaid: nothing paid"


_SPECIAL = {"311": _order, "411": _payment, "621": _list}
