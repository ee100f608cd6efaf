"""Differences and payments as people see them: pages of them, and all differences as CSV."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_

from core import clock, paging
from core.database import db
from core.errors import invalid
from core.money import fen_text
from customs.models import Declaration, DeclarationLine, TaxBill
from customs.money_models import TaxDifference, TaxPayment
from customs.reports.table import harmless

COLUMNS = (
    "found_at",
    "order",
    "office",
    "taxNo",
    "status",
    "line",
    "hs",
    "kind",
    "ours",
    "billed",
    "difference",
    "cause",
)
_BATCH = 500
_GNUM_MOST = 9999  # four digits, as customs writes it
_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which differences; days are Beijing days on which they were found, both included. Void bills are left out."""

    cause: str | None = None
    kind: str | None = None
    first: date | None = None
    last: date | None = None


def differences(wanted: Filter, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of them, newest first."""
    rows = db.session.execute(_query(wanted, _after(cursor)).limit(limit + 1)).all()
    kept, following = paging.page(rows, limit, _cursor)
    return {"items": [_difference(row) for row in kept], "next": following}


def _query(wanted: Filter, after: tuple[Any, ...] | None) -> Select[*tuple[Any, ...]]:
    found, line = TaxDifference, DeclarationLine
    query = (
        select(found, TaxBill.tax_no, TaxBill.status, Declaration.order_number, Declaration.office, line.hs)
        .join(TaxBill, TaxBill.id == found.bill_id)
        .join(Declaration, Declaration.id == TaxBill.declaration_id)
        .outerjoin(line, (line.declaration_id == Declaration.id) & (line.position == found.gnum))
        .where(TaxBill.status != "void")
        .order_by(found.found_at.desc(), found.bill_id.desc(), found.gnum.desc(), found.kind.desc())
    )
    if wanted.cause is not None:
        query = query.where(found.cause == wanted.cause)
    if wanted.kind is not None:
        query = query.where(found.kind == wanted.kind)
    if wanted.first is not None:
        query = query.where(found.found_at >= _begin(wanted.first))
    if wanted.last is not None:
        query = query.where(found.found_at < _begin(wanted.last + timedelta(days=1)))
    if after is not None:
        query = query.where(tuple_(found.found_at, found.bill_id, found.gnum, found.kind) < after)
    return query


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock.BEIJING)


def _cursor(row: Row[Any]) -> str:
    found = row[0]
    return paging.encode(found.found_at.isoformat(), str(found.bill_id), found.gnum, found.kind)


def _after(cursor: str | None) -> tuple[Any, ...] | None:
    key = paging.decode(cursor, str, str, int, str)
    try:
        if key is not None and not 0 <= key[2] <= _GNUM_MOST:
            raise ValueError(key[2])
        return None if key is None else (datetime.fromisoformat(key[0]), uuid.UUID(key[1]), key[2], key[3])
    except ValueError:
        raise invalid("cursor", "is not a cursor of this list") from None


def _difference(row: Row[Any]) -> dict[str, Any]:
    found, tax_no, status, order, office, hs = tuple(row)
    return {
        "found_at": clock.instant_text(found.found_at),
        "order": order,
        "office": office,
        "taxNo": tax_no,
        "status": status,
        "line": found.gnum,
        "hs": hs,
        "kind": found.kind,
        "ours": fen_text(found.ours_fen),
        "billed": fen_text(found.billed_fen),
        "difference": fen_text(found.billed_fen - found.ours_fen),
        "cause": found.cause,
    }


def differences_csv(wanted: Filter) -> Iterator[str]:
    """All of them as CSV, some rows at a time, however many there are."""
    yield csv_line(COLUMNS)
    cursor: str | None = None
    while True:
        some = differences(wanted, _BATCH, cursor)
        yield "".join(csv_line(row[name] for name in COLUMNS) for row in some["items"])
        cursor = some["next"]
        if cursor is None:
            return


def csv_line(values: Any) -> str:
    """One line of CSV; customs' numbers are kept from being run by a spreadsheet, amounts stay numbers."""
    text = io.StringIO()
    cells = ["" if value is None else str(value) for value in values]
    csv.writer(text, lineterminator="\r\n").writerow([c if _AMOUNT.match(c) else harmless(c) for c in cells])
    return text.getvalue()


def sums(wanted: Filter) -> list[dict[str, Any]]:
    """By cause: how many differences and what they come to in tax; those of dutiable values are no money."""
    inner = (
        _query(wanted, None)
        .order_by(None)
        .with_only_columns(TaxDifference.cause, TaxDifference.kind, TaxDifference.billed_fen, TaxDifference.ours_fen)
    )
    part = inner.subquery()
    more = func.sum(part.c.billed_fen - part.c.ours_fen).filter(part.c.kind != "dutiable_value")
    query = select(part.c.cause, func.count(), func.coalesce(more, 0)).group_by(part.c.cause).order_by(part.c.cause)
    return [
        {"cause": cause, "count": int(count), "difference": fen_text(int(fen))}
        for cause, count, fen in db.session.execute(query)
    ]


def payments(paid: bool | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """Consolidated payments and paid consignments, newest first."""
    query = select(TaxPayment).order_by(TaxPayment.created_at.desc(), TaxPayment.id.desc()).limit(limit + 1)
    if paid is not None:
        query = query.where(TaxPayment.paid_on.is_not(None) if paid else TaxPayment.paid_on.is_(None))
    key = paging.decode(cursor, str, str)
    if key is not None:
        try:
            after = (datetime.fromisoformat(key[0]), uuid.UUID(key[1]))
        except ValueError:
            raise invalid("cursor", "is not a cursor of this list") from None
        query = query.where(tuple_(TaxPayment.created_at, TaxPayment.id) < after)
    rows = db.session.scalars(query).all()
    kept, following = paging.page(rows, limit, lambda row: paging.encode(row.created_at.isoformat(), str(row.id)))
    bills = _bills([row.number for row in kept])
    return {"items": [_payment(row, bills) for row in kept], "next": following}


def _bills(numbers: list[str]) -> Mapping[str, tuple[int, int]]:
    """Per consolidated number: its bills, and what they ask in fen."""
    asked = func.sum(TaxBill.duty_fen + TaxBill.consumption_tax_fen + TaxBill.vat_fen)
    query = select(TaxBill.ent_duty_no, func.count(), asked).where(TaxBill.status == "consolidated")
    found = query.where(TaxBill.ent_duty_no.in_(numbers)).group_by(TaxBill.ent_duty_no)
    return {str(number): (int(count), int(fen)) for number, count, fen in db.session.execute(found)}


def _payment(row: TaxPayment, bills: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    none = 0 if row.declaration_id is None else row.paid_fen or 0
    count, asked = bills.get(row.number, (0, none))
    return {
        "number": row.number,
        "kind": "retail" if row.declaration_id is None else "general_trade",
        "bills": count,
        "amount": fen_text(asked),
        "since": clock.instant_text(row.created_at),
        "paid_on": None if row.paid_on is None else row.paid_on.isoformat(),
        "paid": None if row.paid_fen is None else fen_text(row.paid_fen),
        "reference": row.reference,
    }
