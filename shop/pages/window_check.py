"""The operator's page of what does not agree between orders and customs."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from core.web import actor, requires
from shop.api.window_check import FindingFilter, Remark
from shop.pages.forms import read_form, read_query, take
from shop.window_check import findings, run

pages = Blueprint("window_check_pages", __name__, url_prefix="/operations/window-check")


@pages.get("")
@requires("operator")
def show() -> str:
    """The last run and its findings, each with what to do about it."""
    query = read_query(FindingFilter())
    return render_template(
        "operator/window_check.html",
        last=findings.last_check(),
        counts=findings.open_by_kind(),
        result=findings.page_of(query["state"], query["kind"], query["limit"], query["cursor"]),
        state=query["state"],
        kind=query["kind"],
        states=findings.STATES,
    )


@pages.post("/run")
@requires("operator")
def check() -> Any:
    """Check now."""
    run.ask_for_check(str(actor().id))
    flash(_("The check is under way; open the page again in a moment."), "success")
    return redirect(url_for("window_check_pages.show"), 303)


@pages.post("/<uuid:finding_id>/accept")
@requires("operator")
def accept(finding_id: uuid.UUID) -> Any:
    """Say why a finding may stay."""

    def step() -> None:
        findings.accept(str(actor().id), finding_id, read_form(Remark())["remark"])

    return take(step, _("The finding is accepted."), url_for("window_check_pages.show"))
