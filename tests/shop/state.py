"""What the tables say, for assertions: read in a session of its own, so nothing stale is seen."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.models import Lot
from core.database import db
from customs.models import AllowanceYear
from shop import ledger_check
from shop.models import LedgerEntry, Order, Purchase, Refund


def fresh() -> Session:
    db.session.rollback()
    db.session.expire_all()
    return db.session()


def stock(listing_id: uuid.UUID) -> tuple[Decimal, Decimal]:
    """(on hand, reserved) over all lots of a listing."""
    statement = select(func.sum(Lot.on_hand), func.sum(Lot.reserved)).where(Lot.listing_id == listing_id)
    on_hand, reserved = fresh().execute(statement).one()
    return on_hand, reserved


def statuses(purchase: dict[str, Any]) -> list[str]:
    """The states of a purchase's orders, in their order."""
    rows = select(Order.status).where(Order.purchase_id == uuid.UUID(purchase["purchase"])).order_by(Order.id)
    return list(fresh().scalars(rows))


def counted() -> dict[str, int]:
    """How many orders are in which state."""
    rows = select(Order.status, func.count()).group_by(Order.status)
    return {status: count for status, count in fresh().execute(rows)}


def purchase_row(purchase: dict[str, Any]) -> Purchase:
    return fresh().get_one(Purchase, uuid.UUID(purchase["purchase"]))


def refunds() -> list[tuple[int, str]]:
    return [(row.amount_fen, row.status) for row in fresh().scalars(select(Refund).order_by(Refund.id))]


def balance(account: str) -> int:
    statement = select(func.coalesce(func.sum(LedgerEntry.amount_fen), 0)).where(LedgerEntry.account == account)
    return int(fresh().scalar(statement) or 0)


def allowance_sums() -> tuple[int, int]:
    """(reserved, used) over all persons and years."""
    reserved, used = func.sum(AllowanceYear.reserved_fen), func.sum(AllowanceYear.used_fen)
    row = fresh().execute(select(func.coalesce(reserved, 0), func.coalesce(used, 0))).one()
    return int(row[0]), int(row[1])


def books_balance() -> bool:
    """The whole check of the books, order by order, without Stripe's side."""
    found = list(ledger_check.faults(fresh().connection()))
    assert found == []
    return True
