"""The books: double entry, append-only, every posting sums to zero per currency.

Debit is positive. What a buyer pays is nobody's revenue at capture: goods are owed to the merchant, freight and
insurance to the logistics enterprise, tax to customs. `customer_deposit` holds money that came for orders no longer
alive; `refund_payable` what is promised back and not yet paid. docs/money.md has every posting in one table.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core import clock
from core.database import new_id, write
from core.prepared import Prepared
from shop.models import LedgerEntry, LedgerPosting, Order, Purchase, table

CASH = "stripe_cash"
MERCHANT = "merchant_payable"
LOGISTICS = "logistics_payable"
CUSTOMS_TAX = "customs_tax_payable"
DEPOSIT = "customer_deposit"
REFUND = "refund_payable"
DISPUTE_LOSS = "platform_dispute_loss"  # freight and tax of a lost dispute: the platform's own
ELSEWHERE = "refund_unassigned"  # paid back at Stripe's dashboard, not yet set against an order
TAX_DIFFERENCE = "tax_difference"  # the platform's own: law that changed between quote and filing (rule A15), bills
PLATFORM_FEE = "platform_fee"  # the platform's revenue, taken when a merchant is paid out
PLATFORM_PROMOTION = "platform_promotion"  # what platform coupons have cost
ROUNDING = "rounding"  # must stay zero in retail: the check of the books names who posts to it
PAYOUT_CLEARING = "payout_clearing"  # promised to merchants, the transfer not made yet
CUSTOMS_SETTLEMENT = "customs_settlement"  # billed by customs (816) and due to its bank account, no longer held
BANK = "platform_bank"  # the platform's own account at a bank, from which customs is paid
DISPUTE = "dispute_clearing"  # taken by a buyer's bank while it is not decided for whom


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting; debit positive, in fen."""

    account: str
    amount_fen: int
    party: str | None = None
    order_id: uuid.UUID | None = None


def post(
    session: Session, kind: str, reference: str, purchase_id: uuid.UUID | None, currency: str, entries: Iterable[Entry]
) -> bool:
    """Write one posting unless it stands already. Raises ValueError when the entries do not sum to zero."""
    return write(session, prepared(kind, reference, purchase_id, currency, entries), once=KNOWN_BY)


KNOWN_BY = "kind, reference"


def prepared(
    kind: str, reference: str, purchase_id: uuid.UUID | None, currency: str, entries: Iterable[Entry]
) -> Prepared:
    """The same as rows, for whoever writes them with others; once by KNOWN_BY."""
    sides = [entry for entry in entries if entry.amount_fen]
    if sum(entry.amount_fen for entry in sides):
        raise ValueError(f"{kind} {reference} does not sum to zero")
    posting_id = new_id()
    values = {"id": posting_id, "kind": kind, "reference": reference, "purchase_id": purchase_id, "at": clock.now()}
    return {table(LedgerPosting): [values], table(LedgerEntry): [_row(posting_id, currency, entry) for entry in sides]}


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
    """To whom the parts of an order are owed: `goods`, `freight`, `tax` in fen, positive; as credits.

    A `discount` is the platform's debit: the merchant is owed the goods in full.
    """
    return [
        Entry(MERCHANT, -parts["goods"], str(order.merchant_id), order.id),
        Entry(LOGISTICS, -parts["freight"], None, order.id),
        Entry(CUSTOMS_TAX, -parts["tax"], None, order.id),
        Entry(PLATFORM_PROMOTION, parts.get("discount", 0), None, order.id),
    ]


def parts_of(order: Order) -> dict[str, int]:
    """An order by whom it is owed to; the parts less the coupon's `discount`, where there is one, are its total."""
    parts = {"goods": order.goods_fen, "freight": order.freight_fen + order.insurance_fen, "tax": order.tax_fen}
    return {**parts, "discount": order.discount_fen} if order.discount_fen else parts


def capture(purchase: Any, orders: Sequence[Any], reference: str) -> Prepared:
    """Money came in for living orders."""
    credits = [entry for order in orders for entry in owed(order, parts_of(order))]
    cash = Entry(CASH, purchase.total_fen)
    return prepared("capture", reference, purchase.id, purchase.currency, [cash, *credits])


def post_deposit(session: Session, purchase: Purchase, reference: str) -> bool:
    """Money came in for orders that are no longer alive."""
    entries = [Entry(CASH, purchase.total_fen), Entry(DEPOSIT, -purchase.total_fen)]
    return post(session, "capture", reference, purchase.id, purchase.currency, entries)


def post_tax_difference(session: Session, order: Order, difference_fen: int, law: str) -> bool:
    """Customs is owed `difference_fen` more than before, by the `law` of a day; the platform bears it."""
    sides = [Entry(TAX_DIFFERENCE, difference_fen, None, order.id), Entry(CUSTOMS_TAX, -difference_fen, None, order.id)]
    return post(session, "tax_difference", f"{order.number} {law}", order.purchase_id, "cny", sides)
