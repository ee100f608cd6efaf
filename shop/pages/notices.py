"""A person's inbox; and for operators, every mail and call."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from core.paging import PageArguments
from core.web import actor, requires
from shop.api.notice_schemas import DeliveryArguments
from shop.notifications import delivery_log, inbox
from shop.pages.forms import read_query

pages = Blueprint("notices_pages", __name__)


@pages.app_context_processor
def _count_unread() -> dict[str, Any]:
    return {"inbox_unread": lambda: inbox.unread(actor().id)}


@pages.get("/account/notices")
@requires()
def listing() -> str:
    """What the person was told, newest first."""
    result = inbox.own_page(actor().id, unread=False, **read_query(PageArguments()))
    return render_template("account/notices.html", result=result)


@pages.post("/account/notices/read")
@requires()
def read_all() -> Any:
    """All of them are read."""
    inbox.read_all(actor().id)
    return redirect(url_for("notices_pages.listing"), 303)


@pages.get("/operations/deliveries")
@requires("operator")
def deliveries() -> str:
    """Every mail and call, newest first."""
    query = read_query(DeliveryArguments())
    status = query.pop("status", None)
    result = delivery_log.page_of_all(status, **query)
    return render_template("operator/deliveries.html", result=result, status=status)


@pages.get("/operations/deliveries/<uuid:delivery_id>")
@requires("operator")
def tries(delivery_id: uuid.UUID) -> str:
    """Every try of one."""
    return render_template("operator/tries.html", tries=delivery_log.tries_of(delivery_id))


@pages.post("/operations/deliveries/<uuid:delivery_id>/mail")
@requires("operator")
def mail_again(delivery_id: uuid.UUID) -> Any:
    """Mail it once more."""
    delivery_log.mail_again(actor().id, delivery_id)
    flash(_("It is delivered once more."), "success")
    return redirect(url_for("notices_pages.deliveries"), 303)
