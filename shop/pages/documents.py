"""Pages about the platform itself: error codes, the API read from its own specification, fair competition."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template

from catalog import policy, ranking
from core.errors import declared_codes
from core.web import API_PREFIX, public
from shop.pages import specification

pages = Blueprint("documents_pages", __name__)


@pages.get("/docs/errors")
@public
def errors() -> str:
    """Every code a refusal may carry; the `type` of a problem points here."""
    return render_template("documents/errors.html", codes=declared_codes())


@pages.get(f"{API_PREFIX}/docs")
@public
def api() -> str:
    """The API to browse, rendered here: it loads nothing from outside."""
    groups = specification.operations_by_tag(_document())
    return render_template("documents/api.html", groups=groups)


def _document() -> dict[str, Any]:
    """The OpenAPI document as flask-smorest serves it."""
    api_of_app = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return dict(api_of_app.spec.to_dict())


@pages.get("/policies/fair-competition")
@public
def fair_competition() -> str:
    """The terms of all merchants, and how listings are ranked."""
    parts = {part["part"]: part["most"] for part in ranking.published()["parts"]}
    return render_template("documents/fair_competition.html", policy=policy.text(), points=parts)


@pages.get("/policies/ranking")
@public
def ranking_rules() -> str:
    """The whole formula by which listings are ordered."""
    return render_template("documents/ranking.html", ranking=ranking.published())
