"""The statement of a merchant for one Beijing month: what it was owed before, what each order and payout did, what is
owed after.

It is read from the ledger, entry by entry of `merchant_payable`, in one snapshot; so it adds up by construction, and
that it does is checked before anybody gets it. Postings are never changed, so a month that is over never is either.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, text

from core import clock
from core.database import assert_no_transaction, db
from core.errors import NOT_FOUND, Problem, invalid
from core.money import fen_text
from shop import ledger

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """What one order did in the month, in fen: what it brought, what was refunded before and after it was paid out,
    what the platform took. `day` is the first of its days in the month."""

    day: date
    number: str
    goods: int
    refunds: int
    recovered: int
    taken: int

    @property
    def amount(self) -> int:
        return self.goods + self.refunds + self.recovered + self.taken


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """Money sent (negative), or owed again since it came back."""

    day: date
    payout: str
    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """All amounts in fen, positive where the merchant is owed. `final`: the month is over."""

    merchant_id: uuid.UUID
    merchant_name: str
    month: str
    first: date
    last: date
    final: bool
    opening_fen: int
    orders: Sequence[OrderRow]
    payouts: Sequence[PayoutRow]
    closing_fen: int

    @property
    def opening(self) -> str:
        return fen_text(self.opening_fen)

    @property
    def closing(self) -> str:
        return fen_text(self.closing_fen)

    def total(self, name: str) -> int:
        """The sum of a column of the orders."""
        return sum(getattr(row, name) for row in self.orders)


def of(merchant_id: uuid.UUID, month: str) -> Statement:
    """The statement of a month such as 2026-11. Raises Problem `not_found`, `invalid_input`."""
    first, last = days_of(month)
    assert_no_transaction()
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        name = connection.scalar(
            text("SELECT registered_name FROM merchant WHERE id = :merchant"), {"merchant": merchant_id}
        )
        if name is None:
            raise Problem(NOT_FOUND, "no such merchant")
        given = {"account": ledger.MERCHANT, "party": str(merchant_id), "since": _start(first)}
        given["until"] = _start(last + timedelta(days=1))
        found = _read(connection, merchant_id, name, month, first, last, given)
        connection.rollback()
    _check(found)
    return found


def days_of(month: str) -> tuple[date, date]:
    """The first and the last day. Raises Problem `invalid_input` for what is no month, or one that has not begun."""
    match = _MONTH.match(month)
    if match is None:
        raise invalid("month", "must be a month such as 2026-11")
    first = date(int(match[1]), int(match[2]), 1)
    if first > clock.today():
        raise invalid("month", "has not begun yet")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, following - timedelta(days=1)


def _start(day: date) -> datetime:
    """The instant at which a Beijing day begins."""
    return datetime.combine(day, time(), clock.BEIJING).astimezone(UTC)


_BALANCE = text("""
    SELECT coalesce(-sum(e.amount_fen) FILTER (WHERE p.at < :since), 0)::bigint AS opening,
           coalesce(-sum(e.amount_fen), 0)::bigint AS closing
    FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id
    WHERE e.account = :account AND e.party = :party AND p.at < :until
""")

# A refund while the order is paid out is a recovery: the money has to come from another order. Told from what was in
# the books at that moment, so that what happens later changes no statement of before.
_ORDERS = text("""
    WITH mine AS (
        SELECT e.id, e.order_id, p.at, p.kind, -e.amount_fen AS amount
        FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id
        WHERE e.account = :account AND e.party = :party AND p.at < :until AND e.order_id IS NOT NULL
    ), entries AS (
        SELECT mine.*, sum(CASE kind WHEN 'payout' THEN 1 WHEN 'payout_undone' THEN -1 ELSE 0 END)
                       OVER (PARTITION BY order_id ORDER BY at, id) > 0 AS paid
        FROM mine
        WHERE order_id IN (SELECT order_id FROM mine WHERE at >= :since)
    ), told AS (
        SELECT order_id, at, amount,
               CASE WHEN kind = 'capture' THEN 'goods' WHEN kind IN ('payout_fee', 'payout_fee_undone') THEN 'taken'
                    WHEN paid THEN 'recovered' ELSE 'refunds' END AS part
        FROM entries WHERE at >= :since AND kind NOT IN ('payout', 'payout_undone')
    )
    SELECT min(t.at) AS at, s.number,
           coalesce(sum(t.amount) FILTER (WHERE t.part = 'goods'), 0)::bigint AS goods,
           coalesce(sum(t.amount) FILTER (WHERE t.part = 'refunds'), 0)::bigint AS refunds,
           coalesce(sum(t.amount) FILTER (WHERE t.part = 'recovered'), 0)::bigint AS recovered,
           coalesce(sum(t.amount) FILTER (WHERE t.part = 'taken'), 0)::bigint AS taken
    FROM told t JOIN sales_order s ON s.id = t.order_id
    GROUP BY s.number ORDER BY min(t.at), s.number
""")

_PAYOUTS = text("""
    SELECT p.at, split_part(p.reference, ':', 1) AS payout, p.kind, -sum(e.amount_fen)::bigint AS amount
    FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id
    WHERE e.account = :account AND e.party = :party AND p.at >= :since AND p.at < :until
      AND (p.kind IN ('payout', 'payout_undone') OR e.order_id IS NULL)
    GROUP BY p.id ORDER BY p.at, p.id
""")


def _read(
    connection: Connection,
    merchant_id: uuid.UUID,
    name: str,
    month: str,
    first: date,
    last: date,
    given: dict[str, Any],
) -> Statement:
    balance = connection.execute(_BALANCE, given).one()
    orders = [
        OrderRow(clock.beijing_day(row.at), row.number, row.goods, row.refunds, row.recovered, row.taken)
        for row in connection.execute(_ORDERS, given)
        if row.goods or row.refunds or row.recovered or row.taken
    ]
    payouts = [
        PayoutRow(clock.beijing_day(row.at), row.payout, "sent" if row.amount < 0 else "came_back", row.amount)
        for row in connection.execute(_PAYOUTS, given)
    ]
    final = last < clock.today()
    return Statement(merchant_id, name, month, first, last, final, balance.opening, orders, payouts, balance.closing)


def _check(found: Statement) -> None:
    """Opening, orders and payouts are the closing balance. Raises ArithmeticError: such a statement goes nowhere."""
    moved = found.total("amount") + sum(row.amount for row in found.payouts)
    if found.opening_fen + moved != found.closing_fen:
        raise ArithmeticError(f"the statement of {found.merchant_id} for {found.month} does not add up")


def months(merchant_id: uuid.UUID) -> list[str]:
    """The months with a statement, newest first: from the merchant's first entry to the present one."""
    statement = text("""
        SELECT min(p.at) FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id
        WHERE e.account = :account AND e.party = :party
    """)
    given = {"account": ledger.MERCHANT, "party": str(merchant_id)}
    begun = db.session.scalar(statement, given)
    if begun is None:
        return []
    day, today, found = clock.beijing_day(begun), clock.today(), []
    year, number = day.year, day.month
    while (year, number) <= (today.year, today.month):
        found.append(f"{year}-{number:02d}")
        year, number = year + number // 12, number % 12 + 1
    return found[::-1]
