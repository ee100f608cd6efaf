"""An order in one go: placed, its payment begun at Stripe, and answered from what was stored, without reading it back.

What Stripe has answered is committed together with the answer kept for the request's key: a process that dies before is
repeated under the same key, and Stripe gives the same intent again.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from core import clock
from core.idempotency import also, attempt
from core.prepared import as_read
from shop import checkout, orders, payments
from shop.models import Payment, Purchase, table
from shop.order_rows import Rows


def buy(account_id: uuid.UUID, **wish: Any) -> tuple[uuid.UUID, dict[str, Any]]:
    """The purchase that this request places, and its answer; `wish` and what is raised as in `checkout.placed`."""
    found = checkout.placed(account_id, attempt(), **wish)
    if isinstance(found, Rows) and found.expires_at > clock.now():
        return found.purchase_id, _answer(found)
    purchase_id = found.purchase_id if isinstance(found, Rows) else found
    checkout.pay_for(purchase_id)
    return purchase_id, orders.purchase_of(account_id, purchase_id)


def _answer(rows: Rows) -> dict[str, Any]:
    payment = as_read(table(Payment), rows.payment)
    with checkout.unpaid_stands():
        made = payments.create(payment, also)
        payment.intent_id, payment.client_secret = made.id, made.client_secret
    stored, each = rows.read()
    lines: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for line in each:
        lines[line.order_id].append(line)
    return orders.answer(as_read(table(Purchase), rows.purchase), payment, stored, lines)
