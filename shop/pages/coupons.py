"""The operator's page of platform coupons: what each may give, what is used of it, and the form that makes one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import categories
from core import clock
from core.database import new_id
from core.errors import Problem
from core.paging import PageArguments
from core.schemas import Choice, Day, Id, Money, Text, WholeNumber
from core.web import actor, requires
from shop import coupons
from shop.api.coupon_schemas import MOST_FEN, ROUTES
from shop.pages.forms import read_form, read_query
from shop.pages.promotions import beijing_midnight

pages = Blueprint("coupons_pages", __name__, url_prefix="/operations/coupons")


class _Coupon(Schema):
    """As the API's, with Beijing days: from the first's midnight to the end of the last."""

    attempt = Id(required=True)
    code = Text(60, load_default=None)
    amount = Money(least=1, most=MOST_FEN, load_default=None)
    percent = WholeNumber(1, 100, load_default=None)
    at_most = Money(least=1, most=MOST_FEN, load_default=None)
    minimum = Money(most=MOST_FEN, load_default=0)
    first_day = Day(required=True)
    last_day = Day(required=True)
    total_uses = WholeNumber(1, 2**31 - 1, required=True)
    budget = Money(least=1, most=MOST_FEN * 100, required=True)
    uses_per_person = WholeNumber(1, 1000, required=True)
    route = Choice(*ROUTES, load_default=None)
    category = Text(40, load_default=None)


@pages.get("")
@requires("operator")
def show() -> str:
    """All coupons with their use and budget, newest first."""
    return _show()


def _show(problem: Problem | None = None) -> str:
    today = clock.today()
    days = {"first_day": today.isoformat(), "last_day": (today + timedelta(days=30)).isoformat()}
    return render_template(
        "operator/coupons.html",
        result=coupons.page_of(**read_query(PageArguments())),
        values=request.form if problem else {**days, "uses_per_person": "1"},
        problem=problem,
        errors=problem.errors if problem else {},
        departments=categories.tree(),
        names={node["code"]: node["name"] for shelf in categories.tree() for node in (shelf, *shelf["children"])},
        attempt=new_id(),
    )


@pages.post("")
@requires("operator")
def create() -> Any:
    """Make a coupon; the attempt in the form makes a double click one."""
    try:
        form = read_form(_Coupon())
        made = coupons.create(actor().id, _terms(form), form["attempt"])
    except Problem as problem:
        return _show(problem), problem.status
    flash(_("The coupon %(code)s is made.", code=made["code"]), "success")
    return redirect(url_for("coupons_pages.show"), 303)


def _terms(form: dict[str, Any]) -> dict[str, Any]:
    names = ("code", "amount", "percent", "at_most", "minimum", "total_uses", "budget", "uses_per_person")
    return {
        **{name: form[name] for name in names},
        "valid_from": beijing_midnight(form["first_day"]),
        "valid_to": beijing_midnight(form["last_day"], 1),
        "routes": [form["route"]] if form["route"] else None,
        "categories": [form["category"]] if form["category"] else None,
    }


@pages.post("/<uuid:coupon_id>/stop")
@requires("operator")
def stop(coupon_id: uuid.UUID) -> Any:
    """End a coupon now."""
    coupons.stop(actor().id, coupon_id)
    flash(_("The coupon is stopped."), "success")
    return redirect(url_for("coupons_pages.show"), 303)
