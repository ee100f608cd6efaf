"""What became of a promised refund, as Stripe says it: paid, failed, or not known yet; and the order behind it."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import transaction
from core.money import fen_text
from shop import incidents, ledger, moves, notify
from shop.models import Order, Refund


def settle(refund_id: uuid.UUID, answer: Any) -> None:
    """Write what Stripe says of a refund: paid once, or failed; of a pending one keep the id for the next look."""
    if answer.status == "succeeded":
        paid(refund_id, answer.id)
    elif answer.status in ("failed", "canceled"):
        failed(refund_id, {"stripe": answer.status, "reason": answer.failure_reason})
    else:
        with transaction() as session:
            session.execute(update(Refund).where(Refund.id == refund_id).values(stripe_id=answer.id))


def paid(refund_id: uuid.UUID, stripe_id: str, was: str = "promised") -> None:
    """Book a refund that Stripe has paid, once."""
    with transaction() as session:
        refund = session.get_one(Refund, refund_id)
        purchase = moves.lock_purchase(session, refund.purchase_id)
        done = (
            update(Refund)
            .where(Refund.id == refund_id, Refund.status == was)
            .values(status="paid", stripe_id=stripe_id, paid_at=clock.now())
            .returning(Refund.id)
        )
        if session.execute(done).first() is None:
            return
        sides = [ledger.Entry(ledger.REFUND, refund.amount_fen), ledger.Entry(ledger.CASH, -refund.amount_fen)]
        ledger.post(session, "refund_paid", str(refund_id), purchase.id, purchase.currency, sides)
        if refund.order_id is not None:
            order = session.get_one(Order, refund.order_id)
            notify.both(session, order, "refund_paid", amount=fen_text(refund.amount_fen))
            finish_order(session, refund.order_id)


def finish_order(session: Session, order_id: uuid.UUID) -> None:
    """An order being refunded is refunded when nothing promised is left to pay and its whole total went back."""
    met = Refund.status.in_(("paid", "covered"))
    open_ones = select(func.count()).where(Refund.order_id == order_id, ~met)
    order = session.get_one(Order, order_id, populate_existing=True)
    if order.refunded_fen == order.total_fen and session.scalar(open_ones) == 0:
        moves.move(session, [order_id], "refunded", "shop")


def failed(refund_id: uuid.UUID, detail: dict[str, Any]) -> None:
    """The money stays owed in `refund_payable`; a person must find another way to pay it."""
    with transaction() as session:
        statement = update(Refund).where(Refund.id == refund_id, Refund.status == "promised").values(status="failed")
        if session.execute(statement.returning(Refund.id)).first() is None:
            return  # paid meanwhile, or told before
        incidents.record(session, "refund_failed", "refund", refund_id, **detail)
