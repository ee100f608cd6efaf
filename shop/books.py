"""The check of the books as a whole, as the command runs it and as a nightly job keeps it for the operator's page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from core import audit, clock, jobs
from core.database import assert_no_transaction, db, end_read, new_id, transaction
from core.money import fen_text
from shop import ledger_check, stripe_check
from shop.models import LedgerEntry
from shop.payout_models import BooksCheck
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable

KEPT = 100  # faults shown on the page; the command tells all of them

_SUMS = select(LedgerEntry.account, LedgerEntry.currency, func.sum(LedgerEntry.amount_fen)).group_by(
    LedgerEntry.account, LedgerEntry.currency
)


class Progress:
    """Says how far the check is, once a second, from the first second on."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._last = time.monotonic()

    def __call__(self, what: str) -> None:
        if time.monotonic() - self._last >= 1:
            self._last = time.monotonic()
            self._tell(what)


def check(*, offline: bool = False, note: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Every fault of the books, one line each, naming its object. With `offline` Stripe is not asked.

    The database is read in one snapshot. Raises GatewayUnavailable or GatewayRefused when Stripe does not answer.
    """
    assert_no_transaction()
    with db.engine.connect() as connection:
        connection.detach()  # its temporary tables go with it
        if not offline:
            stripe_check.fetch(connection, note)
        connection.rollback()
        found: list[stripe_check.Difference] = []
        with connection.begin():
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            yield from ledger_check.faults(connection, note)
            if not offline:
                found = list(stripe_check.differences(connection))
        yield from map(str, stripe_check.confirmed(connection, found))


def sums(connection: Connection) -> list[dict[str, Any]]:
    """Every account with its balance; debit positive."""
    rows = sorted(connection.execute(_SUMS).all())
    return [
        {"account": account, "currency": currency, "amount": fen_text(int(amount))}
        for account, currency, amount in rows
    ]


def _first(found: Iterator[str]) -> tuple[list[str], int]:
    """The faults that are kept, and how many there are."""
    kept, count = [], 0
    for count, fault in enumerate(found, 1):
        if count <= KEPT:
            kept.append(fault)
    return kept, count


@jobs.task("shop.check_books", schedule="30 19 * * *", attempts=1)
def keep_check() -> None:
    """Check the books (03:30 in Beijing) and keep what was found; without Stripe when it is away."""
    started, offline = clock.now(), False
    try:
        faults, count = _first(check())
    except (GatewayUnavailable, GatewayRefused):
        offline = True
        faults, count = _first(check(offline=True))
    with db.engine.connect() as connection:
        told = sums(connection)
        orders = connection.scalar(text("SELECT count(*) FROM sales_order"))
    end_read()
    row = {"id": new_id(), "started_at": started, "finished_at": clock.now(), "offline": offline, "orders": orders}
    with transaction() as session:
        session.execute(insert(BooksCheck).values(**row, sums=told, faults=faults, fault_count=count))


def ask_for_check(actor: str) -> None:
    """Let the job run now."""
    with transaction() as session:
        jobs.defer(session, "shop.check_books", lock="shop.check_books")
        audit.record(session, actor, "books_check_asked", "books", "ledger")


def last_check() -> dict[str, Any] | None:
    """The newest run with its sums by account and its first faults."""
    row = db.session.scalars(select(BooksCheck).order_by(BooksCheck.id.desc()).limit(1)).first()
    if row is None:
        return None
    return {
        "started_at": clock.instant_text(row.started_at),
        "finished_at": clock.instant_text(row.finished_at),
        "offline": row.offline,
        "orders": row.orders,
        "sums": row.sums,
        "faults": row.faults,
        "fault_count": row.fault_count,
    }
