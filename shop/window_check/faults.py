"""Go through everything once, in one snapshot, slice by slice, and tell what does not agree."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from core import clock
from core.money import fen_text
from customs import filing_documents
from customs.billing import terms
from customs.zone_stock import differences
from shop import ledger_statements
from shop.window_check import customs_statements as at_customs
from shop.window_check import order_statements as of_orders

SLICE = 2000
_COUNTS = ("line", "bills")

# How long what a job does next may be missing; the jobs' own sweeps look every few seconds.
FILING_AFTER = timedelta(minutes=10)
STUCK_AFTER = timedelta(hours=1)
ANSWERED_WITHIN = timedelta(hours=6)
PAID_WITHIN = timedelta(days=15)

Note = Callable[[str], None]
Bounds = dict[str, Any]


class Fault(NamedTuple):
    """Something that does not agree: what kind, of what, and the figures in words."""

    kind: str
    subject: str
    detail: str


_OF_ORDERS = {
    "declaration_missing": of_orders.DECLARATION_MISSING,
    "declaration_of_unpaid": of_orders.DECLARATION_OF_UNPAID,
    "allowance_state": of_orders.ALLOWANCE_STATE,
    "allowance_amount": of_orders.ALLOWANCE_AMOUNT,
    "tax_lines": of_orders.TAX_LINES,
    "amount_paid": of_orders.AMOUNT_PAID,
    "tax_held": ledger_statements.DECLARED,
    "bill_unsettled": ledger_statements.BILLS,
}
_AT_CUSTOMS = {
    "declaration_of_nobody": at_customs.DECLARATION_OF_NOBODY,
    "filing_stuck": at_customs.FILING_STUCK,
    "document_unanswered": at_customs.DOCUMENT_UNANSWERED,
    "bill_missing": at_customs.BILL_MISSING,
    "bill_twice": at_customs.BILL_TWICE,
    "bill_over": at_customs.BILL_OVER,
    "bill_differs": at_customs.BILL_DIFFERS,
    "bill_overdue": at_customs.BILL_OVERDUE,
    "guarantee_kept": at_customs.GUARANTEE_KEPT,
    "guarantee_missing": at_customs.GUARANTEE_MISSING,
    "consignment_overdue": at_customs.CONSIGNMENT_OVERDUE,
}
_ALONE = {
    "allowance_sum": at_customs.ALLOWANCE_SUM,
    "receipt_waiting": at_customs.RECEIPT_WAITING,
    "receipt_quarantined": at_customs.RECEIPT_QUARANTINED,
    "guarantee_sum": at_customs.GUARANTEE_SUM,
    "payment_open": at_customs.PAYMENT_OPEN,
}

ACCOUNT_BOOK = "account_book"


class Passed:
    """How many orders a pass has seen; known when it has ended."""

    orders = 0


def faults(connection: Connection, passed: Passed, note: Note = lambda _: None) -> Iterator[Fault]:
    """Everything that does not agree in the snapshot of the connection's transaction. `note` hears of progress."""
    times = _times(clock.now())
    for kind, statement in _ALONE.items():
        yield from _told(connection, kind, statement, times)
    yield from _of_books(connection)
    for bounds, purchases in _slices(connection, ledger_statements.NEXT_SLICE, "purchases"):
        for kind, statement in _OF_ORDERS.items():
            yield from _told(connection, kind, statement, {**bounds, **times})
        passed.orders += purchases
        note(f"{passed.orders} purchases")
    done = 0
    for bounds, declarations in _slices(connection, at_customs.NEXT_SLICE, "declarations"):
        for kind, statement in _AT_CUSTOMS.items():
            yield from _told(connection, kind, statement, {**bounds, **times})
        done += declarations
        note(f"{done} declarations")


def _of_books(connection: Connection) -> Iterator[Fault]:
    """Account books of bonded zones that the stock there does not agree with; what no entry brought in is no fault."""
    with Session(bind=connection) as session:
        for row in differences.found_in(session):
            if row["kind"] != "not_on_book":
                subject = f"{row['ems_no']}/{row['item_record_no']}"
                told = f"{row['kind']}, difference {row['difference']} {row['unit']}".replace("_", " ")
                yield Fault(ACCOUNT_BOOK, subject, told)


def _times(now: datetime) -> Bounds:
    today = clock.beijing_day(now)
    first, last = terms.retail_days(today)
    own = filing_documents.parties()
    return {
        "late": now - FILING_AFTER,
        "stuck": now - STUCK_AFTER,
        "unanswered": now - ANSWERED_WITHIN,
        "unpaid": now - PAID_WITHIN,
        "billed_by": today - timedelta(days=first),
        "overdue": today - timedelta(days=last),
        "consignment_overdue": today - timedelta(days=terms.general_trade_days(today)),
        "guarantor": own.guarantor,
        "platform": own.platform.code,
        "logistics": own.logistics.code,
    }


def _slices(connection: Connection, statement: str, counted: str) -> Iterator[tuple[Bounds, int]]:
    after = uuid.UUID(int=0)
    while True:
        row = connection.execute(text(statement), {"after": after, "size": SLICE}).one()
        if row.last is None:
            return
        yield {"after": after, "last": row.last}, int(getattr(row, counted))
        after = row.last


def _told(connection: Connection, kind: str, statement: str, values: Bounds) -> Iterator[Fault]:
    """The rows of a statement as faults, fetched a few at a time however many there are."""
    rows = connection.execution_options(stream_results=True, max_row_buffer=200).execute(text(statement), values)
    for row in rows.mappings():
        if _excused(kind, row):
            continue
        subject = row["subject"] if "subject" in row else _subject(kind, row)
        yield Fault(kind, str(subject)[:80], _figures(row))


def _excused(kind: str, row: Any) -> bool:
    """What the statement alone cannot tell: a last day that moved past rest days; what another kind tells already."""
    if kind == "bill_overdue":
        return terms.retail(row["released_on"]).strict >= clock.today()
    if kind == "consignment_overdue":
        return terms.general_trade(row["filed_on"]).strict >= clock.today()
    return kind == "tax_held" and row["declaration"] is None


def _subject(kind: str, row: Any) -> str:
    return f"{row['number']}/{row['tax_no']}" if kind == "bill_unsettled" else str(row["number"])


def _figures(row: Any) -> str:
    """The rest of a row in words, amounts in yuan: whole numbers but for counts are fen."""
    left = [f"{name} {_plain(name, value)}" for name, value in row.items() if name not in ("subject", "number")]
    return ", ".join(left).replace("_", " ")[:500]


def _plain(name: str, value: Any) -> str:
    money = isinstance(value, int) and not isinstance(value, bool) and name not in _COUNTS
    return fen_text(value) if money else str(value)
