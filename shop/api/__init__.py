"""The shop's calls over HTTP: parse, authorise, call one service, dump."""

from __future__ import annotations

from core.web import Blueprint
from shop import delivery_record, expiry, filing  # noqa: F401 - they register jobs and listen to the customs desk
from shop.api import accounts, cart, companies, orders, recalls, returns, rfqs

blueprints: list[Blueprint] = [
    accounts.blueprint,
    cart.blueprint,
    orders.blueprint,
    orders.manage,
    returns.blueprint,
    recalls.blueprint,
    companies.blueprint,
    rfqs.blueprint,
    rfqs.manage,
]
