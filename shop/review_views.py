"""What an operator sees of orders in payment review: why each is there, and the other orders it was counted with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, or_, select

from core import clock
from core.database import db
from core.money import fen_text
from shop import cursors
from shop.models import Order
from shop.velocity_models import OrderTrace

OTHERS_MOST = 20
LOOK_BACK = timedelta(days=30)


def page_of(limit: int, cursor: str | None) -> dict[str, Any]:
    """Orders that wait for a decision, oldest first, each with its findings and the orders beside it."""
    waiting = (
        select(Order, OrderTrace)
        .join(OrderTrace, OrderTrace.order_id == Order.id)
        .where(OrderTrace.findings.is_not(None), Order.status == "payment_review")
        .order_by(Order.id)
        .limit(limit + 1)
    )
    seen = cursors.after(cursor)
    if seen is not None:
        waiting = waiting.where(Order.id > seen)
    rows = {order.id: (order, trace) for order, trace in db.session.execute(waiting)}
    page, following = cursors.page([order for order, _ in rows.values()], limit)
    return {"items": [_dump(*rows[order.id]) for order in page], "next": following}


def _dump(order: Order, trace: OrderTrace) -> dict[str, Any]:
    return {
        "id": str(order.id),
        "number": order.number,
        "paid_at": clock.instant_text(order.paid_at),
        "merchant": order.merchant_name,
        "total": fen_text(order.total_fen),
        "account": str(order.account_id),
        "person": str(trace.person_id),
        "payer": order.payer_name,
        "recipient": order.address["recipient"],
        "address": order.address_text,
        "findings": trace.findings or [],
        "others": [_other(other, theirs, trace) for other, theirs in db.session.execute(_beside(trace))],
    }


def _beside(trace: OrderTrace) -> Select[Order, OrderTrace]:
    """Orders of the last weeks that share what the findings are about, newest first."""
    columns = {
        "address": OrderTrace.address_key == trace.address_key,
        "phone": OrderTrace.phone_key == trace.phone_key,
        "payer": OrderTrace.payer_key == trace.payer_key,
        "account": OrderTrace.account_id == trace.account_id,
        "person": OrderTrace.person_id == trace.person_id,
    }
    about = {found["by"] for found in trace.findings or [] if "by" in found} or {"person"}
    alike = or_(*(columns[by] for by in sorted(about)))
    window = (OrderTrace.at > trace.at - LOOK_BACK, OrderTrace.order_id != trace.order_id)
    joined = select(Order, OrderTrace).join(OrderTrace, OrderTrace.order_id == Order.id)
    return joined.where(alike, *window).order_by(OrderTrace.at.desc(), Order.id).limit(OTHERS_MOST)


def _other(order: Order, theirs: OrderTrace, trace: OrderTrace) -> dict[str, Any]:
    shared = {
        "address": theirs.address_key == trace.address_key,
        "phone": theirs.phone_key == trace.phone_key,
        "payer": theirs.payer_key is not None and theirs.payer_key == trace.payer_key,
        "account": theirs.account_id == trace.account_id,
        "person": theirs.person_id == trace.person_id,
    }
    return {
        "id": str(order.id),
        "number": order.number,
        "status": order.status,
        "paid_at": clock.instant_text(order.paid_at),
        "total": fen_text(order.total_fen),
        "account": str(order.account_id),
        "person": str(theirs.person_id),
        "shares": [by for by, same in shared.items() if same],
    }
