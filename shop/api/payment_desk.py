"""What operators and customs see of payments: disputes, the reconciler's findings, an order's original payment data."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from core.paging import PageArguments
from core.schemas import Choice, Instant, Money, Pattern, Schema, WholeNumber
from core.web import API_PREFIX, Blueprint, actor, requires
from shop import dispute_views, payment_data, reconcile
from shop.api.answers import ready
from shop.payment_models import DISPUTE_STATES

blueprint = Blueprint("payment_desk", __name__, url_prefix=f"{API_PREFIX}/shop", description="Disputes, reconciler")
customs = Blueprint(
    "payment_data", __name__, url_prefix=f"{API_PREFIX}/customs/payment-data", description="Original payment data"
)


class DisputeArguments(PageArguments):
    state = Choice(*DISPUTE_STATES, load_default=None)


class OperatorDispute(Schema):
    id = fields.String()
    purchase = fields.String()
    orders = fields.List(fields.String())
    state = Choice(*DISPUTE_STATES)
    status = fields.String()
    reason = fields.String()
    amount = Money()
    withdrawn = Money()
    opened_at = Instant()
    evidence_due_at = Instant(allow_none=True)
    closed_at = Instant(allow_none=True)


class OperatorDisputes(Schema):
    items = fields.List(fields.Nested(OperatorDispute))
    next = fields.String(allow_none=True)


class RunArguments(Schema):
    limit = WholeNumber(1, 100, load_default=24)


class ReconcileRunSchema(Schema):
    at = Instant()
    whole = fields.Boolean()
    found = fields.Dict()


class ReconcileRuns(Schema):
    items = fields.List(fields.Nested(ReconcileRunSchema))


class PaymentDataArguments(Schema):
    """`session`: the session that customs named when it asked."""

    session = Pattern("[A-Za-z0-9-]{1,36}", "is not a session", load_default=None)


class PaymentData(Schema):
    """Field names are those of the interface of announcement 179, its spelling kept."""

    sessionID = fields.String(allow_none=True)
    payExchangeInfoHead = fields.Dict()
    payExchangeInfoLists = fields.List(fields.Dict())
    serviceTime = fields.String()
    missing = fields.List(fields.String())
    exchanges = fields.List(fields.Dict())


@blueprint.route("/disputes")
@requires("operator")
@blueprint.arguments(DisputeArguments, location="query")
@blueprint.response(200, OperatorDisputes)
def list_disputes(query: dict[str, Any]) -> Response:
    """Disputes, newest first; evidence is handed in at Stripe by a person."""
    return ready(dispute_views.page_of(query["state"], query["limit"], query["cursor"]))


@blueprint.route("/reconciler")
@requires("operator")
@blueprint.arguments(RunArguments, location="query")
@blueprint.response(200, ReconcileRuns)
def list_reconcile_runs(query: dict[str, Any]) -> Response:
    """The reconciler's last runs that found something."""
    return ready({"items": reconcile.runs(query["limit"])})


@customs.route("/<string:number>")
@requires("customs", "operator")
@customs.arguments(PaymentDataArguments, location="query")
@customs.response(200, PaymentData)
def read_payment_data(query: dict[str, Any], number: str) -> Response:
    """The raw request and answer of the payment of an order, as customs' real-time check wants them."""
    return ready(payment_data.of_order(actor(), number, query["session"]))
