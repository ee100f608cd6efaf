"""What is paid to customs together: bills under one consolidated number (818 status 2), or the taxes of a consignment.

No message says that money has arrived, so a person says that it was paid, on which day and by which transfer. Where its
bills ask another sum afterwards, the difference is a payment of its own: more that was paid, or what customs gave back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text
from customs.models import Declaration, DeclarationLine, TaxBill
from customs.money_models import TaxPayment

PAID_BEFORE = declare("tax_payment_paid", 409, "This payment to customs is marked as paid already")


@dataclass(frozen=True, slots=True)
class Paid:
    """The platform has paid bills of retail lists; `part` is 0, or counts what was paid or came back afterwards."""

    payment_id: uuid.UUID
    part: int
    number: str
    amount_fen: int
    day: date


Listener = Callable[[Session, Paid], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> None:
    """Called with each payment of retail bills, in its transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


def gather(session: Session, number: str) -> None:
    """A bill stands under this number; the first one opens the payment."""
    fresh = upsert(TaxPayment).values(id=new_id(), number=number[:50], created_at=clock.now())
    session.execute(fresh.on_conflict_do_nothing(index_elements=[TaxPayment.number]))


def pay(actor: str, number: str, day: date, reference: str) -> dict[str, Any]:
    """Say that a payment was made: a consolidated number's, or a consignment's own number.

    The answer's amount is what was paid now: paid before, what is asked more since; negative, what came back.
    Raises Problem `not_found`, `tax_payment_paid` when nothing is left, `invalid_input` for a day to come.
    """
    if day > clock.today():
        raise invalid("paid_on", "lies in the future")
    with transaction() as session:
        row = _locked(session, number)
        due, before = due_fen(session, row), row.paid_fen
        if before == due:
            raise Problem(PAID_BEFORE, f"{number} was paid on {row.paid_on}")
        row.part = 0 if before is None else row.part + 1
        row.paid_on, row.paid_fen, row.reference = day, due, reference
        amount = due - (before or 0)
        if row.declaration_id is None:
            for listener in _listeners:
                listener(session, Paid(row.id, row.part, row.number, amount, day))
        told = {"number": row.number, "amount": fen_text(amount), "paid_on": day.isoformat()}
        audit.record(session, actor, "tax_payment_made", "tax_payment", row.id, **told, reference=reference)
        return told | {"reference": reference}


def _locked(session: Session, number: str) -> TaxPayment:
    query = select(TaxPayment).where(TaxPayment.number == number).with_for_update()
    known = session.scalars(query.execution_options(populate_existing=True)).first()
    if known is not None:
        return known
    own = select(Declaration.id).where(Declaration.number == number, Declaration.kind == "general_trade")
    declaration_id = session.scalar(own.where(Declaration.filed_on.is_not(None)).with_for_update())
    if declaration_id is None:
        raise Problem(NOT_FOUND, "no payment of this number is due to customs")
    fresh = upsert(TaxPayment).values(id=new_id(), number=number, declaration_id=declaration_id, created_at=clock.now())
    session.execute(fresh.on_conflict_do_nothing(index_elements=[TaxPayment.number]))
    return session.scalars(query.execution_options(populate_existing=True)).one()


def due_fen(session: Session, row: TaxPayment) -> int:
    """What its bills ask together, or the taxes of its consignment, in fen."""
    if row.declaration_id is not None:
        taxes = select(func.coalesce(func.sum(DeclarationLine.tax_fen), 0))
        return int(session.scalar(taxes.where(DeclarationLine.declaration_id == row.declaration_id)) or 0)
    asked = func.sum(TaxBill.duty_fen + TaxBill.consumption_tax_fen + TaxBill.vat_fen)
    bills = select(func.coalesce(asked, 0)).where(TaxBill.ent_duty_no == row.number, TaxBill.status == "consolidated")
    return int(session.scalar(bills) or 0)
