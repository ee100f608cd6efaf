"""What came back to a buyer without a refund of ours: by the bank after a lost dispute, or from Stripe's dashboard.

It is set against what an order's refund would have paid, so nobody is paid twice and every account ends where it would
have ended. A lost dispute was the merchant's for the goods and the platform's for freight and tax (`disputes`); when
the order is refunded after all, both get that back, and merchant, logistics enterprise and customs are owed less.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import clock, jobs
from core.money import share
from shop import ledger
from shop.models import LedgerEntry, LedgerPosting, Order, Purchase, Refund

KINDS = ("goods", "freight", "tax")


def left_of(purchase: Purchase) -> int:
    """What can still be paid back in money, in fen."""
    return purchase.captured_fen - purchase.refunded_fen - purchase.disputed_fen - purchase.charged_back_fen


def paid_parts(order: Order) -> list[int]:
    """What the buyer has paid of an order: goods less the coupon, freight, tax."""
    return _cash(ledger.parts_of(order))


def left_parts(session: Session, order: Order) -> list[int]:
    """The same less what was promised back, but for what its amounts do not hold since it was weighed."""
    left = paid_parts(order)
    mine = (Refund.order_id == order.id, Refund.status != "waiting")
    for parts in session.scalars(select(Refund.parts).where(*mine, Refund.reason.not_like("lighter than ordered:%"))):
        left = [max(0, amount - less) for amount, less in zip(left, _cash(parts), strict=True)]
    return left


def _cash(parts: dict[str, int]) -> list[int]:
    return [parts["goods"] - parts.get("discount", 0), parts["freight"], parts["tax"]]


def split(parts: dict[str, int], covered: int) -> tuple[dict[str, int], dict[str, int]]:
    """Parts of a refund in two: `covered` fen of it, shared over what the buyer paid, and the rest."""
    paid = _cash(parts)
    if covered >= sum(paid):
        return parts, dict.fromkeys(parts, 0)
    first = dict(zip(KINDS, share(covered, paid), strict=True))
    return first, {**parts, **{kind: parts[kind] - first[kind] for kind in KINDS}}


def no_longer_owed(order: Order, parts: dict[str, int]) -> list[ledger.Entry]:
    """The debits of those to whom the parts of an order were owed."""
    return [
        ledger.Entry(side.account, -side.amount_fen, side.party, side.order_id) for side in ledger.owed(order, parts)
    ]


def post(
    session: Session, purchase: Purchase, order: Order, refund_id: uuid.UUID, parts: dict[str, int], amount: int
) -> None:
    """Book a covered refund; the caller holds the lock on the purchase. Dashboard money is used up first."""
    elsewhere = min(amount, purchase.elsewhere_fen)
    taken = update(Purchase).where(Purchase.id == purchase.id).values(elsewhere_fen=Purchase.elsewhere_fen - elsewhere)
    session.execute(taken)
    entries = [
        *no_longer_owed(order, parts),
        ledger.Entry(ledger.ELSEWHERE, -elsewhere),
        *_given_back(borne(session, purchase.id), order.id, amount - elsewhere),
    ]
    ledger.post(session, "refund_covered", str(refund_id), purchase.id, purchase.currency, entries)


def borne(session: Session, purchase_id: uuid.UUID) -> list[ledger.Entry]:
    """What lost disputes took of a purchase and no refund was set against yet, by who bears it, as debits."""
    columns = (LedgerEntry.account, LedgerEntry.party, LedgerEntry.order_id)
    whole = func.sum(LedgerEntry.amount_fen)
    mine = (LedgerPosting.purchase_id == purchase_id, LedgerEntry.order_id.is_not(None))
    back = (LedgerPosting.kind == "refund_covered") & (LedgerEntry.amount_fen < 0)
    statement = (
        select(*columns, whole)
        .join(LedgerPosting, LedgerPosting.id == LedgerEntry.posting_id)
        .where(*mine, (LedgerPosting.kind == "dispute_lost") | back)
        .where(LedgerEntry.account.in_((ledger.MERCHANT, ledger.DISPUTE_LOSS)))
        .group_by(*columns)
        .having(whole > 0)
        .order_by(*columns)
    )
    return [
        ledger.Entry(account, int(amount), party, order_id)
        for account, party, order_id, amount in session.execute(statement)
    ]


def _given_back(rows: Sequence[ledger.Entry], order_id: uuid.UUID, amount: int) -> list[ledger.Entry]:
    """An amount goes back to who bore it: for the order itself first, then for the others of the purchase."""
    found: list[ledger.Entry] = []
    for group in ([row for row in rows if row.order_id == order_id], [row for row in rows if row.order_id != order_id]):
        part = min(amount, sum(row.amount_fen for row in group))
        if part:
            amount -= part
            for row, each in zip(group, share(part, [row.amount_fen for row in group]), strict=True):
                found.append(ledger.Entry(row.account, -each, row.party, row.order_id))
    return found


def meet_promised(
    session: Session, purchase: Purchase, amount: int, statuses: Sequence[str] = ("promised", "failed")
) -> tuple[int, set[uuid.UUID]]:
    """Cover promises that Stripe can no longer pay, since the money went another way; at most `amount`, oldest first.

    Returns what was covered, for the caller to post against REFUND, and the orders concerned. The caller holds the lock
    on the purchase.
    """
    unpaid = select(Refund).where(Refund.purchase_id == purchase.id, Refund.status.in_(statuses))
    met, orders, larger = 0, set[uuid.UUID | None](), list[Refund]()
    for row in session.scalars(unpaid.order_by(Refund.created_at, Refund.id)).all():
        if met + row.amount_fen > amount:
            larger.append(row)
            continue
        met += row.amount_fen
        row.status = "covered"
        orders.add(row.order_id)
    # One that is larger than what is left is met in part; but what Stripe already has on its way is whole.
    apart = [row for row in larger if row.order_id is not None and (row.status == "failed" or row.stripe_id is None)]
    if apart and met < amount:
        _cover_part(session, apart[0], amount - met)
        met = amount
        orders.add(apart[0].order_id)
    session.flush()
    return met, {order_id for order_id in orders if order_id is not None}


def _cover_part(session: Session, row: Refund, amount: int) -> None:
    """The row is covered, with as much as it pays; the rest is a promise of its own, under a key of its own."""
    covered, rest = split(row.parts, amount)
    same = {"purchase_id": row.purchase_id, "order_id": row.order_id, "reason": row.reason, "status": row.status}
    left = Refund(**same, amount_fen=row.amount_fen - amount, parts=rest, created_at=clock.now())
    session.add(left)
    session.flush()
    if row.status == "promised":
        jobs.defer(session, "shop.pay_refund", refund_id=str(left.id))
    row.parts, row.amount_fen, row.status = covered, amount, "covered"
