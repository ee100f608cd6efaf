"""A merchant's webhook endpoints, and what became of each call."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from catalog import merchants, rights
from catalog.api.acting import task
from core.web import API_PREFIX, Blueprint, actor, limiter, requires
from shop.api import notice_schemas as schemas
from shop.api.answers import nothing, ready
from shop.notifications import delivery_log, endpoints

blueprint = Blueprint(
    "webhooks", __name__, url_prefix=f"{API_PREFIX}/catalog/manage/webhooks", description="Outgoing webhooks"
)
# Each makes us call somebody else's server: by hand that is seldom.
calls_out = limiter.shared_limit("60 per hour", scope="webhooks", key_func=lambda: str(actor().id))


def _own() -> uuid.UUID:
    return merchants.acting_for(actor().id)


@blueprint.route("")
@requires("merchant")
@task(rights.HOOKS)
@blueprint.response(200, schemas.WebhookEndpoints)
def list_webhooks() -> Response:
    """The merchant's endpoints (at most ten) and the kinds that can be chosen."""
    return ready({"items": endpoints.own_list(_own()), "next": None, "choosable": endpoints.choosable()})


@blueprint.route("", methods=["POST"])
@requires("merchant")
@task(rights.HOOKS)
@blueprint.arguments(schemas.NewWebhook)
@blueprint.response(201, schemas.WebhookWithSecret)
def create_webhook(body: dict[str, Any]) -> Response:
    """A new endpoint. Its secret is shown this once, so no Idempotency-Key is taken: no answer is kept."""
    made = endpoints.create(actor().id, _own(), body["url"], body["kinds"])
    return ready(made, 201, location=f"{blueprint.url_prefix}/{made['id']}")


@blueprint.route("/<uuid:endpoint_id>")
@requires("merchant")
@task(rights.HOOKS)
@blueprint.response(200, schemas.WebhookEndpoint)
def read_webhook(endpoint_id: uuid.UUID) -> Response:
    """One own endpoint."""
    return ready(endpoints.one(_own(), endpoint_id))


@blueprint.route("/<uuid:endpoint_id>", methods=["PATCH"])
@requires("merchant")
@task(rights.HOOKS)
@blueprint.arguments(schemas.WebhookChange)
@blueprint.response(200, schemas.WebhookEndpoint)
def change_webhook(body: dict[str, Any], endpoint_id: uuid.UUID) -> Response:
    """Another URL or other kinds; `enabled` false stops the calls, true begins them again."""
    return ready(endpoints.change(actor().id, _own(), endpoint_id, body))


@blueprint.route("/<uuid:endpoint_id>", methods=["DELETE"])
@requires("merchant")
@task(rights.HOOKS)
@blueprint.response(204)
def remove_webhook(endpoint_id: uuid.UUID) -> Response:
    """Forget an endpoint with its deliveries."""
    endpoints.remove(actor().id, _own(), endpoint_id)
    return nothing()


@blueprint.route("/<uuid:endpoint_id>/secret", methods=["POST"])
@requires("merchant")
@task(rights.HOOKS)
@blueprint.response(200, schemas.WebhookWithSecret)
def rotate_webhook_secret(endpoint_id: uuid.UUID) -> Response:
    """A new secret, shown this once; the former signs along for 24 hours."""
    return ready(endpoints.rotate(actor().id, _own(), endpoint_id))


@blueprint.route("/<uuid:endpoint_id>/test", methods=["POST"])
@requires("merchant")
@task(rights.HOOKS)
@calls_out
@blueprint.response(202, schemas.WebhookTest)
def test_webhook(endpoint_id: uuid.UUID) -> Response:
    """Send `webhook_test` to this endpoint."""
    return ready(endpoints.test(_own(), endpoint_id), 202)


@blueprint.route("/<uuid:endpoint_id>/deliveries")
@requires("merchant")
@task(rights.HOOKS)
@blueprint.arguments(schemas.DeliveryArguments, location="query")
@blueprint.response(200, schemas.WebhookDeliveries)
def list_deliveries(query: dict[str, Any], endpoint_id: uuid.UUID) -> Response:
    """Deliveries to an endpoint, newest first."""
    own = _own()
    endpoints.one(own, endpoint_id)
    return ready(delivery_log.page_of(own, endpoint_id, query.pop("status", None), **query))


@blueprint.route("/deliveries/<uuid:delivery_id>")
@requires("merchant")
@task(rights.HOOKS)
@blueprint.response(200, schemas.WebhookDeliveryDetail)
def read_delivery(delivery_id: uuid.UUID) -> Response:
    """A delivery with its body and every try."""
    return ready(delivery_log.one(_own(), delivery_id))


@blueprint.route("/deliveries/<uuid:delivery_id>/replay", methods=["POST"])
@requires("merchant")
@task(rights.HOOKS)
@calls_out
@blueprint.response(202, schemas.WebhookDelivery)
def replay_delivery(delivery_id: uuid.UUID) -> Response:
    """Deliver it once more, under the same event id."""
    return ready(delivery_log.replay(actor().id, _own(), delivery_id), 202)
