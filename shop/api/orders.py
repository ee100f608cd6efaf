"""Quotes, orders, purchases, and Stripe's webhook."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from catalog import rights
from catalog.api.acting import task
from core.errors import Problem
from core.idempotency import KEY_MISSING, attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, maybe_actor, public, requires
from shop import buying, cancellation, fulfilment, incidents, orders, payments, quotes, review, shortages, webhooks
from shop.api import fulfilment_schemas, schemas
from shop.api.answers import optional_body, ready
from shop.stripe_events import RAW_MAX

blueprint = Blueprint("shop", __name__, url_prefix=f"{API_PREFIX}/shop", description="Quotes, orders, payment")
manage = Blueprint("manage_orders", __name__, url_prefix=f"{API_PREFIX}/catalog/manage", description="Orders")


def _items(body: dict[str, Any]) -> list[quotes.Item]:
    return [quotes.Item(item["listing_id"], item["quantity"]) for item in body["items"] or ()]


@blueprint.route("/quotes", methods=["POST"])
@public
@blueprint.arguments(schemas.QuoteRequest)
@blueprint.response(200, schemas.Quote)
def create_quote(body: dict[str, Any]) -> Response:
    """The landed price of these items, every tax explained, and all that keeps them from being bought."""
    asking = maybe_actor()
    return ready(quotes.quote(_items(body), asking.id if asking else None, body["address_id"], body["coupon"]))


@blueprint.route("/orders", methods=["POST"])
@requires("consumer")
@idempotent()
@blueprint.arguments(schemas.NewOrder)
@blueprint.response(201, schemas.Purchase)
def place_order(body: dict[str, Any]) -> Response:
    """Place a quote, or items at their price now; stock and allowance are held until paid or expired."""
    version = body["consent"]["version"] if body["consent"] else None
    wish = {"quote": body["quote"], "items": _items(body), "address_id": body["address_id"], "notice": version}
    wish |= {"method": body["payment_method"], "coupon": body["coupon"]}
    purchase_id, answer = buying.buy(actor().id, **wish)
    return ready(answer, 201, location=f"{API_PREFIX}/shop/purchases/{purchase_id}")


@blueprint.route("/orders")
@requires()
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Orders)
def list_orders(query: dict[str, Any]) -> Response:
    """Own orders, newest first."""
    return ready(orders.page_of(actor().id, **query))


@blueprint.route("/orders/<uuid:order_id>")
@requires()
@blueprint.response(200, schemas.OrderDetail)
def read_order(order_id: uuid.UUID) -> Response:
    """An own order with its timeline, declaration, taxes and refunds."""
    return ready(orders.one(actor(), order_id))


@blueprint.route("/orders/<uuid:order_id>/cancel", methods=["POST"])
@requires()
@idempotent(required=False)
@blueprint.response(200, schemas.OrderDetail)
def cancel_order(order_id: uuid.UUID) -> Response:
    """Cancel an order before release, with `{reason}` or no body; a second call finds it cancelled."""
    cancellation.cancel(actor(), order_id, optional_body(schemas.Cancellation())["reason"])
    return ready(orders.one(actor(), order_id))


@blueprint.route("/orders/<uuid:order_id>/ship", methods=["POST"])
@requires("merchant", "operator")
@task(rights.ORDERS)
@idempotent(required=False)
@blueprint.arguments(fulfilment_schemas.NewParcel)
@blueprint.response(200, schemas.OrderDetail)
def ship_order(body: dict[str, Any], order_id: uuid.UUID) -> Response:
    """A parcel left the warehouse: all that is left of the order, or, with an Idempotency-Key, the named lines of
    domestic stock."""
    if body["lines"] is not None and "Idempotency-Key" not in request.headers:
        raise Problem(KEY_MISSING, errors={"Idempotency-Key": ["is required with lines"]})
    fulfilment.ship(actor(), order_id, body["at"], body["lines"], attempt())
    return ready(orders.one(actor(), order_id))


@blueprint.route("/orders/<uuid:order_id>/shortages", methods=["POST"])
@requires("merchant", "operator")
@task(rights.ORDERS)
@idempotent()
@blueprint.arguments(fulfilment_schemas.NewShortage)
@blueprint.response(201, fulfilment_schemas.Shortage)
def declare_shortage(body: dict[str, Any], order_id: uuid.UUID) -> Response:
    """Say what of a paid order of domestic stock cannot be supplied: it is paid back and leaves the stock."""
    made = shortages.report(actor(), order_id, body["lines"], body["reason"], attempt())
    return ready(made, 201, location=f"{API_PREFIX}/shop/orders/{order_id}")


@blueprint.route("/orders/<uuid:order_id>/deliver", methods=["POST"])
@requires("merchant", "operator")
@task(rights.ORDERS)
@idempotent(required=False)
@blueprint.arguments(schemas.Happened)
@blueprint.response(200, schemas.OrderDetail)
def deliver_order(body: dict[str, Any], order_id: uuid.UUID) -> Response:
    """The parcel arrived."""
    fulfilment.deliver(actor(), order_id, body["at"])
    return ready(orders.one(actor(), order_id))


@blueprint.route("/orders/<uuid:order_id>/review", methods=["POST"])
@requires("operator")
@blueprint.arguments(schemas.PaymentReview)
@blueprint.response(200, schemas.OrderDetail)
def review_payment(body: dict[str, Any], order_id: uuid.UUID) -> Response:
    """Decide an order that waits in payment review."""
    review.decide(actor(), order_id, body["decision"], body["reason"])
    return ready(orders.one(actor(), order_id))


@blueprint.route("/purchases/<uuid:purchase_id>")
@requires()
@blueprint.response(200, schemas.Purchase)
def read_purchase(purchase_id: uuid.UUID) -> Response:
    """A purchase as its placing answered, with the states its orders have now."""
    return ready(orders.purchase_of(actor().id, purchase_id))


@blueprint.route("/purchases/<uuid:purchase_id>/payment", methods=["POST"])
@requires()
@idempotent()
@blueprint.response(201, schemas.PaymentHandle)
def begin_payment(purchase_id: uuid.UUID) -> Response:
    """What is needed to pay, when Stripe could not be reached at placing; `{payment_method}` or no body."""
    payments.begin_for(actor().id, purchase_id, optional_body(schemas.PaymentChoice())["payment_method"])
    return ready(orders.purchase_of(actor().id, purchase_id)["payment"], 201)


@blueprint.route("/stripe/webhook", methods=["POST"])
@public
@blueprint.response(200, schemas.Received)
def receive_stripe_event() -> Response:
    """A notice from Stripe: verified on its raw bytes, stored once, applied by a job."""
    request.max_content_length = RAW_MAX
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Problem(webhooks.BAD_WEBHOOK, f"a notice has at most {RAW_MAX} bytes") from None
    webhooks.receive(raw, request.headers.get("Stripe-Signature"))
    return ready({"received": True})


@blueprint.route("/incidents")
@requires("operator")
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Incidents)
def list_incidents(query: dict[str, Any]) -> Response:
    """What a person must look at, newest first."""
    return ready(incidents.page_of(**query))


@manage.route("/orders")
@requires("merchant")
@manage.arguments(PageArguments, location="query")
@manage.response(200, schemas.Orders)
def list_merchant_orders(query: dict[str, Any]) -> Response:
    """Paid orders to the own merchant, newest first."""
    return ready(orders.page_of_merchant(actor().id, **query))
