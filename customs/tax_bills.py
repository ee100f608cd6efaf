"""Customs' own tax bills (816) beside our figures, and what became of them (818)."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.money import round_to_fen
from customs.models import DeclarationLine, TaxBill
from customs.window import receipts as window
from customs.window.receipts import Receipt
from customs.window.receipts import TaxBill as BilledTax


def exists(session: Session, declaration_id: uuid.UUID) -> bool:
    """Whether customs has billed the list."""
    return session.scalars(select(TaxBill.id).where(TaxBill.declaration_id == declaration_id)).first() is not None


def apply_bill(session: Session, declaration_id: uuid.UUID, receipt: Receipt) -> bool | None:
    """Store a bill or move its state; False when it changes nothing, None when the bill itself is not there yet."""
    bill = receipt.bill
    if bill is None:
        raise ValueError("a bill's receipt holds a bill")
    query = select(TaxBill).where(TaxBill.declaration_id == declaration_id, TaxBill.tax_no == bill.tax_no)
    row = session.scalars(query.with_for_update()).first()
    if row is None and receipt.kind == "818":
        return None
    state = window.apply(row.status if row else "", row.return_time if row else None, receipt)
    if state is None:
        return False
    if row is None:
        row = TaxBill(declaration_id=declaration_id, tax_no=bill.tax_no, duty_fen=0, consumption_tax_fen=0, vat_fen=0)
        session.add(row)
    row.status, row.return_time = state.status, state.return_time
    row.ent_duty_no = bill.ent_duty_no or row.ent_duty_no
    if receipt.kind == "816":
        _amounts(session, declaration_id, row, bill)
    elif state.status == "void":
        _forget(session, declaration_id)
    session.flush()
    return True


def standing(session: Session, declaration_id: uuid.UUID, tax_no: str) -> tuple[str, dict[str, Any]]:
    """What a bill means for those who hold its tax: the notice's state ("" for none yet) and its facts.

    Consolidated for payment it settles the tax, void it settles nothing.
    """
    query = select(TaxBill).where(TaxBill.declaration_id == declaration_id, TaxBill.tax_no == tax_no)
    row = session.scalars(query).one()
    amount = row.duty_fen + row.consumption_tax_fen + row.vat_fen
    state = {"consolidated": "tax_settled", "void": "tax_void"}.get(row.status, "")
    return state, {"bill": str(row.id), "tax_no": row.tax_no, "amount_fen": amount}


def _amounts(session: Session, declaration_id: uuid.UUID, row: TaxBill, bill: BilledTax) -> None:
    row.duty_fen = _sum(bill.customs_tax, [line.customs_tax for line in bill.lines])
    row.vat_fen = _sum(bill.value_added_tax, [line.value_added_tax for line in bill.lines])
    row.consumption_tax_fen = _sum(bill.consumption_tax, [line.consumption_tax for line in bill.lines])
    for line in bill.lines:
        _line(
            session,
            declaration_id,
            line.gnum,
            billed_price_fen=round_to_fen(line.tax_price),
            billed_duty_fen=round_to_fen(line.customs_tax),
            billed_consumption_tax_fen=round_to_fen(line.consumption_tax),
            billed_vat_fen=round_to_fen(line.value_added_tax),
        )


def _sum(total: Decimal | None, parts: list[Decimal]) -> int:
    """The total customs wrote, or that of the lines where it wrote none."""
    return round_to_fen(sum(parts, Decimal(0)) if total is None else total)


def _line(session: Session, declaration_id: uuid.UUID, position: int | None, **values: int | None) -> None:
    statement = update(DeclarationLine).where(DeclarationLine.declaration_id == declaration_id)
    if position is not None:
        statement = statement.where(DeclarationLine.position == position)
    session.execute(statement.values(**values).execution_options(synchronize_session=False))


def _forget(session: Session, declaration_id: uuid.UUID) -> None:
    """A void bill counts no more; another one may follow."""
    names = ("billed_price_fen", "billed_duty_fen", "billed_consumption_tax_fen", "billed_vat_fen")
    _line(session, declaration_id, None, **dict.fromkeys(names))
