"""The original payment data of an order, for customs' real-time check (GACC announcements 165 and 179 of 2018).

The raw request sent to the payment enterprise and its raw answer are kept for every order; here they are found again by
order number, for the desk's own eyes and for the upload that customs asks for (`customs.payment_data`).

The lengths and what is required are standing `assumed` where no official text was read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import audit, clock, config
from core.accounts import Actor
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from core.money import fen_text
from customs import filing_documents
from customs.payment_data import message, upload
from customs.payment_data.message import Original
from shop.models import Order, OrderLine, Payment, PaymentExchange


def of_order(actor: Actor, number: str, session_id: str | None) -> dict[str, Any]:
    """What the interface wants of a paid order, and every exchange with the payment enterprise; who asked is kept.

    `missing` names what an upload still lacks. Raises Problem `not_found` for an unknown or unpaid order: of what was
    not paid there is no payment data.
    """
    if "\0" in number:  # which no column can hold
        raise Problem(NOT_FOUND, "no such paid order")
    row = _paid(number)
    if row is None:
        raise Problem(NOT_FOUND, "no such paid order")
    order, payment = row
    found, order_id = _answer(order, payment, session_id), order.id
    db.session.rollback()
    with transaction() as session:
        audit.record(session, str(actor.id), "payment_data_given", "order", order_id, asked_in=session_id)
    return found


def original_of(number: str) -> Original | None:
    """What is kept of the payment of an order; None for an unknown or unpaid one."""
    row = _paid(number)
    return None if row is None else _original(row[0], row[1], _exchanges(row[0]))


def _paid(number: str) -> tuple[Order, Payment] | None:
    statement = select(Order, Payment).join(Payment, Payment.purchase_id == Order.purchase_id)
    found = db.session.execute(statement.where(Order.number == number, Order.paid_at.is_not(None))).first()
    return None if found is None else (found.Order, found.Payment)


def _original(order: Order, payment: Payment, exchanges: list[PaymentExchange]) -> Original:
    first = next((each for each in exchanges if _made(each)), None)
    return Original(
        order_number=order.number,
        request=first.request if first else None,
        response=first.response if first else None,
        transaction_id=order.payment_no or "",
        amount_fen=order.total_fen,
        paid_at=order.paid_at or clock.now(),
        goods=_goods(order),
        account=config.current().receiving_account,
        note=f"one of the orders paid by {payment.intent_id}",
    )


def _answer(order: Order, payment: Payment, session_id: str | None) -> dict[str, Any]:
    exchanges = _exchanges(order)
    original = upload.as_declared(_original(order, payment, exchanges))
    own = filing_documents.parties()
    head = message.head(original, own.platform, own.payment, str(payment.id).upper())
    return {
        "sessionID": session_id,
        "payExchangeInfoHead": head | {"totalAmount": fen_text(order.total_fen)},
        "payExchangeInfoLists": message.lists(original, own.platform),
        "serviceTime": str(upload.milliseconds()),
        "missing": [*([] if session_id else ["sessionID"]), *message.missing(original)],
        "exchanges": [_dump(each) for each in exchanges],
    }


def _exchanges(order: Order) -> list[PaymentExchange]:
    """Every request and answer of the purchase's payment, oldest first."""
    statement = select(PaymentExchange).where(PaymentExchange.purchase_id == order.purchase_id)
    return list(db.session.scalars(statement.order_by(PaymentExchange.id)))


def _made(exchange: PaymentExchange) -> bool:
    """The request that the payment enterprise accepted; those before it were lost or refused."""
    return exchange.operation == "create_intent" and exchange.status is not None and exchange.status < 300


def _goods(order: Order) -> tuple[tuple[str, str], ...]:
    lines = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    base = config.current().public_url
    return tuple(
        (line.facts["title"]["zh"], f"{base}/listings/{line.listing_id}") for line in db.session.scalars(lines)
    )


def _dump(row: PaymentExchange) -> dict[str, Any]:
    return {
        "at": clock.instant_text(row.at),
        "operation": row.operation,
        "status": row.status,
        "request": row.request,
        "response": row.response,
    }
