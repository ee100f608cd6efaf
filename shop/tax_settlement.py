"""Tax bills of customs (CEB816) settle the tax held for it, once they are consolidated for payment (818 status 2).

What a bill asks more or less than what was held is the platform's own difference, whatever its cause: a buyer is never
asked again for tax. A bill amended after it was settled adds what it asks more or less now. A void bill (818 status 3)
takes all of that back, and the next one settles anew. What is settled leaves the platform's bank when it is paid.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.money import fen_text
from customs.billing import payments
from customs.billing.payments import Paid
from shop import ledger, moves
from shop.models import LedgerEntry, LedgerPosting, Order

KIND, AMENDED, VOID = "tax_settled", "tax_amended", "tax_void"
PAID = "tax_paid"


def settled(session: Session, order: Order, info: dict[str, Any]) -> None:
    """A bill is due: {bill, tax_no, amount_fen}. Told again it changes nothing. The caller has locked."""
    held, billed = held_tax(session, order), info["amount_fen"]
    sides = [
        ledger.Entry(ledger.CUSTOMS_TAX, held, None, order.id),
        ledger.Entry(ledger.CUSTOMS_SETTLEMENT, -billed, None, order.id),
        ledger.Entry(ledger.TAX_DIFFERENCE, billed - held, None, order.id),
    ]
    if (held or billed) and ledger.post(session, KIND, info["bill"], order.purchase_id, "cny", sides):
        told = f"tax bill {info['tax_no']}: {fen_text(billed)} CNY"
        moves.note(session, [order.id], "tax_settled", order.status, "customs", detail=told)


def amended(session: Session, order: Order, info: dict[str, Any]) -> None:
    """A settled bill asks another amount: {bill, tax_no, amount_fen, was_fen, revision}. The caller has locked."""
    more = info["amount_fen"] - info["was_fen"]
    sides = [
        ledger.Entry(ledger.TAX_DIFFERENCE, more, None, order.id),
        ledger.Entry(ledger.CUSTOMS_SETTLEMENT, -more, None, order.id),
    ]
    reference = f"{info['bill']}:{info['revision']}"
    if ledger.post(session, AMENDED, reference, order.purchase_id, "cny", sides):
        told = f"tax bill {info['tax_no']}: {fen_text(info['amount_fen'])} CNY, {fen_text(info['was_fen'])} before"
        moves.note(session, [order.id], "tax_settled", order.status, "customs", detail=told)


def voided(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Customs takes a bill back: what it had settled is held again, or was for the next bill if that came first."""
    statement = (
        select(LedgerEntry.account, LedgerEntry.amount_fen)
        .join(LedgerPosting, LedgerPosting.id == LedgerEntry.posting_id)
        .where(LedgerPosting.kind.in_((KIND, AMENDED)), _of_bill(info["bill"]))
    )
    was: dict[str, int] = {}
    for account, amount in session.execute(statement):
        was[account] = was.get(account, 0) + int(amount)
    if _live(session, order, info["bill"]):  # the next bill came first: it settles what this one had
        was[ledger.TAX_DIFFERENCE] = was.get(ledger.TAX_DIFFERENCE, 0) + was.pop(ledger.CUSTOMS_TAX, 0)
    sides = [ledger.Entry(account, -amount, None, order.id) for account, amount in was.items()]
    if sides and ledger.post(session, VOID, info["bill"], order.purchase_id, "cny", sides):
        told = f"tax bill {info['tax_no']} is void"
        moves.note(session, [order.id], "tax_void", order.status, "customs", detail=told)


def _of_bill(bill: str) -> ColumnElement[bool]:
    return (LedgerPosting.reference == bill) | LedgerPosting.reference.startswith(f"{bill}:")


def paid(session: Session, payment: Paid) -> None:
    """Bills were paid to customs from the platform's bank, or a part of that came back."""
    sides = [
        ledger.Entry(ledger.CUSTOMS_SETTLEMENT, payment.amount_fen),
        ledger.Entry(ledger.BANK, -payment.amount_fen),
    ]
    reference = f"{payment.payment_id}:{payment.part}" if payment.part else str(payment.payment_id)
    ledger.post(session, PAID, reference, None, "cny", sides)


def _live(session: Session, order: Order, bill: str) -> bool:
    """Whether another bill of the order stands settled and was not taken back."""
    mine = select(LedgerEntry.posting_id).where(LedgerEntry.order_id == order.id)
    due, void = (func.count().filter(LedgerPosting.kind == kind) for kind in (KIND, VOID))
    others = select(due > void).where(LedgerPosting.id.in_(mine), LedgerPosting.reference != bill)
    return bool(session.scalar(others.where(LedgerPosting.purchase_id == order.purchase_id)))


def held_tax(session: Session, order: Order) -> int:
    """What is held of an order's tax for customs, in fen."""
    mine = (LedgerEntry.order_id == order.id, LedgerEntry.account == ledger.CUSTOMS_TAX)
    return -int(session.scalar(select(func.coalesce(func.sum(LedgerEntry.amount_fen), 0)).where(*mine)) or 0)


payments.subscribe(paid)
