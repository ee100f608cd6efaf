"""What a person was told; and for operators, what became of every mail and call."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.web import API_PREFIX, Blueprint, actor, requires
from shop.api import notice_schemas as schemas
from shop.api.answers import nothing, ready
from shop.notifications import delivery_log, inbox

blueprint = Blueprint("notices", __name__, url_prefix=f"{API_PREFIX}/me/notices", description="What a person was told")

operations = Blueprint(
    "deliveries", __name__, url_prefix=f"{API_PREFIX}/operations/deliveries", description="Mails and calls"
)


@blueprint.route("")
@requires()
@blueprint.arguments(schemas.NoticeArguments, location="query")
@blueprint.response(200, schemas.PersonNotices)
def list_notices(query: dict[str, Any]) -> Response:
    """Own notices, newest first; `unread=1` for those not read."""
    return ready(inbox.own_page(actor().id, **query))


@blueprint.route("/read", methods=["POST"])
@requires()
@blueprint.response(204)
def read_all_notices() -> Response:
    """Mark all own notices as read."""
    inbox.read_all(actor().id)
    return nothing()


@blueprint.route("/<uuid:notice_id>/read", methods=["POST"])
@requires()
@blueprint.response(200, schemas.PersonNotice)
def read_notice(notice_id: uuid.UUID) -> Response:
    """Mark one own notice as read."""
    return ready(inbox.read(actor().id, notice_id))


@operations.route("")
@requires("operator")
@operations.arguments(schemas.DeliveryArguments, location="query")
@operations.response(200, schemas.AddressedDeliveries)
def list_all_deliveries(query: dict[str, Any]) -> Response:
    """All mails and calls of merchants' endpoints, newest first."""
    return ready(delivery_log.page_of_all(query.pop("status", None), **query))


@operations.route("/<uuid:delivery_id>/tries")
@requires("operator")
@operations.response(200, schemas.DeliveryTries)
def list_tries(delivery_id: uuid.UUID) -> Response:
    """Every try of a delivery, oldest first."""
    return ready({"items": delivery_log.tries_of(delivery_id), "next": None})


@operations.route("/<uuid:delivery_id>/mail", methods=["POST"])
@requires("operator")
@operations.response(202, schemas.WebhookDelivery)
def mail_again(delivery_id: uuid.UUID) -> Response:
    """Mail it once more, with three new days of tries."""
    return ready(delivery_log.mail_again(actor().id, delivery_id), 202)
