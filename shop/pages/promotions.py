"""The merchant's dated price reductions: what runs, what is planned, and the form that plans one."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import merchants, promotions, rights
from catalog.api.acting import task
from catalog.api.promotion_schemas import UNITS_MOST
from core import clock
from core.database import new_id
from core.errors import Problem, invalid
from core.paging import PageArguments
from core.schemas import Day, Id, Money, Quantity, Text, WholeNumber
from core.web import actor, requires
from shop.pages.forms import read_form, read_query

pages = Blueprint("promotions_pages", __name__, url_prefix="/trade/promotions")


class _Promotion(Schema):
    """As the API's, with Beijing days: from the first's midnight to the end of the last."""

    attempt = Id(required=True)
    sku = Text(64, required=True)
    percent = WholeNumber(1, 99, load_default=None)
    price = Money(least=1, load_default=None)
    first_day = Day(required=True)
    last_day = Day(required=True)
    units = Quantity(most=UNITS_MOST, load_default=None)
    per_person = Quantity(most=UNITS_MOST, load_default=None)


@pages.get("")
@requires("merchant")
def show() -> str:
    """Own promotions, the latest to begin first."""
    return _show()


def _show(problem: Problem | None = None) -> str:
    today = clock.today()
    days = {"first_day": today.isoformat(), "last_day": (today + timedelta(days=7)).isoformat()}
    return render_template(
        "trade/promotions.html",
        result=promotions.own_page(merchants.acting_for(actor().id), **read_query(PageArguments())),
        values=request.form if problem else days,
        problem=problem,
        errors=problem.errors if problem else {},
        attempt=new_id(),
    )


@pages.post("")
@requires("merchant")
@task(rights.GOODS)
def create() -> Any:
    """Plan a promotion; the attempt in the form makes a double click one."""
    try:
        form = read_form(_Promotion())
        own = merchants.acting_for(actor().id, selling=True)
        promotions.create(actor().id, own, _terms(own, form), form["attempt"])
    except Problem as problem:
        return _show(problem), problem.status
    flash(_("The promotion is planned."), "success")
    return redirect(url_for("promotions_pages.show"), 303)


def _terms(merchant_id: uuid.UUID, form: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: form[name] for name in ("percent", "price", "units", "per_person")},
        "listing_id": promotions.by_sku(merchant_id, form["sku"]),
        "valid_from": beijing_midnight(form["first_day"]),
        "valid_to": beijing_midnight(form["last_day"], 1),
    }


def beijing_midnight(day: date, days: int = 0) -> datetime:
    """The instant at which a Beijing day, or the one `days` after it, begins. Raises Problem `invalid_input`."""
    try:
        return datetime.combine(day + timedelta(days=days), time.min, clock.BEIJING).astimezone(UTC)
    except OverflowError:
        raise invalid("last_day" if days else "first_day", "is out of range") from None


@pages.post("/<uuid:promotion_id>/stop")
@requires("merchant")
@task(rights.GOODS)
def stop(promotion_id: uuid.UUID) -> Any:
    """End a promotion now: the regular price comes back."""
    promotions.stop(actor().id, merchants.acting_for(actor().id), promotion_id)
    flash(_("The promotion has ended."), "success")
    return redirect(url_for("promotions_pages.show"), 303)
