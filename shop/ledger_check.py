"""Does the ledger agree with everything it speaks of? Every fault is one line that names its object.

The books against themselves (postings sum to zero, rounding is zero), against purchases (cash), orders and refunds
(merchant, logistics, tax, promotion), declarations (the tax held is the tax declared), tax bills and payouts.
One snapshot for all of it; purchases are taken in slices, so memory stays flat on both sides however many there are.
Stripe's own records are `stripe_check`'s.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, text

from shop import ledger_statements as statements

SLICE = 5000  # purchases looked at together: a few statements of a few hundred milliseconds each

Note = Callable[[str], None]


def faults(connection: Connection, note: Note = lambda _: None) -> Iterator[str]:
    """All faults of the database's side, in the snapshot of the connection's transaction. `note` hears of progress."""
    yield from _orderless(connection)
    yield from _payouts(connection)
    after, done = uuid.UUID(int=0), 0
    whole = connection.scalar(text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = 'purchase'"))
    while True:
        row = connection.execute(text(statements.NEXT_SLICE), {"after": after, "size": SLICE}).one()
        if row.last is None:
            return
        done += row.purchases
        yield from _slice(connection, {"after": after, "last": row.last})
        note(f"{done} of about {max(whole or 0, done)} purchases")
        after = row.last


def _slice(connection: Connection, bounds: dict[str, Any]) -> Iterator[str]:
    yield from _unbalanced(connection, statements.UNBALANCED, bounds)
    for row in connection.execute(text(statements.CASH), bounds):
        yield (
            f"purchase {row.id}: captured {row.captured_fen} less {row.gone} fen paid back or charged back,"
            f" but the books hold {row.net}"
        )
    for row in connection.execute(text(statements.ORDERS), bounds):
        yield from _order(row)
    for row in connection.execute(text(statements.DECLARED), bounds):
        yield _declared(row)
    for row in connection.execute(text(statements.BILLS), bounds):
        yield (
            f"tax bill {row.tax_no} of order {row.number}: {row.status}, so {row.due} fen are settled,"
            f" but the books say {row.settled}"
        )


def _unbalanced(connection: Connection, statement: str, bounds: dict[str, Any]) -> Iterator[str]:
    for row in connection.execute(text(statement), bounds):
        yield f"posting {row.id} ({row.kind} {row.reference}): {row.currency} sums to {row.net} fen"


_SIDES = ("merchant_payable", "logistics_payable", "customs_tax_payable", "platform_promotion", "rounding")


def _order(row: Any) -> Iterator[str]:
    """The accounts of an order that are not what the order and its refunds make them."""
    for account in _SIDES:
        booked, due = getattr(row, account), getattr(row, f"{account}_due")
        if booked != due:
            yield f"order {row.number}: {account} is {booked} fen, by the order and its refunds it is {due}"


def _declared(row: Any) -> str:
    if row.declaration is None:
        return f"order {row.number}: {row.status}, but no declaration was opened"
    if row.over:
        return f"order {row.number}: its declaration is {row.declaration}, but {row.left} fen of tax are held for it"
    return f"order {row.number}: {row.held} fen of tax are held for customs, {row.declared} are declared"


def _orderless(connection: Connection) -> Iterator[str]:
    """Postings that belong to no purchase: a payout's or a payment's to customs; they sum to zero like any other."""
    yield from _unbalanced(connection, statements.UNBALANCED_ALONE, {})
    for row in connection.execute(text(statements.NOBODYS)):
        yield f"posting {row.id} ({row.kind} {row.reference}): belongs to no purchase and no payout"
    for row in connection.execute(text(statements.TAX_PAYMENTS)):
        yield f"payment {row.number} to customs: {row.paid} fen are paid, the books say {row.booked}"


def _payouts(connection: Connection) -> Iterator[str]:
    for row in connection.execute(text(statements.PAYOUTS)):
        told = f"payout {row.id} ({row.status})"
        if row.lines != row.amount_fen:
            yield f"{told}: pays {row.amount_fen} fen, its orders bring {row.lines}"
        if row.clearing != row.clearing_due:
            yield f"{told}: payout_clearing is {row.clearing} fen, not {row.clearing_due}"
        if row.cash != row.cash_due:
            yield f"{told}: {-row.cash_due} fen have left Stripe's balance, the books say {-row.cash}"
        if row.fee != row.fee_due:
            yield f"{told}: platform_fee is {row.fee} fen, its orders owe {row.fee_due}"
