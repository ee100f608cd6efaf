"""The company a person buys for, and the operator's page on which companies are verified."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core.errors import Problem
from core.web import actor, requires
from shop import companies
from shop.api.rfq_schemas import CompanyArguments, CompanyDecision, NewCompany
from shop.pages.forms import read_form, read_query, tell
from shop.pages.language import local_path
from shop.trade_models import COMPANY_STATUSES

pages = Blueprint("companies_pages", __name__)


@pages.get("/account/company")
@requires()
def show() -> str:
    """The company, the state of its verification, and the form that tells it."""
    return _show()


def _show(problem: Problem | None = None) -> str:
    company = companies.of_account(actor().id)
    values = request.form if problem else (company or {})
    return render_template("account/company.html", company=company, values=values, problem=problem)


@pages.post("/account/company")
@requires()
def tell_company() -> Any:
    """Keep the company; an operator looks at it."""
    try:
        companies.put(actor().id, **read_form(NewCompany()))
    except Problem as problem:
        return _show(problem), problem.status
    flash(_("Your company is kept."), "success")
    return redirect(local_path(request.form.get("next") or url_for("companies_pages.show")), 303)


@pages.get("/operations/companies")
@requires("operator")
def review() -> str:
    """Companies of a status, at first those that wait for a decision, oldest first."""
    query = read_query(CompanyArguments())
    result = companies.page_of(**query)
    decisions = [decision for decision, (source, _to) in companies.MOVES.items() if source == query["status"]]
    return render_template(
        "operator/companies.html",
        result=result,
        status=query["status"],
        statuses=COMPANY_STATUSES,
        decisions=decisions,
    )


@pages.post("/operations/companies/<uuid:company_id>")
@requires("operator")
def decide(company_id: uuid.UUID) -> Any:
    """Verify, reject, suspend or reinstate a company as it was read."""
    try:
        companies.decide(str(actor().id), company_id, **read_form(CompanyDecision()))
    except Problem as problem:
        tell(problem)
    else:
        flash(_("The decision is kept."), "success")
    status = read_query(CompanyArguments())["status"]
    return redirect(url_for("companies_pages.review", status=status), 303)
