"""What is looked at between payment and filing: whether the payer is the buyer, and the velocity rules.

An order of which something is found waits in `payment_review`; a person accepts it or refunds it (`shop.review`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from core import clock
from core.prepared import Prepared
from customs import persons
from shop import velocity, velocity_rules
from shop.models import Order
from shop.stripe_objects import Charge
from shop.velocity_models import OrderTrace

RETAIL = "cross_border_retail"
PAYER_DIFFERS, PAYER_UNNAMED = "payer_differs", "payer_unnamed"

Finding = dict[str, Any]


def gate(session: Session, orders: Sequence[Order], charge: Charge | None) -> None:
    """Taken before anything else of the orders is locked, so that payments which are counted together never cross."""
    velocity.lock(session, _traces(orders, charge))


def traces(orders: Sequence[Order], charge: Charge | None) -> Prepared:
    """What paid retail orders leave for later ones to be counted with, as rows; written before their `findings`."""
    return velocity.rows(_traces(orders, charge))


def findings(session: Session, orders: Sequence[Order], charge: Charge | None) -> dict[uuid.UUID, list[Finding]]:
    """What a person must look at, by order; orders without findings are missing. Called once, behind the gate."""
    retail = [order for order in orders if order.route == RETAIL]
    if not retail:
        return {}
    broken = velocity.count(session, _traces(retail, charge))
    payer = charge.payer_name if charge else None
    found = {order.id: [*_of_payer(order, payer), *broken.get(order.id, [])] for order in retail}
    for order_id, each in found.items():
        if each:
            session.execute(update(OrderTrace).where(OrderTrace.order_id == order_id).values(findings=each))
    return {order_id: each for order_id, each in found.items() if each}


def told(found: Sequence[Finding]) -> str | None:
    """What the timeline says; thresholds are nobody's business but the operator's."""
    if not found:
        return None
    if any(each["rule"] == PAYER_DIFFERS for each in found):
        return "payer and buyer differ"
    return "looked at by a person before it is declared"


def _traces(orders: Sequence[Order], charge: Charge | None) -> list[velocity.Trace]:
    name, mark = (charge.payer_name, charge.payer_mark) if charge else (None, None)
    return [velocity.trace(order, name, mark) for order in orders if order.route == RETAIL]


def _of_payer(order: Order, payer: str | None) -> list[Finding]:
    """Payer = buyer by declaration. A name that is not told is the payment enterprise's to check, or a person's."""
    if payer is None:
        return [{"rule": PAYER_UNNAMED}] if velocity_rules.review_without_name(clock.today()) else []
    buyer = persons.identity_of(order.account_id)
    same = buyer is not None and persons.same_name(buyer.name, payer)
    return [] if same else [{"rule": PAYER_DIFFERS}]
