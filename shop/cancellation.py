"""Cancelling an order before release: free what is held, tell customs, promise the money back, each exactly once.

Unpaid orders are paid together, so they are cancelled together. A paid order that customs does not know yet is refunded
at once; one that is declared is refunded when customs has concluded the cancellation (623, status 399).
"""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.accounts import Actor
from core.database import transaction
from core.errors import NOT_FOUND, Problem
from customs import declarations
from shop import holds, moves, notify, parcels, refunds, shortages
from shop.models import Order

ENDED = ("cancelled", "refunding", "refunded")


def cancel(actor: Actor, order_id: uuid.UUID, reason: str | None = None) -> None:
    """Cancel an own order (an operator any). A cancelled one stays as it is.

    Raises Problem `not_found`, or `order_state` when the goods are released: they can be returned.
    """
    with transaction() as session:
        order = moves.lock_order(session, order_id)
        if order.account_id != actor.id and not actor.has("operator"):
            raise Problem(NOT_FOUND, "no such order")
        if order.status in ENDED:
            return
        audit.record(session, str(actor.id), "order_cancelled", "order", order_id, was=order.status)
        call_off(session, order, str(actor.id), reason or "cancelled by the buyer")


def call_off(session: Session, order: Order, actor: str, reason: str) -> None:
    """What cancelling means in the order's state; the caller holds the lock on its purchase. Raises `order_state`."""
    if order.status == "awaiting_payment":
        _cancel_unpaid(session, order, actor, reason)
    elif order.status in ("paid", "payment_review", "rejected"):
        if parcels.any_sent(session, order.id):
            refusal = moves.refuse(order, "cancelled: a part of it is on its way")
            refusal.extra["hint"] = "what has arrived can be sent back once the rest is sent or not supplied"
            raise refusal
        if order.status == "rejected":
            declarations.cancel(session, order.number, reason)
        give_up(session, order, actor, reason)
    elif order.status in ("declared", "held"):
        _ask_customs(session, order, actor, reason)
    else:
        refusal = moves.refuse(order, "cancelled")
        refusal.extra["hint"] = "goods that customs has released are returned, not cancelled"
        raise refusal


def _cancel_unpaid(session: Session, order: Order, actor: str, reason: str) -> None:
    purchase = moves.lock_purchase(session, order.purchase_id)
    if purchase.status == "awaiting_payment":
        holds.free_stock(session, holds.orders_of(session, purchase.id))
    purchase.status = "cancelled"
    orders = holds.orders_of(session, purchase.id)
    moves.move(session, [each.id for each in orders], "cancelled", actor, detail=reason)
    holds.free_promised(session, orders, "cancelled")
    for each in orders:  # an order that was never paid is no news to its merchant
        notify.buyer(session, each, "order_cancelled")
    jobs.defer(session, "shop.close_payment", purchase_id=str(purchase.id))


def _ask_customs(session: Session, order: Order, actor: str, reason: str) -> None:
    if order.cancel_requested_at is not None:
        return
    order.cancel_requested_at = clock.now()
    if declarations.cancel(session, order.number, reason) == "cancelled":
        give_up(session, order, actor, reason)
    else:
        moves.note(session, [order.id], "cancellation_requested", order.status, actor, detail=reason)


def give_up(session: Session, order: Order, actor: str, reason: str, kind: str = "cancelled") -> None:
    """Refund what was not refunded for want of supply, and give stock and allowance back.

    The caller holds the lock on the purchase.
    """
    if not moves.move(session, [order.id], "refunding", actor, detail=reason):
        return
    holds.free(session, [order], kind)
    notify.both(session, order, "order_cancelled")
    rest = shortages.rest_of(session, order)
    if any(rest.values()):
        refunds.promise(session, order, rest, reason)
