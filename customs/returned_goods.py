"""Goods that go back within 30 days: tax on them is not levied, so reports take it off again (GACC 2020 No.45).

The return is a declaration of its own with negative amounts, dated by the day customs granted it: a month that was
reported stays as it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core import clock
from core.database import new_id
from core.money import half_up
from customs.models import Declaration, DeclarationLine

_AMOUNTS = (
    "value_fen",
    "freight_fen",
    "insurance_fen",
    "dutiable_value_fen",
    "duty_fen",
    "additional_duty_fen",
    "consumption_tax_fen",
    "vat_fen",
    "charged_tax_fen",
)
_TAXES = ("duty_fen", "additional_duty_fen", "consumption_tax_fen", "vat_fen")
_COPIED = ("hs", "name", "origin", "route", "mode", "merchant_id", "merchant_name", "zone", "office", "unit")


def open_return(
    session: Session, original: Declaration, number: str, lines: Sequence[Sequence[Any]], granted_at: datetime
) -> uuid.UUID:
    """The declaration of the goods sent back under the request `number`: pairs of line number and quantity."""
    day = clock.beijing_day(granted_at)
    return_id = new_id()
    head = {
        "id": return_id,
        "number": number,
        "kind": "retail_return",
        "order_number": original.order_number,
        "person_id": original.person_id,
        "merchant_id": original.merchant_id,
        "merchant_name": original.merchant_name,
        "warehouse_id": original.warehouse_id,
        "mode": original.mode,
        "office": original.office,
        "zone": original.zone,
        "status": "closed",
        "edition": original.edition,
        "standing": original.standing,
        "assessed_on": original.assessed_on,
        "filed_on": day,
        "released_on": day,
        "released_at": granted_at,
        "snapshot": {"returns": str(original.id), "lines": [list(line) for line in lines]},
    }
    session.execute(insert(Declaration).values(head))
    rows = [_line(session, original, int(line), Decimal(quantity)) for line, quantity in lines]
    for row in rows:
        row |= {"id": new_id(), "declaration_id": return_id, "released_on": day}
    session.execute(insert(DeclarationLine), rows)
    return return_id


def _line(session: Session, original: Declaration, position: int, quantity: Decimal) -> dict[str, Any]:
    """The share of one line; the last part gets what is left, so all parts together are the line to the fen."""
    query = select(DeclarationLine).where(
        DeclarationLine.declaration_id == original.id, DeclarationLine.position == position
    )
    line = session.scalars(query.execution_options(populate_existing=True)).one()
    before = _returned_before(session, original, position)
    row = {name: getattr(line, name) for name in _COPIED}
    row |= {name: -_part(getattr(line, name), line.quantity, before, quantity) for name in _AMOUNTS}
    row["tax_fen"] = sum(row[name] for name in _TAXES)
    return {**row, "position": position, "quantity": -quantity, "assessment": {"returns": str(line.id)}}


def _returned_before(session: Session, original: Declaration, position: int) -> Decimal:
    query = (
        select(func.coalesce(-func.sum(DeclarationLine.quantity), 0))
        .join(Declaration, Declaration.id == DeclarationLine.declaration_id)
        .where(Declaration.kind == "retail_return", Declaration.order_number == original.order_number)
        .where(DeclarationLine.position == position)
    )
    return Decimal(session.execute(query).scalar_one())


def _part(amount: int, whole: Decimal, before: Decimal, quantity: Decimal) -> int:
    return _upto(amount, whole, before + quantity) - _upto(amount, whole, before)


def _upto(amount: int, whole: Decimal, quantity: Decimal) -> int:
    """The amount for the first `quantity` of the line, rounded half-up once."""
    exact = amount * Fraction(quantity) / Fraction(whole)
    return int(half_up(exact.numerator, exact.denominator))
