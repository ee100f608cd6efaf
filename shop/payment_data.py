"""The original payment data of an order, for customs' real-time check (GACC announcements 165 and 179 of 2018).

Customs asks the platform by order number and session; the platform gives the raw request it sent to the payment
enterprise and the raw answer, with amount, time, parties and goods, in the field names of the interface (its spelling
kept). Here is everything but the signature: `certNo` and `signValue` belong to whoever uploads it.

The lengths and what is required are standing `assumed` where no official text was read.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core import audit, clock, config
from core.accounts import Actor
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from core.money import fen_text
from customs import filing_documents
from shop.models import Order, OrderLine, Payment, PaymentExchange

CNY = "142"
OTHER_DEPARTMENT = "3"  # verDept: neither UnionPay nor NetsUnion
OTHER_TYPE = "4"  # payType: not told by the payment method
BEIJING = ZoneInfo("Asia/Shanghai")


def of_order(actor: Actor, number: str, session_id: str | None) -> dict[str, Any]:
    """What the interface wants of a paid order, and every exchange with the payment enterprise; who asked is kept.

    `missing` names what an upload still lacks. Raises Problem `not_found` for an unknown or unpaid order: of what was
    not paid there is no payment data.
    """
    if "\0" in number:  # which no column can hold
        raise Problem(NOT_FOUND, "no such paid order")
    row = db.session.execute(
        select(Order, Payment).join(Payment, Payment.purchase_id == Order.purchase_id).where(Order.number == number)
    ).first()
    if row is None or row.Order.paid_at is None:
        raise Problem(NOT_FOUND, "no such paid order")
    found = _answer(row.Order, row.Payment, session_id)
    order_id = row.Order.id
    db.session.rollback()
    with transaction() as session:
        audit.record(session, str(actor.id), "payment_data_given", "order", order_id, asked_in=session_id)
    return found


def _answer(order: Order, payment: Payment, session_id: str | None) -> dict[str, Any]:
    exchanges = _exchanges(order)
    first = next((each for each in exchanges if _made(each)), None)
    parties = filing_documents.parties()
    account = config.current().receiving_account
    head = {
        "guid": str(payment.id).upper(),
        "initalRequest": first.request if first else None,
        "initalResponse": first.response if first else None,
        "ebpCode": parties.platform.code,
        "payCode": parties.payment.code,
        "payTransactionId": order.payment_no,
        "totalAmount": fen_text(order.total_fen),
        "currency": CNY,
        "verDept": OTHER_DEPARTMENT,
        "payType": OTHER_TYPE,
        "tradingTime": _beijing(order.paid_at),
        "note": f"one of the orders paid by {payment.intent_id}",
    }
    goods = {"orderNo": order.number, "goodsInfo": _goods(order), "recpAccount": account}
    goods |= {"recpCode": parties.platform.code, "recpName": parties.platform.name}
    lacking = {"sessionID": session_id, "recpAccount": account, "initalRequest": first}
    return {
        "sessionID": session_id,
        "payExchangeInfoHead": head,
        "payExchangeInfoLists": [goods],
        "serviceTime": str(int(time.time() * 1000)),
        "missing": [name for name, value in lacking.items() if value is None],
        "exchanges": [_dump(each) for each in exchanges],
    }


def _exchanges(order: Order) -> list[PaymentExchange]:
    """Every request and answer of the purchase's payment, oldest first."""
    statement = select(PaymentExchange).where(PaymentExchange.purchase_id == order.purchase_id)
    return list(db.session.scalars(statement.order_by(PaymentExchange.id)))


def _made(exchange: PaymentExchange) -> bool:
    """The request that the payment enterprise accepted; those before it were lost or refused."""
    return exchange.operation == "create_intent" and exchange.status is not None and exchange.status < 300


def _goods(order: Order) -> list[dict[str, str]]:
    lines = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    base = config.current().public_url
    return [
        {"gname": line.facts["title"]["zh"], "itemLink": f"{base}/listings/{line.listing_id}"}
        for line in db.session.scalars(lines)
    ]


def _beijing(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def _dump(row: PaymentExchange) -> dict[str, Any]:
    return {
        "at": clock.instant_text(row.at),
        "operation": row.operation,
        "status": row.status,
        "request": row.request,
        "response": row.response,
    }
