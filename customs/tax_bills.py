"""Customs' own tax bills (816) beside our figures, and what became of them (818).

A bill may come again with other amounts (amended), be consolidated for payment under one number with others, and be
void, whereupon another may follow; each of these can come twice and late.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.money import round_to_fen
from customs.billing import payments, record
from customs.models import TaxBill
from customs.window import receipts as window
from customs.window.receipts import Receipt
from customs.window.receipts import TaxBill as BilledTax


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a bill's receipt; `state` and `facts` are the notice for those who hold its tax, "" for none."""

    outcome: str
    state: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def exists(session: Session, declaration_id: uuid.UUID) -> bool:
    """Whether customs has billed the list."""
    return session.scalars(select(TaxBill.id).where(TaxBill.declaration_id == declaration_id)).first() is not None


def apply_bill(session: Session, declaration_id: uuid.UUID, receipt: Receipt) -> Told:
    """Store a bill, amend it or move its state: `applied`, `ignored` (no change), `early` (the bill is not there)."""
    bill = receipt.bill
    if bill is None:
        raise ValueError("a bill's receipt holds a bill")
    query = select(TaxBill).where(TaxBill.declaration_id == declaration_id, TaxBill.tax_no == bill.tax_no)
    row = session.scalars(query.with_for_update()).first()
    if row is None and receipt.kind == "818":
        return Told("early")
    was = 0 if row is None else amount(row)
    amended = receipt.kind == "816" and _newer_amounts(row, receipt)
    state = window.apply(row.status if row else "", row.return_time if row else None, receipt)
    renumbered = _renumbered(row, receipt)
    if state is None and not amended and not renumbered:
        return Told("ignored")
    if row is None:
        row = TaxBill(declaration_id=declaration_id, tax_no=bill.tax_no, duty_fen=0, consumption_tax_fen=0, vat_fen=0)
        row.status, row.return_time, row.revision = "pending", receipt.return_time, 0
        session.add(row)
    if state is not None:
        row.status, row.return_time = state.status, state.return_time
    elif renumbered:
        row.return_time = receipt.return_time
    row.ent_duty_no = bill.ent_duty_no or row.ent_duty_no
    if receipt.kind == "816" and _newer_amounts(row, receipt):
        _amounts(row, receipt.return_time, bill)
        session.flush()
        record.keep(session, declaration_id, row, bill)
    session.flush()
    if row.status == "consolidated" and row.ent_duty_no:
        payments.gather(session, row.ent_duty_no)
    if row.status == "void" or amended:
        record.show(session, declaration_id)
    return _told(row, state is not None, amended, was)


def amount(row: TaxBill) -> int:
    """What a bill asks, in fen."""
    return row.duty_fen + row.consumption_tax_fen + row.vat_fen


def _newer_amounts(row: TaxBill | None, receipt: Receipt) -> bool:
    """A bill that is void is changed no more; a repeated or older one changes nothing."""
    if row is None:
        return True
    return row.status != "void" and (row.billed_time is None or receipt.return_time > row.billed_time)


def _renumbered(row: TaxBill | None, receipt: Receipt) -> bool:
    """Consolidated anew under another number."""
    number = receipt.bill.ent_duty_no if receipt.bill else ""
    return (
        row is not None
        and row.status == "consolidated"
        and receipt.status == "2"
        and receipt.return_time > row.return_time
        and number not in ("", row.ent_duty_no)
    )


def _told(row: TaxBill, moved: bool, amended: bool, was: int) -> Told:
    """Consolidated for payment a bill settles the tax, void it settles nothing, amended it asks more or less."""
    facts = {"bill": str(row.id), "tax_no": row.tax_no, "amount_fen": amount(row)}
    if moved and row.status in ("consolidated", "void"):
        return Told("applied", "tax_settled" if row.status == "consolidated" else "tax_void", facts)
    if amended and row.status == "consolidated" and amount(row) != was:
        return Told("applied", "tax_amended", {**facts, "was_fen": was, "revision": row.revision})
    return Told("applied")


def _amounts(row: TaxBill, return_time: str, bill: BilledTax) -> None:
    row.revision += row.billed_time is not None
    row.billed_time = return_time
    row.duty_fen = _sum(bill.customs_tax, [line.customs_tax for line in bill.lines])
    row.vat_fen = _sum(bill.value_added_tax, [line.value_added_tax for line in bill.lines])
    row.consumption_tax_fen = _sum(bill.consumption_tax, [line.consumption_tax for line in bill.lines])


def _sum(total: Decimal | None, parts: list[Decimal]) -> int:
    """The total customs wrote, or that of the lines where it wrote none."""
    return round_to_fen(sum(parts, Decimal(0)) if total is None else total)
