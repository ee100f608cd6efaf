"""The books: double entry, append-only, every posting sums to zero per currency.

Debit is positive. What a buyer pays is nobody's revenue at capture: goods are owed to the merchant, freight and
insurance to the logistics enterprise, tax to customs. `customer_deposit` holds money that came for orders no longer
alive; `refund_payable` what is promised back and not yet paid.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.database import new_id
from shop.models import LedgerEntry, LedgerPosting, Order, Purchase

CASH = "stripe_cash"
MERCHANT = "merchant_payable"
LOGISTICS = "logistics_payable"
CUSTOMS_TAX = "customs_tax_payable"
DEPOSIT = "customer_deposit"
REFUND = "refund_payable"
TAX_DIFFERENCE = "tax_difference"  # the platform's own: law that changed between quote and filing (rule A15)


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting; debit positive, in fen."""

    account: str
    amount_fen: int
    party: str | None = None
    order_id: uuid.UUID | None = None


def post(
    session: Session, kind: str, reference: str, purchase_id: uuid.UUID, currency: str, entries: Iterable[Entry]
) -> bool:
    """Write one posting unless it stands already. Raises ValueError when the entries do not sum to zero."""
    sides = [entry for entry in entries if entry.amount_fen]
    if sum(entry.amount_fen for entry in sides):
        raise ValueError(f"{kind} {reference} does not sum to zero")
    posting_id = new_id()
    values = {"id": posting_id, "kind": kind, "reference": reference, "purchase_id": purchase_id, "at": clock.now()}
    fresh = insert(LedgerPosting).values(**values).on_conflict_do_nothing().returning(LedgerPosting.id)
    if session.execute(fresh).first() is None:
        return False
    session.execute(insert(LedgerEntry), [_row(posting_id, currency, entry) for entry in sides])
    return True


def _row(posting_id: uuid.UUID, currency: str, entry: Entry) -> dict[str, Any]:
    return {
        "posting_id": posting_id,
        "account": entry.account,
        "party": entry.party,
        "order_id": entry.order_id,
        "currency": currency,
        "amount_fen": entry.amount_fen,
    }


def owed(order: Order, parts: dict[str, int]) -> list[Entry]:
    """To whom the parts of an order are owed: `goods`, `freight`, `tax` in fen, positive; as credits."""
    return [
        Entry(MERCHANT, -parts["goods"], str(order.merchant_id), order.id),
        Entry(LOGISTICS, -parts["freight"], None, order.id),
        Entry(CUSTOMS_TAX, -parts["tax"], None, order.id),
    ]


def parts_of(order: Order) -> dict[str, int]:
    """What the buyer pays for an order, by whom it is owed to; the parts sum to its total."""
    return {
        "goods": order.goods_fen - order.discount_fen,
        "freight": order.freight_fen + order.insurance_fen,
        "tax": order.tax_fen,
    }


def post_capture(session: Session, purchase: Purchase, orders: Sequence[Order], reference: str) -> bool:
    """Money came in for living orders."""
    credits = [entry for order in orders for entry in owed(order, parts_of(order))]
    cash = Entry(CASH, purchase.total_fen)
    return post(session, "capture", reference, purchase.id, purchase.currency, [cash, *credits])


def post_deposit(session: Session, purchase: Purchase, reference: str) -> bool:
    """Money came in for orders that are no longer alive."""
    entries = [Entry(CASH, purchase.total_fen), Entry(DEPOSIT, -purchase.total_fen)]
    return post(session, "capture", reference, purchase.id, purchase.currency, entries)


def post_tax_difference(session: Session, order: Order, difference_fen: int) -> bool:
    """Customs is owed `difference_fen` more than the buyer paid; the platform bears it."""
    sides = [Entry(TAX_DIFFERENCE, difference_fen, None, order.id), Entry(CUSTOMS_TAX, -difference_fen, None, order.id)]
    return post(session, "tax_difference", order.number, order.purchase_id, "cny", sides)


def check(session: Session) -> Iterator[str]:
    """Every fault of the books: a posting or currency that does not sum to zero, a purchase whose cash differs."""
    unbalanced = (
        select(LedgerEntry.posting_id, LedgerEntry.currency, func.sum(LedgerEntry.amount_fen))
        .group_by(LedgerEntry.posting_id, LedgerEntry.currency)
        .having(func.sum(LedgerEntry.amount_fen) != 0)
    )
    for posting_id, currency, total in session.execute(unbalanced):
        yield f"posting {posting_id}: {currency} sums to {total} fen"
    yield from _cash_faults(session)


def _cash_faults(session: Session) -> Iterator[str]:
    """Cash by purchase = captured - refunds paid; promised refunds stand in `refund_payable` until paid."""
    net = func.coalesce(func.sum(LedgerEntry.amount_fen), 0)
    held = (
        select(Purchase.id, Purchase.captured_fen, Purchase.refunded_fen, net)
        .outerjoin(LedgerPosting, LedgerPosting.purchase_id == Purchase.id)
        .outerjoin(
            LedgerEntry, and_(LedgerEntry.posting_id == LedgerPosting.id, LedgerEntry.account.in_((CASH, REFUND)))
        )
        .group_by(Purchase.id)
        .having(net != Purchase.captured_fen - Purchase.refunded_fen)
    )
    for purchase_id, captured, refunded, cash in session.execute(held):
        yield f"purchase {purchase_id}: captured {captured} less refunded {refunded} fen, but the books hold {cash}"
