"""A person decides an order of which screening has found something: payer, or velocity (docs/persons.md)."""

from __future__ import annotations

import uuid

from core import audit, jobs
from core.accounts import Actor
from core.database import transaction
from shop import cancellation, moves, notify


def decide(actor: Actor, order_id: uuid.UUID, decision: str, reason: str) -> None:
    """`accept` lets the order be filed, `refuse` refunds it. Raises Problem `not_found`, `order_state`."""
    with transaction() as session:
        order = moves.lock_order(session, order_id)
        if order.status != "payment_review":
            raise moves.refuse(order, "reviewed")
        audit.record(session, str(actor.id), f"payment_{decision}", "order", order_id, reason=reason)
        if decision == "refuse":
            cancellation.give_up(session, order, str(actor.id), reason)
            return
        moves.move(session, [order.id], "paid", str(actor.id), detail=reason)
        notify.review_passed(session, order)
        jobs.defer(session, "shop.file_order", order_id=str(order.id))
