"""The shop's calls over HTTP: parse, authorise, call one service, dump."""

from __future__ import annotations

from core.web import Blueprint
from shop import (  # noqa: F401 - they register jobs and listen to the customs desk
    dead_letter_alerts,
    delivery_record,
    expiry,
    filing,
    guarantee_alerts,
    payment_data_alerts,
    reconcile,
)
from shop.api import (
    accounts,
    cart,
    companies,
    coupons,
    notices,
    orders,
    payment_desk,
    payouts,
    recalls,
    returns,
    reviews,
    rfqs,
    webhooks,
    window_check,
)
from shop.notifications import sender  # noqa: F401 - registers the job that sends

blueprints: list[Blueprint] = [
    accounts.blueprint,
    cart.blueprint,
    orders.blueprint,
    orders.manage,
    returns.blueprint,
    recalls.blueprint,
    companies.blueprint,
    coupons.blueprint,
    rfqs.blueprint,
    rfqs.manage,
    notices.blueprint,
    notices.operations,
    webhooks.blueprint,
    payouts.blueprint,
    payment_desk.blueprint,
    payment_desk.customs,
    reviews.blueprint,
    window_check.blueprint,
]
