"""The company a person buys for, and its verification by an operator."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from core.web import API_PREFIX, Blueprint, actor, requires
from shop import companies
from shop.api import rfq_schemas as schemas
from shop.api.answers import ready

blueprint = Blueprint("companies", __name__, url_prefix=API_PREFIX, description="Companies that buy")


@blueprint.route("/me/company", methods=["PUT"])
@requires()
@blueprint.arguments(schemas.NewCompany)
@blueprint.response(200, schemas.Company)
def put_company(body: dict[str, Any]) -> Response:
    """Tell the company you buy for; an operator verifies it. Told otherwise than before, it is looked at anew."""
    return ready(companies.put(actor().id, **body))


@blueprint.route("/me/company")
@requires()
@blueprint.response(200, schemas.Company)
def read_company() -> Response:
    """The company you buy for, with the state of its verification."""
    return ready(companies.own(actor().id))


@blueprint.route("/shop/companies")
@requires("operator")
@blueprint.arguments(schemas.CompanyArguments, location="query")
@blueprint.response(200, schemas.Companies)
def list_companies(query: dict[str, Any]) -> Response:
    """Companies of a status, by default those that wait for a decision."""
    return ready(companies.page_of(**query))


@blueprint.route("/shop/companies/<uuid:company_id>", methods=["POST"])
@requires("operator")
@blueprint.arguments(schemas.CompanyDecision)
@blueprint.response(200, schemas.Company)
def decide_on_company(body: dict[str, Any], company_id: uuid.UUID) -> Response:
    """Verify, reject, suspend or reinstate a company, as it was read: `version` must still stand."""
    return ready(companies.decide(str(actor().id), company_id, **body))
