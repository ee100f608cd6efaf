"""Requests for quotation: a verified company asks, the merchant offers, the company orders once."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from flask_limiter.util import get_remote_address

from core.idempotency import attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, limiter, maybe_actor, requires
from shop import checkout, orders, rfq_acceptance, rfq_messages, rfq_offers, rfq_views, rfqs
from shop.api import rfq_schemas as schemas
from shop.api import schemas as shop_schemas
from shop.api.answers import nothing, optional_body, ready

blueprint = Blueprint("rfqs", __name__, url_prefix=f"{API_PREFIX}/shop", description="Requests for quotation")
manage = Blueprint("manage_rfqs", __name__, url_prefix=f"{API_PREFIX}/catalog/manage", description="Quotations")


def _who() -> str:
    person = maybe_actor()
    return str(person.id) if person else get_remote_address()


# One count each for the API and the pages: whoever floods through one door is stopped at both.
asks_often = limiter.shared_limit("30 per hour", scope="rfqs", key_func=_who)
writes_often = limiter.shared_limit("20 per minute", scope="rfq_messages", key_func=_who)


@blueprint.route("/rfqs", methods=["POST"])
@requires()
@asks_often
@idempotent(required=False)
@blueprint.arguments(schemas.NewRfq)
@blueprint.response(201, schemas.RfqDetail)
def create_rfq(body: dict[str, Any]) -> Response:
    """Ask the merchant of a listing for a quotation; for verified companies (else 403 `company_required`)."""
    rfq_id = rfqs.request(actor().id, attempt(), body)
    return ready(rfq_views.one(actor(), rfq_id), 201, location=f"{API_PREFIX}/shop/rfqs/{rfq_id}")


@blueprint.route("/rfqs")
@requires()
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Rfqs)
def list_rfqs(query: dict[str, Any]) -> Response:
    """Own requests, newest first."""
    return ready(rfq_views.page_of(actor().id, **query))


@manage.route("/rfqs")
@requires("merchant")
@manage.arguments(schemas.MerchantRfqArguments, location="query")
@manage.response(200, schemas.Rfqs)
def list_merchant_rfqs(query: dict[str, Any]) -> Response:
    """Requests to the own merchant, newest first."""
    return ready(rfq_views.page_of_merchant(actor().id, query.pop("status", None), **query))


@blueprint.route("/rfqs/<uuid:rfq_id>")
@requires()
@blueprint.response(200, schemas.RfqDetail)
def read_rfq(rfq_id: uuid.UUID) -> Response:
    """A request with its offers and messages, for its company, its merchant or an operator."""
    return ready(rfq_views.one(actor(), rfq_id))


@blueprint.route("/rfqs/<uuid:rfq_id>/offers", methods=["POST"])
@requires("merchant")
@idempotent(required=False)
@blueprint.arguments(schemas.NewRfqOffer)
@blueprint.response(201, schemas.RfqOffer)
def make_offer(body: dict[str, Any], rfq_id: uuid.UUID) -> Response:
    """Offer, or offer anew: the open offer is superseded."""
    offer_id = rfq_offers.make(actor(), rfq_id, attempt(), body)
    return ready(rfq_views.one_offer(actor(), offer_id), 201, location=f"{API_PREFIX}/shop/offers/{offer_id}")


@blueprint.route("/rfqs/<uuid:rfq_id>/withdraw", methods=["POST"])
@requires()
@blueprint.response(200, schemas.RfqDetail)
def withdraw_rfq(rfq_id: uuid.UUID) -> Response:
    """The company asks no more."""
    rfqs.withdraw(actor(), rfq_id)
    return ready(rfq_views.one(actor(), rfq_id))


@blueprint.route("/rfqs/<uuid:rfq_id>/decline", methods=["POST"])
@requires()
@blueprint.arguments(schemas.RfqDecline)
@blueprint.response(200, schemas.RfqDetail)
def decline_rfq(body: dict[str, Any], rfq_id: uuid.UUID) -> Response:
    """The merchant makes no offer, or the company takes none."""
    rfqs.decline(actor(), rfq_id, body["reason"])
    return ready(rfq_views.one(actor(), rfq_id))


@blueprint.route("/rfqs/<uuid:rfq_id>/messages", methods=["POST"])
@requires()
@writes_often
@idempotent(required=False)
@blueprint.arguments(schemas.NewRfqMessage)
@blueprint.response(201, schemas.RfqDetail)
def write_rfq_message(body: dict[str, Any], rfq_id: uuid.UUID) -> Response:
    """Write to the other side; at most 200 messages a request."""
    rfq_messages.write(actor(), rfq_id, attempt(), body["text"])
    return ready(rfq_views.one(actor(), rfq_id), 201)


@blueprint.route("/rfqs/<uuid:rfq_id>/seen", methods=["POST"])
@requires()
@blueprint.response(204)
def see_rfq(rfq_id: uuid.UUID) -> Response:
    """The own side has looked: `news` is over until the other side does something."""
    rfq_messages.seen(actor(), rfq_id)
    return nothing()


@blueprint.route("/offers/<uuid:offer_id>")
@requires()
@blueprint.response(200, schemas.RfqOffer)
def read_offer(offer_id: uuid.UUID) -> Response:
    """One offer, for its company, its merchant or an operator."""
    return ready(rfq_views.one_offer(actor(), offer_id))


@blueprint.route("/offers/<uuid:offer_id>/withdraw", methods=["POST"])
@requires("merchant")
@blueprint.response(200, schemas.RfqOffer)
def withdraw_offer(offer_id: uuid.UUID) -> Response:
    """Take an open offer back; the request is open for another."""
    rfq_offers.withdraw(actor(), offer_id)
    return ready(rfq_views.one_offer(actor(), offer_id))


@blueprint.route("/offers/<uuid:offer_id>/accept", methods=["POST"])
@requires()
@idempotent()
@blueprint.response(201, shop_schemas.Purchase)
def accept_offer(offer_id: uuid.UUID) -> Response:
    """Order what is offered, once, with `{address_id}` or no body; stock is held and paid as in any order."""
    buyer = actor()
    purchase_id = rfq_acceptance.accept(
        buyer, attempt(), offer_id, optional_body(schemas.RfqAcceptance())["address_id"]
    )
    checkout.pay_for(purchase_id)
    location = f"{API_PREFIX}/shop/purchases/{purchase_id}"
    return ready(orders.purchase_of(buyer.id, purchase_id), 201, location=location)
