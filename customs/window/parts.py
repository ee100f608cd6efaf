"""What several documents say alike: times, money, enterprises, the buyer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.clock import BEIJING
from customs.window.facts import Company, FilingOrder, Parties

DECLARED, NEW = "2", "1"

Document = dict[str, Any]


def yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def time14(instant: datetime) -> str:
    """Beijing clock time of 14 digits."""
    return instant.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def day8(instant: datetime) -> str:
    """The Beijing day of 8 digits."""
    return instant.astimezone(BEIJING).strftime("%Y%m%d")


def opening(guid: str, filed_at: datetime) -> Document:
    return {"guid": guid, "appType": NEW, "appTime": time14(filed_at), "appStatus": DECLARED}


def company(prefix: str, named: Company) -> Document:
    return {f"{prefix}Code": named.code, f"{prefix}Name": named.name}


def sellers(order: FilingOrder, parties: Parties) -> Document:
    return {**company("ebp", parties.platform), **company("ebc", order.merchant)}


def logistics_of(order: FilingOrder, parties: Parties) -> Company:
    return order.warehouse.logistics or parties.logistics


def buyer(order: FilingOrder) -> Document:
    person = order.buyer
    return {
        "buyerIdType": "1",
        "buyerIdNumber": person.id_number,
        "buyerName": person.name,
        "buyerTelephone": person.phone,
    }
