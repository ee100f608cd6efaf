"""Becoming a merchant: the application, what became of it, and what its owner may change afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from catalog import merchants, rights
from catalog.api.acting import task
from catalog.api.schemas import MerchantChange, NewMerchant
from core.errors import Problem
from core.web import actor, requires
from customs import edition
from shop.pages import filters
from shop.pages.forms import load, take

pages = Blueprint("application_pages", __name__, url_prefix="/account/merchant")

_PLAIN = ("registered_name", "customs_code")
_NUMBERS = {"domestic": ("uscc",), "foreign": ("country", "foreign_registration_no")}
_GROUPS = {
    "contact": ("name", "phone", "email"),
    "domestic_agent": ("name", "uscc", "customs_code"),
    "payout": ("kind", "account", "bank", "holder"),
}


@pages.get("")
@requires()
def show() -> str:
    """The application and its state, or the form to hand one in."""
    return _show()


def _show(problem: Problem | None = None) -> str:
    found = merchants.membership(actor().id)
    merchant = merchants.own(actor().id) if found else None
    countries = sorted((filters.country(code), code) for code in edition.tariff().countries if code != "CN")
    return render_template(
        "account/merchant.html",
        merchant=merchant,
        owner=found is not None and "members" in rights.MAY[found["role"]],
        open=merchant is None or merchant["status"] == "rejected",
        countries=[(code, name) for name, code in countries],
        values=request.form,
        problem=problem,
        errors=_boxes(problem.errors if problem else {}),
    )


@pages.post("")
@requires()
def apply() -> Any:
    """Hand in the application; an operator reviews it."""
    try:
        merchants.apply(actor().id, load(NewMerchant(), _body(request.form)))
    except Problem as problem:
        return _show(problem), problem.status
    flash(_("Your application is handed in. An operator looks at it."), "success")
    return redirect(url_for("application_pages.show"), 303)


@pages.post("/contact")
@requires("merchant")
@task(rights.MEMBERS)
def change() -> Any:
    """Change whom to reach and where the merchant is paid."""

    def keep() -> None:
        groups = _groups(_given(request.form), "contact", "payout")
        merchants.change_own(actor().id, merchants.acting_for(actor().id), load(MerchantChange(), groups))

    return take(keep, _("It is kept."), url_for("application_pages.show"))


def _given(form: Mapping[str, str]) -> dict[str, str]:
    return {name: text.strip() for name, text in form.items() if text.strip()}


def _body(form: Mapping[str, str]) -> dict[str, Any]:
    """The API's body from the boxes: those of the kind of company that was chosen."""
    given = _given(form)
    foreign = given.get("kind") == "foreign"
    names = (*_PLAIN, *_NUMBERS["foreign" if foreign else "domestic"])
    groups = _groups(given, "contact", "payout", *(("domestic_agent",) if foreign else ()))
    return {name: given[name] for name in names if name in given} | groups


def _groups(given: Mapping[str, str], *names: str) -> dict[str, Any]:
    found = {
        group: {name: given[f"{group}.{name}"] for name in _GROUPS[group] if f"{group}.{name}" in given}
        for group in names
    }
    payout = found.get("payout")
    if payout is not None and payout.keys() <= {"kind"}:  # a choice without an account: not named yet
        del found["payout"]
    return {group: values for group, values in found.items() if values}


def _boxes(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Rules of a whole group stand at its first box."""
    return {f"{name}.{_GROUPS[name][0]}" if name in _GROUPS else name: rules for name, rules in errors.items()}
