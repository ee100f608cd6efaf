"""Tax bills: where they differ from what was declared, what is paid together, what is due when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context
from marshmallow import fields

from core.idempotency import idempotent
from core.paging import PageArguments
from core.schemas import Choice, Day, Flag, Money, Schema, Text
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api.answers import ready
from customs.billing import due, payments, views
from customs.money_models import CAUSES, DIFFERENCE_KINDS

blueprint = Blueprint(
    "tax_bills", __name__, url_prefix=f"{API_PREFIX}/customs", description="Tax bills, payments to customs, terms"
)

FORMATS = ("json", "csv")


class DifferenceFilter(PageArguments):
    """Days of finding, Beijing, both included. With `format=csv` all of them, not a page."""

    cause = Choice(*CAUSES, load_default=None)
    kind = Choice(*DIFFERENCE_KINDS, load_default=None)
    first = Day(data_key="from", load_default=None)
    last = Day(data_key="to", load_default=None)
    format = Choice(*FORMATS, load_default="json")


class DifferenceSchema(Schema):
    """`line` 0 is the bill's own sum; `billed` less `ours` is the `difference`."""

    found_at = fields.String()
    order = fields.String(allow_none=True)
    office = fields.String()
    taxNo = fields.String()
    status = fields.String()
    line = fields.Integer()
    hs = fields.String(allow_none=True)
    kind = Choice(*DIFFERENCE_KINDS)
    ours = Money()
    billed = Money()
    difference = Money()
    cause = Choice(*CAUSES)


class DifferenceSum(Schema):
    cause = Choice(*CAUSES)
    count = fields.Integer()
    difference = Money()


class TaxDifferences(Schema):
    """`by_cause` counts all that the filter finds; its differences are tax only."""

    items = fields.List(fields.Nested(DifferenceSchema))
    by_cause = fields.List(fields.Nested(DifferenceSum))
    next = fields.String(allow_none=True)


class PaymentFilter(PageArguments):
    paid = Flag(load_default=None)


class TaxPaymentSchema(Schema):
    """`number`: customs' consolidated number (entDutyNo), or that of a consignment. Where `paid` is not `amount`, the
    bills were changed since: the difference is still to be paid, or to come back."""

    number = fields.String()
    kind = Choice("retail", "general_trade")
    bills = fields.Integer()
    amount = Money()
    since = fields.String()
    paid_on = fields.String(allow_none=True)
    paid = Money(allow_none=True)
    reference = fields.String(allow_none=True)


class TaxPayments(Schema):
    items = fields.List(fields.Nested(TaxPaymentSchema))
    next = fields.String(allow_none=True)


class PaymentMade(Schema):
    paid_on = Day(required=True)
    reference = Text(80, required=True)


class PaidSchema(Schema):
    number = fields.String()
    amount = Money()
    paid_on = fields.String()
    reference = fields.String()


class DueArguments(Schema):
    format = Choice(*FORMATS, load_default="json")


class DueSchema(Schema):
    """`counted` is the last day by count, `last` the one after rest days; `late_fee` is what paying today costs."""

    last = fields.String()
    counted = fields.String()
    first = fields.String()
    calendar_known = fields.Boolean()
    state = Choice(*due.STATES)
    office = fields.String()
    number = fields.String(allow_none=True)
    count = fields.Integer()
    amount = Money()
    phase = Choice("late", "open", "coming")
    days_late = fields.Integer()
    late_fee = Money()


class DueCalendar(Schema):
    as_of = fields.String()
    items = fields.List(fields.Nested(DueSchema))
    totals = fields.Dict()


class LateFeeArguments(Schema):
    """`last` is the last day that was in time."""

    amount = Money(required=True)
    last = Day(required=True)
    paid_on = Day(required=True)


class LateFeeSchema(Schema):
    """`waived`: less than the least that is asked."""

    amount = Money()
    last = fields.String()
    paid_on = fields.String()
    days = fields.Integer()
    exact = Money()
    fee = Money()
    waived = fields.Boolean()
    by_day = fields.List(fields.Dict())


@blueprint.route("/tax-differences")
@requires("customs", "operator")
@blueprint.arguments(DifferenceFilter, location="query")
@blueprint.response(200, TaxDifferences)
def list_differences(query: dict[str, Any]) -> Response:
    """Where bills differ from what was declared, by line and kind of tax, with the cause; newest first."""
    wanted = views.Filter(cause=query["cause"], kind=query["kind"], first=query["first"], last=query["last"])
    if query["format"] == "csv":
        return as_csv(views.differences_csv(wanted), "tax-differences.csv")
    return ready(views.differences(wanted, query["limit"], query["cursor"]) | {"by_cause": views.sums(wanted)})


@blueprint.route("/tax-payments")
@requires("customs", "operator")
@blueprint.arguments(PaymentFilter, location="query")
@blueprint.response(200, TaxPayments)
def list_payments(query: dict[str, Any]) -> Response:
    """What is paid to customs together, newest first."""
    return ready(views.payments(query["paid"], query["limit"], query["cursor"]))


@blueprint.route("/tax-payments/<string:number>/paid", methods=["POST"])
@requires("operator")
@idempotent(required=False)
@blueprint.arguments(PaymentMade)
@blueprint.response(200, PaidSchema)
def pay(body: dict[str, Any], number: str) -> Response:
    """Say that a consolidated payment, or a consignment's tax, was paid, or what its bills ask more or less since.

    `amount` is what was paid now; negative, what customs gave back.
    """
    return ready(payments.pay(str(actor().id), number, body["paid_on"], body["reference"]))


@blueprint.route("/taxes-due")
@requires("customs", "operator")
@blueprint.arguments(DueArguments, location="query")
@blueprint.response(200, DueCalendar)
def list_due(query: dict[str, Any]) -> Response:
    """What is due when, with totals and what has become late."""
    if query["format"] == "csv":
        return as_csv(due.calendar_csv(), "taxes-due.csv")
    return ready(due.overview())


@blueprint.route("/late-fee")
@requires("customs", "operator")
@blueprint.arguments(LateFeeArguments, location="query")
@blueprint.response(200, LateFeeSchema)
def read_late_fee(query: dict[str, Any]) -> Response:
    """What paying late costs, and how it grows by the day."""
    return ready(due.late_fee(query["amount"], query["last"], query["paid_on"]))


def as_csv(lines: Iterator[str], name: str) -> Response:
    """A file for a spreadsheet, sent as it is read."""
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
