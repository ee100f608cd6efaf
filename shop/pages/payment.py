"""Paying a purchase: the sandbox's own page, or Stripe's form in ours; and where the person lands afterwards."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, redirect, render_template, url_for
from flask_talisman import Talisman

from core import config
from core.errors import Problem
from core.web import actor, requires
from shop import orders, payments
from shop.pages.account import known_identity

pages = Blueprint("payment_pages", __name__)

_STRIPE = "api.stripe.com"
# Stripe's form may only come from Stripe itself, in frames of its own; this page alone may load it.
_STRIPE_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' https://js.stripe.com",
    "frame-src": "https://js.stripe.com https://hooks.stripe.com",
    "connect-src": "'self' https://api.stripe.com",
    "img-src": "'self' data: https://*.stripe.com",
    "style-src": "'self' 'unsafe-inline'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'self'",
}
_for_stripe_form = Talisman()(content_security_policy=_STRIPE_POLICY, content_security_policy_nonce_in=[])


@pages.get("/purchases/<uuid:purchase_id>")
@requires()
def purchase(purchase_id: uuid.UUID) -> Any:
    """Where a payment leads back to: the order, or the list when the purchase became several."""
    found = orders.purchase_of(actor().id, purchase_id)
    if len(found["orders"]) == 1:
        return redirect(url_for("orders_pages.show", order_id=found["orders"][0]["id"]), 303)
    return render_template("orders/purchase.html", purchase=found, waiting=_waiting(found))


@pages.get("/purchases/<uuid:purchase_id>/pay")
@requires()
def pay(purchase_id: uuid.UUID) -> Any:
    """Lead to where the purchase is paid. Raises Problem `payment_provider_unavailable`: the order stays, try again."""
    found = orders.purchase_of(actor().id, purchase_id)
    if not _waiting(found):
        return redirect(url_for("payment_pages.purchase", purchase_id=purchase_id), 303)
    if found["payment"] is None:
        payments.begin_for(actor().id, purchase_id)
        found = orders.purchase_of(actor().id, purchase_id)
    payment = found["payment"]
    if payment is None:
        raise Problem(payments.STRIPE_AWAY)
    base = config.current().stripe_api_base
    if urlsplit(base).hostname == _STRIPE:
        return redirect(url_for("payment_pages.stripe_form", purchase_id=purchase_id), 303)
    identity = known_identity(actor().id)
    query = {
        "client_secret": payment["client_secret"],
        "return_url": _return_url(purchase_id),
        "name": identity["name"] if identity else actor().name,
    }
    return redirect(f"{base}/sandbox/pay/{payment['intent']}?{urlencode(query)}", 303)


@pages.get("/purchases/<uuid:purchase_id>/stripe")
@requires()
@_for_stripe_form
def stripe_form(purchase_id: uuid.UUID) -> Any:
    """Stripe's payment form, for purchases that are paid at Stripe itself."""
    found = orders.purchase_of(actor().id, purchase_id)
    if urlsplit(config.current().stripe_api_base).hostname != _STRIPE or found["payment"] is None:
        return redirect(url_for("payment_pages.pay", purchase_id=purchase_id), 303)
    return render_template(
        "orders/stripe.html", purchase=found, payment=found["payment"], return_url=_return_url(purchase_id)
    )


def _return_url(purchase_id: uuid.UUID) -> str:
    return url_for("payment_pages.purchase", purchase_id=purchase_id, _external=True)


def _waiting(found: dict[str, Any]) -> bool:
    return bool(found["status"] == "awaiting_payment" and found["authorised_at"] is None)
