"""Retail lists of goods that stand on an account book."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from core.database import transaction
from customs import declarations, filing
from tests.customs.desk import builders
from tests.customs.desk.builders import receipt
from tests.customs.desk.test_filing import INVT, papers_received, take
from tests.customs.zone.builders import Zone

RELEASED = "20261123130000000"


def opened(zone: Zone, number: str, quantity: int, buyer: tuple[uuid.UUID, uuid.UUID], **line: Any) -> uuid.UUID:
    """A paid order of so many lobsters, declared but not filed."""
    goods = 1000 * quantity
    facts = {
        "hs": "0306120000",
        "origin": "CA",
        "unit": "piece",
        "quantity": Decimal(quantity),
        "goods_fen": goods,
        "price": Decimal(10),
        "statutory": (Decimal("0.45") * quantity,),
        "statutory_units": ("kg",),
        "item_record_no": "1",
    }
    request = builders.filing(
        *buyer,
        number=number,
        warehouse_id=zone.warehouse,
        merchant_id=zone.seller.id,
        lines=(builders.line(**{**facts, **line}),),
        paid_fen=goods + 333 + 651,
    )
    with transaction() as session:
        return declarations.open_retail(session, request)


def listed(found: uuid.UUID) -> None:
    """Its papers are with customs, its list is made."""
    filing.file(str(found))
    papers_received(found)
    filing.file(str(found))


def released(found: uuid.UUID, invt: str = INVT) -> None:
    take(receipt(found, "621", "120", "20261123120100000", invtNo=invt))
    take(receipt(found, "621", "800", RELEASED, invtNo=invt))
