"""The merchant's webhook endpoints: made, changed, tried, and what became of each call."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from catalog import merchants, rights
from catalog.api.acting import task
from core.errors import Problem
from core.schemas import Choice
from core.web import actor, requires
from shop.api.notice_schemas import DeliveryArguments, NewWebhook
from shop.api.webhooks import calls_out
from shop.notifications import delivery_log, endpoints
from shop.pages.forms import load, read_form, read_query, take

pages = Blueprint("webhooks_pages", __name__, url_prefix="/trade/webhooks")


class _Step(Schema):
    step = Choice("enable", "disable", "secret", "remove", required=True)


def _own() -> uuid.UUID:
    return merchants.acting_for(actor().id)


@pages.get("")
@requires("merchant")
@task(rights.HOOKS)
def listing() -> str:
    """The merchant's endpoints and the form of a new one."""
    return _listing()


def _listing(**more: Any) -> str:
    found = {"items": endpoints.own_list(_own()), "choosable": endpoints.choosable(), "values": {}, "problem": None}
    return render_template("trade/webhooks.html", **{**found, "shown": None, **more})


def _form() -> dict[str, Any]:
    values = {"url": request.form.get("url", "").strip(), "kinds": request.form.getlist("kinds")}
    return load(NewWebhook(), values)


@pages.post("")
@requires("merchant")
@task(rights.HOOKS)
def create() -> Any:
    """Make an endpoint; its secret is on the page that answers and on no other."""
    try:
        form = _form()
        made = endpoints.create(actor().id, _own(), form["url"], form["kinds"])
    except Problem as problem:
        values = {"url": request.form.get("url", ""), "kinds": request.form.getlist("kinds")}
        return _listing(problem=problem, values=values), problem.status
    return _with_secret(made)


def _with_secret(made: dict[str, Any]) -> Any:
    answer = _listing(shown=made)
    return answer, 200, {"Cache-Control": "no-store"}


@pages.get("/<uuid:endpoint_id>")
@requires("merchant")
@task(rights.HOOKS)
def show(endpoint_id: uuid.UUID) -> str:
    """One endpoint: what it asks for, and its deliveries."""
    own = _own()
    endpoint = endpoints.one(own, endpoint_id)
    query = read_query(DeliveryArguments())
    status = query.pop("status", None)
    result = delivery_log.page_of(own, endpoint_id, status, **query)
    return render_template(
        "trade/webhook.html", endpoint=endpoint, result=result, status=status, choosable=endpoints.choosable()
    )


@pages.post("/<uuid:endpoint_id>")
@requires("merchant")
@task(rights.HOOKS)
def change(endpoint_id: uuid.UUID) -> Any:
    """Keep another URL or other kinds."""
    there = url_for("webhooks_pages.show", endpoint_id=endpoint_id)
    return _tell(there, lambda: endpoints.change(actor().id, _own(), endpoint_id, _form()), _("The changes are kept."))


@pages.post("/<uuid:endpoint_id>/step")
@requires("merchant")
@task(rights.HOOKS)
def step(endpoint_id: uuid.UUID) -> Any:
    """Disable, enable, remove, or change the secret."""
    asked, own, who = read_form(_Step())["step"], _own(), actor().id
    if asked == "secret":
        return _with_secret(endpoints.rotate(who, own, endpoint_id))
    if asked == "remove":
        there = url_for("webhooks_pages.listing")
        return _tell(there, lambda: endpoints.remove(who, own, endpoint_id), _("The endpoint is removed."))
    enabled = asked == "enable"
    done = _("The endpoint is called again.") if enabled else _("The endpoint is not called any more.")
    there = url_for("webhooks_pages.show", endpoint_id=endpoint_id)
    return _tell(there, lambda: endpoints.change(who, own, endpoint_id, {"enabled": enabled}), done)


@pages.post("/<uuid:endpoint_id>/test")
@requires("merchant")
@task(rights.HOOKS)
@calls_out
def try_out(endpoint_id: uuid.UUID) -> Any:
    """Send a test."""
    there = url_for("webhooks_pages.show", endpoint_id=endpoint_id)
    return _tell(there, lambda: endpoints.test(_own(), endpoint_id), _("A test is on its way."))


@pages.get("/deliveries/<uuid:delivery_id>")
@requires("merchant")
@task(rights.HOOKS)
def delivery(delivery_id: uuid.UUID) -> str:
    """One delivery with its body and every try."""
    return render_template("trade/delivery.html", delivery=delivery_log.one(_own(), delivery_id))


@pages.post("/deliveries/<uuid:delivery_id>/replay")
@requires("merchant")
@task(rights.HOOKS)
@calls_out
def replay(delivery_id: uuid.UUID) -> Any:
    """Deliver it once more."""
    there = url_for("webhooks_pages.delivery", delivery_id=delivery_id)
    return _tell(there, lambda: delivery_log.replay(actor().id, _own(), delivery_id), _("It is delivered once more."))


def _tell(there: str, act: Callable[[], Any], done: str) -> Any:
    return take(act, done, there)
