"""Goods sent back."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from catalog import rights
from catalog.api.acting import task
from core.idempotency import attempt, idempotent
from core.paging import PageArguments
from core.web import API_PREFIX, Blueprint, actor, requires
from shop import returns
from shop.api import schemas
from shop.api.answers import ready

blueprint = Blueprint("returns", __name__, url_prefix=f"{API_PREFIX}/shop", description="Goods sent back")


@blueprint.route("/orders/<uuid:order_id>/returns", methods=["POST"])
@requires()
@idempotent()
@blueprint.arguments(schemas.NewReturn)
@blueprint.response(201, schemas.Return)
def request_return(body: dict[str, Any], order_id: uuid.UUID) -> Response:
    """Ask to send lines of a released order back, within 30 days of release."""
    made = returns.request_return(actor(), order_id, body["lines"], body["reason"], attempt())
    return ready(made, 201, location=f"{API_PREFIX}/shop/returns/{made['id']}")


@blueprint.route("/returns")
@requires()
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, schemas.Returns)
def list_returns(query: dict[str, Any]) -> Response:
    """Own returns, and those of the own merchant's orders, newest first."""
    return ready(returns.page_of(actor(), **query))


@blueprint.route("/returns/<uuid:return_id>")
@requires()
@blueprint.response(200, schemas.Return)
def read_return(return_id: uuid.UUID) -> Response:
    """One return."""
    return ready(returns.one(actor(), return_id))


@blueprint.route("/returns/<uuid:return_id>/received", methods=["POST"])
@requires("merchant", "operator")
@task(rights.ORDERS)
@idempotent(required=False)
@blueprint.arguments(schemas.Happened)
@blueprint.response(200, schemas.Return)
def receive_return(body: dict[str, Any], return_id: uuid.UUID) -> Response:
    """The goods have arrived: within 45 days of release goods and tax go back, later the goods only."""
    return ready(returns.receive(actor(), return_id, body["at"]))
