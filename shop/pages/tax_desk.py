"""Taxes between the platform and customs: what is due when, payments, differences of bills, guarantees."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from core import clock
from core.errors import Problem
from core.paging import PageArguments
from core.schemas import Day, Money, Text
from core.web import actor, requires
from customs.api.guarantees import GuaranteeChange, NewGuarantee
from customs.api.tax_bills import DifferenceFilter, PaymentMade, as_csv
from customs.billing import due, payments, views
from customs.guarantee import by_hand, care
from customs.money_models import CAUSES
from shop.pages.forms import read_form, read_query, take, tell

pages = Blueprint("tax_pages", __name__, url_prefix="/operations")

PAYMENTS_SHOWN = 24


class _LateFee(Schema):
    amount = Money(load_default=None)
    last = Day(load_default=None)
    paid_on = Day(load_default=None)


class _Release(Schema):
    number = Text(24, required=True)
    reason = Text(by_hand.REASON_MOST, required=True)


class _Payment(PaymentMade):
    number = Text(50, required=True)


@pages.get("/taxes")
@requires("operator")
def taxes() -> str:
    """What is due when, consolidated payments, and what paying late would cost."""
    return render_template(
        "operator/taxes.html",
        due=due.overview(),
        payments=views.payments(False, PAYMENTS_SHOWN, None)["items"],
        paid=views.payments(True, PAYMENTS_SHOWN, None)["items"],
        today=clock.today().isoformat(),
        fee=_late_fee(),
    )


def _late_fee() -> dict[str, Any] | None:
    """The answer of the calculator, where its three boxes are filled."""
    try:
        asked = read_query(_LateFee())
        if None in asked.values():
            return None
        return due.late_fee(asked["amount"], asked["last"], asked["paid_on"])
    except Problem as problem:
        tell(problem)
        return None


@pages.post("/taxes/paid")
@requires("operator")
def pay() -> Any:
    """Say that a payment was made."""

    def step() -> None:
        form = read_form(_Payment())
        payments.pay(str(actor().id), form["number"], form["paid_on"], form["reference"])

    return take(step, _("The payment is noted."), url_for("tax_pages.taxes"))


@pages.get("/taxes/differences")
@requires("operator")
def differences() -> str:
    """Where bills differ from what was declared, with the cause."""
    query = read_query(DifferenceFilter())
    wanted = _wanted(query)
    return render_template(
        "operator/tax_differences.html",
        result=views.differences(wanted, query["limit"], query["cursor"]),
        by_cause=views.sums(wanted),
        cause=query["cause"],
        causes=CAUSES,
    )


@pages.get("/taxes.csv")
@requires("operator")
def due_csv() -> Response:
    """The calendar as a file."""
    return as_csv(due.calendar_csv(), "taxes-due.csv")


@pages.get("/taxes/differences.csv")
@requires("operator")
def differences_csv() -> Response:
    """All differences as a file."""
    return as_csv(views.differences_csv(_wanted(read_query(DifferenceFilter()))), "tax-differences.csv")


def _wanted(query: dict[str, Any]) -> views.Filter:
    return views.Filter(cause=query["cause"], kind=query["kind"], first=query["first"], last=query["last"])


@pages.get("/guarantees")
@requires("operator")
def guarantees() -> str:
    """All guarantees and how much of each is in use."""
    return render_template("operator/guarantees.html", rows=care.listing(), alert_percent=care.ALERT_PERCENT)


@pages.get("/guarantees/<uuid:guarantee_id>")
@requires("operator")
def guarantee(guarantee_id: uuid.UUID) -> str:
    """One guarantee with its log."""
    query = read_query(PageArguments())
    return render_template(
        "operator/guarantee.html",
        row=care.one(guarantee_id),
        result=care.entries(guarantee_id, query["limit"], query["cursor"]),
    )


@pages.post("/guarantees")
@requires("operator")
def open_guarantee() -> Any:
    """Enter a guarantee."""

    def step() -> None:
        care.open_one(str(actor().id), read_form(NewGuarantee()))

    return take(step, _("The guarantee is entered."), url_for("tax_pages.guarantees"))


@pages.post("/guarantees/release")
@requires("operator")
def release_guarantee() -> Any:
    """Give back what a list keeps that needs it no more."""

    def step() -> None:
        form = read_form(_Release())
        by_hand.release(str(actor().id), form["number"], form["reason"])

    return take(step, _("It is given back."), url_for("tax_pages.guarantees"))


@pages.post("/guarantees/<uuid:guarantee_id>/<any(refill, reduce):how>")
@requires("operator")
def change_guarantee(guarantee_id: uuid.UUID, how: str) -> Any:
    """More was lodged, or a part taken back."""

    def step() -> None:
        form = read_form(GuaranteeChange())
        change = care.refill if how == "refill" else care.reduce
        change(str(actor().id), guarantee_id, form["amount"], form["reference"])

    done = _("The guarantee is changed.")
    return take(step, done, url_for("tax_pages.guarantee", guarantee_id=guarantee_id))
