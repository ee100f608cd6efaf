"""What a merchant's people may do: one table, asked on every call that acts for a merchant (`catalog.api.acting`)."""

from __future__ import annotations

from core.accounts import FORBIDDEN
from core.errors import Problem

READ = "read"  # see the merchant's listings, lots, orders and reports
GOODS = "goods"  # listings, imports, consignments, offers
STOCK = "stock"  # receive, count, move, weigh, block; report a broken cold chain
ORDERS = "orders"  # ship, deliver, take returns in
RECALL = "recall"  # recall a lot: its buyers are paid back
HOOKS = "hooks"  # where the merchant's own systems are called, and with which secret
MEMBERS = "members"  # people and their roles, contact, where the money goes

MAY: dict[str, frozenset[str]] = {
    "owner": frozenset({READ, GOODS, STOCK, ORDERS, RECALL, HOOKS, MEMBERS}),
    "manager": frozenset({READ, GOODS, STOCK, ORDERS, RECALL, HOOKS}),
    "stock_clerk": frozenset({READ, STOCK, ORDERS}),
    "viewer": frozenset({READ}),
}


def demand(role: str | None, task: str) -> None:
    """Raises Problem `forbidden` unless the role may do the task; no role is no membership."""
    if role is None:
        raise Problem(FORBIDDEN, "your account acts for no merchant")
    if task not in MAY[role]:
        raise Problem(FORBIDDEN, f"a {role.replace('_', ' ')} may not do this: it is part of {task}")
