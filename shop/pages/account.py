"""Opening an account, and what a person keeps with us: identity, yearly allowance, addresses."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_security import login_user
from marshmallow import Schema

from core import accounts, clock
from core.errors import NOT_FOUND, Problem
from core.schemas import WholeNumber
from core.web import actor, limiter, public, requires
from customs import persons
from shop import addresses, allowance_disputes, profiles
from shop.api.schemas import NewAccount, NewAddress, NewAllowanceDispute, NewIdentity
from shop.pages.forms import read_form, read_query
from shop.pages.language import local_path

pages = Blueprint("account_pages", __name__)


class _Year(Schema):
    year = WholeNumber(2014, 2999, load_default=None)


def guard_sign_in(app: Flask) -> None:
    """Wrong passwords on the sign-in page are counted as those on the API are; a right one costs nothing."""

    def tried() -> str:
        return f"{get_remote_address()} {request.form.get('email', '')[:254].lower()}"

    limit = limiter.limit("10 per minute", key_func=tried, methods=["POST"], deduct_when=_refused)
    app.view_functions["security.login"] = limit(app.view_functions["security.login"])  # type: ignore[assignment]


def _refused(answer: Response) -> bool:
    return answer.status_code < 300  # the form shown again; a sign-in that worked leads on


@pages.get("/register")
@public
def register() -> str:
    """The form for a new account."""
    return render_template("account/register.html", values={}, problem=None)


@pages.post("/register")
@public
@limiter.limit("20 per hour")
def open_account() -> Any:
    """Open the account, sign in, and take the guest's cart along."""
    try:
        accounts.register(**read_form(NewAccount()))
    except Problem as problem:
        page = render_template("account/register.html", values=request.form, problem=problem)
        return page, problem.status
    opened = accounts.datastore.find_user(email=accounts.normal_email(request.form["email"].strip()))
    if opened is not None:
        login_user(opened)
    return redirect(local_path(request.args.get("next")), 303)


@pages.get("/account")
@requires()
def overview() -> str:
    """Everything about the person on one page."""
    return _overview()


def _overview(part: str = "", problem: Problem | None = None) -> str:
    person = actor()
    year = clock.today().year if problem else read_query(_Year())["year"] or clock.today().year
    return render_template(
        "account/overview.html",
        identity=known_identity(person.id),
        allowance=profiles.allowance_of(person.id, year),
        addresses=addresses_of(person.id),
        this_year=clock.today().year,
        part=part,
        problem=problem,
        values=request.form,
    )


def known_identity(account_id: uuid.UUID) -> dict[str, Any] | None:
    """The person's identity, masked, or None before it is told."""
    try:
        return profiles.identity(account_id)
    except Problem as problem:
        if problem.code != NOT_FOUND:
            raise
        return None


def addresses_of(account_id: uuid.UUID) -> list[dict[str, Any]]:
    """All of a person's addresses, oldest first; there are at most 50."""
    return list(addresses.page_of(account_id, addresses.ADDRESSES_MOST, None)["items"])


@pages.post("/account/identity")
@requires()
def tell_identity() -> Any:
    """Keep who the person is."""
    try:
        persons.set_identity(actor().id, **read_form(NewIdentity()))
    except Problem as problem:
        return _overview("identity", problem), problem.status
    flash(_("Your identity is kept."), "success")
    return redirect(local_path(request.form.get("next") or url_for("account_pages.overview")), 303)


@pages.post("/account/allowance/disputes")
@requires()
def dispute_allowance() -> Any:
    """Report an entry of the allowance that was not the person."""
    try:
        form = read_form(NewAllowanceDispute())
        allowance_disputes.dispute(actor(), form["entry"], form["reason"])
    except Problem as problem:
        return _overview("allowance", problem), problem.status
    flash(_("Thank you. A person looks into it, and you are told when that is done."), "success")
    return redirect(url_for("account_pages.overview", _anchor="allowance"), 303)


@pages.post("/account/addresses")
@requires()
def add_address() -> Any:
    """Keep a new address."""
    try:
        addresses.add(actor().id, read_form(NewAddress()))
    except Problem as problem:
        return _overview("address", problem), problem.status
    flash(_("The address is kept."), "success")
    return redirect(local_path(request.form.get("next") or url_for("account_pages.overview")), 303)


@pages.post("/account/addresses/<uuid:address_id>/delete")
@requires()
def delete_address(address_id: uuid.UUID) -> Any:
    """Forget an address; orders keep their copy."""
    addresses.remove(actor().id, address_id)
    return redirect(url_for("account_pages.overview"), 303)
