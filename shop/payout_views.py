"""What a merchant and an operator read of payouts: what is owed and from when, what was paid, for which orders."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select

from catalog.models import Merchant
from core import clock
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text
from shop import cursors, payout_accounts, payout_rules
from shop.models import Order
from shop.payout_models import Payout, PayoutLine

SHOWN = 50  # orders told one by one; the sums are of all


def standing(merchant_id: uuid.UUID) -> dict[str, Any]:
    """The balance of a merchant: payable now, waiting for its day, held by something open, owed back by the merchant;
    and the next orders to be paid. Before the platform's commission, which is taken at the payout."""
    sums = dict.fromkeys(("payable", "waiting", "held", "owed_back"), 0)
    told: list[dict[str, Any]] = []
    today = clock.today()
    for row in payout_rules.due(db.session(), merchant_id):
        if row.balance_fen < 0:
            state = "owed_back"
        elif row.ready(today):
            state = "payable"
        else:
            state = "held" if row.hold else "waiting"
        sums[state] += row.balance_fen
        if len(told) < SHOWN:
            told.append(
                {
                    "order": str(row.order_id) if row.order_id else None,
                    "number": row.number,
                    "amount": fen_text(row.balance_fen),
                    "state": state,
                    "payable_on": row.payable_on.isoformat() if row.payable_on else None,
                    "hold": row.hold,
                }
            )
    texts = {name: fen_text(amount) for name, amount in sums.items()}
    return {
        "balance": fen_text(sum(sums.values())),
        **texts,
        "account": payout_accounts.told(merchant_id),
        "orders": told,
    }


def page_of(merchant_id: uuid.UUID | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """Payouts of a merchant, or of all, newest first."""
    statement = select(Payout, Merchant.registered_name).join(Merchant, Merchant.id == Payout.merchant_id)
    if merchant_id is not None:
        statement = statement.where(Payout.merchant_id == merchant_id)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Payout.id < seen)
    found = db.session.execute(statement.order_by(Payout.id.desc()).limit(limit + 1)).all()
    names = {row.id: name for row, name in found}
    rows, following = cursors.page([row for row, _ in found], limit)
    return {"items": [dump(row, names[row.id]) for row in rows], "next": following}


def one(merchant_id: uuid.UUID | None, payout_id: uuid.UUID) -> dict[str, Any]:
    """A payout with the orders it was made of; of the merchant, or of any. Raises Problem `not_found`."""
    row = db.session.get(Payout, payout_id, populate_existing=True)
    if row is None or merchant_id not in (None, row.merchant_id):
        raise Problem(NOT_FOUND, "no such payout")
    name = db.session.scalars(select(Merchant.registered_name).where(Merchant.id == row.merchant_id)).one()
    lines = db.session.execute(
        select(PayoutLine, Order.number)
        .outerjoin(Order, Order.id == PayoutLine.order_id)
        .where(PayoutLine.payout_id == payout_id)
        .order_by(PayoutLine.id)
    )
    return {**dump(row, name), "orders": [_line(line, number) for line, number in lines]}


def _line(line: PayoutLine, number: str | None) -> dict[str, Any]:
    return {
        "order": str(line.order_id) if line.order_id else None,
        "number": number,
        "balance": fen_text(line.balance_fen),
        "fee": fen_text(line.taken_fen),
        "amount": fen_text(line.balance_fen - line.taken_fen),
    }


def dump(row: Payout, merchant_name: str) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "merchant": {"id": str(row.merchant_id), "name": merchant_name},
        "amount": fen_text(row.amount_fen),
        "reversed": fen_text(row.reversed_fen),
        "currency": row.currency.upper(),
        "status": row.status,
        "reason": row.reason,
        "account": f"…{row.destination[-4:]}",
        "created_at": clock.instant_text(row.created_at),
        "sent_at": clock.instant_text(row.sent_at),
        "paid_at": clock.instant_text(row.paid_at),
        "failed_at": clock.instant_text(row.failed_at),
    }
