"""What a merchant is owed, order by order, and from which day it may be paid: one statement over the ledger.

An order is paid when its goods have gone out and the time for sending them back is over: counted from release at
customs, or from shipping for domestic stock; day n of the law still counts for the buyer, so day n + 1 is the first for
the merchant. Nothing may be open on it. What has been paid once and is out of balance since, is recovered at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, config
from customs import declarations
from shop import fees, ledger

SENT = ("shipped", "delivered", "completed", "returned")


@dataclass(frozen=True, slots=True)
class Due:
    """The balance of one order in fen. `earned_fen` is what the merchant has kept of it in all, `taken_fen` what the
    platform took of that before; `payable_on` is None before the goods are sent; `hold` names what is open.
    """

    order_id: uuid.UUID | None
    purchase_id: uuid.UUID | None
    number: str | None
    currency: str
    balance_fen: int
    earned_fen: int
    taken_fen: int
    paid_before: bool
    ordered_on: date | None
    payable_on: date | None
    hold: str | None

    def ready(self, day: date) -> bool:
        """May it go into a payout today? What is owed back always may; what was paid before waits for no day."""
        if self.balance_fen < 0:
            return self.paid_before or self.order_id is None
        if self.hold is not None:
            return False
        return self.paid_before or self.order_id is None or (self.payable_on is not None and self.payable_on <= day)


_BALANCES = """
    SELECT order_id, currency, -sum(amount_fen)::bigint AS balance
    FROM ledger_entry
    WHERE account = :account AND party = :merchant {only}
    GROUP BY order_id, currency HAVING sum(amount_fen) <> 0
    ORDER BY sum(amount_fen) <= 0, order_id NULLS FIRST
"""
_DETAILS = text("""
    SELECT o.id, o.purchase_id, o.number, o.status, o.created_at, o.released_on,
           (SELECT max(e.at) FROM order_event e WHERE e.order_id = o.id AND e.event = 'shipped') AS shipped_at,
           paid.swept, paid.taken,
           CASE
               WHEN EXISTS (SELECT FROM return_request r
                            WHERE r.order_id = o.id AND r.status IN ('requested', 'accepted')) THEN 'return'
               WHEN EXISTS (SELECT FROM refund f
                            WHERE f.purchase_id = o.purchase_id AND (f.order_id = o.id OR f.order_id IS NULL)
                              AND f.status IN ('promised', 'waiting')) THEN 'refund'
               WHEN EXISTS (SELECT FROM payment_dispute d
                            WHERE d.purchase_id = o.purchase_id AND d.state IN ('inquiry', 'open')) THEN 'dispute'
               WHEN EXISTS (SELECT FROM incident i WHERE i.closed_at IS NULL
                            AND i.object_id IN (o.id::text, o.purchase_id::text)) THEN 'incident'
           END AS hold
    FROM sales_order o
    LEFT JOIN LATERAL (
        SELECT sum(l.balance_fen)::bigint AS swept, sum(l.taken_fen)::bigint AS taken
        FROM payout_line l JOIN payout p ON p.id = l.payout_id
        WHERE l.order_id = o.id AND NOT p.undone
    ) paid ON true
    WHERE o.id = ANY(:orders)
""")
_TOGETHER = 500


def due(session: Session, merchant_id: uuid.UUID, order_ids: Sequence[uuid.UUID] | None = None) -> Iterator[Due]:
    """All that is out of balance between a merchant and the platform, what is owed back first, then the oldest order.

    Whoever reads the beginning only pays for the beginning: details are looked up as they are read. With `order_ids`
    only those (and what belongs to no order): read again behind the locks of their purchases.
    """
    only = "" if order_ids is None else "AND (order_id = ANY(:only) OR order_id IS NULL)"
    given: dict[str, Any] = {"account": ledger.MERCHANT, "merchant": str(merchant_id)}
    if order_ids is not None:
        given["only"] = list(order_ids)
    balances = iter(session.execute(text(_BALANCES.format(only=only)), given).all())
    while part := list(islice(balances, _TOGETHER)):
        wanted = [row.order_id for row in part if row.order_id is not None]
        details = {row.id: row for row in session.execute(_DETAILS, {"orders": wanted})}
        for row in part:
            yield _due(row, details.get(row.order_id))


def _due(balance: Any, order: Any | None) -> Due:
    if order is None:
        return Due(None, None, None, balance.currency, balance.balance, balance.balance, 0, False, None, None, None)
    return Due(
        order_id=order.id,
        purchase_id=order.purchase_id,
        number=order.number,
        currency=balance.currency,
        balance_fen=balance.balance,
        earned_fen=balance.balance + (order.swept or 0),
        taken_fen=order.taken or 0,
        paid_before=order.swept is not None,
        ordered_on=clock.beijing_day(order.created_at),
        payable_on=first_day(order.status, order.released_on, order.shipped_at),
        hold=order.hold,
    )


def first_day(status: str | None, released_on: date | None, shipped_at: datetime | None) -> date | None:
    """The first Beijing day on which an order may be paid to its merchant; None while its goods have not gone out."""
    if status not in SENT or (released_on is None and shipped_at is None):
        return None
    begun = released_on or clock.beijing_day(shipped_at)  # type: ignore[arg-type]
    given = config.current().payout_days
    days = declarations.return_days(begun) if given is None else given
    return begun + timedelta(days=days + 1)


_GOODS = text("""
    SELECT order_id, coalesce(facts ->> 'category', '') AS category, sum(goods_fen)::bigint AS goods
    FROM order_line WHERE order_id = ANY(:orders) GROUP BY order_id, category ORDER BY order_id, category
""")


def takings(session: Session, rows: Sequence[Due]) -> dict[uuid.UUID | None, int]:
    """What the platform takes of each order this time, in fen: what is due of it by now less what was taken before."""
    goods: dict[uuid.UUID, list[tuple[str, int]]] = {}
    for row in session.execute(_GOODS, {"orders": [row.order_id for row in rows if row.order_id]}):
        goods.setdefault(row.order_id, []).append((row.category, row.goods))
    return {
        row.order_id: fees.due(goods[row.order_id], row.ordered_on, row.earned_fen) - row.taken_fen
        if row.order_id is not None and row.ordered_on is not None
        else 0
        for row in rows
    }
