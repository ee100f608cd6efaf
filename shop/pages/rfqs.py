"""The buying company's side of requests for quotation: asking, reading offers, accepting one."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from catalog import search
from core import config
from core.accounts import Actor
from core.database import new_id
from core.errors import Problem
from core.paging import PageArguments
from core.schemas import Id, Schema
from core.web import actor, maybe_actor, requires
from shop import companies, rfq_acceptance, rfq_messages, rfq_views
from shop import rfqs as service
from shop.api.rfq_schemas import NewRfq, NewRfqMessage, RfqDecline
from shop.api.rfqs import asks_often, writes_often
from shop.pages.account import addresses_of
from shop.pages.forms import load, read_form, read_query, take
from shop.rfq_rules import QUESTIONS

pages = Blueprint("rfqs_pages", __name__)


class _Attempt(Schema):
    attempt = Id(required=True)


class _Acceptance(_Attempt):
    address_id = Id(load_default=None)


def request_form(card: dict[str, Any], department: str) -> dict[str, Any]:
    """What the form under a listing needs: who asks, and what the merchant wants to know."""
    person = maybe_actor()
    return {
        "company": companies.of_account(person.id) if person else None,
        "questions": QUESTIONS[department],
        "attempt": new_id(),
        "values": request.form,
        "listing": card,
    }


@pages.get("/rfqs")
@requires()
def listing() -> str:
    """Own requests, newest first."""
    result = rfq_views.page_of(actor().id, **read_query(PageArguments()))
    return render_template("rfqs/list.html", result=result, company=companies.of_account(actor().id))


@pages.post("/rfqs")
@requires()
@asks_often
def ask() -> Any:
    """Ask for a quotation; what is wrong is told beside the form, with what was typed."""
    try:
        rfq_id = service.request(actor().id, read_form(_Attempt())["attempt"], load(NewRfq(), _asked()))
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return _ask_again(problem), problem.status
    flash(_("The merchant has your request."), "success")
    return redirect(url_for("rfqs_pages.show", rfq_id=rfq_id), 303)


def _asked() -> dict[str, Any]:
    """The form as the API's body; a question left empty is not answered."""
    typed = {name: text.strip() for name, text in request.form.items() if text.strip()}
    names = ("listing_id", "quantity", "unit", "destination", "needed_by", "text")
    answers = [
        {"question": name.removeprefix("answer-"), "answer": text}
        for name, text in typed.items()
        if name.startswith("answer-")
    ]
    body: dict[str, Any] = {name: typed[name].replace("\r\n", "\n") for name in names if name in typed}
    return {**body, "specification": answers}


def _ask_again(problem: Problem) -> str:
    """The form anew. Raises Problem `not_found` when the listing is gone."""
    listing_id = load(_Listing(), {"listing_id": request.form.get("listing_id", "")})["listing_id"]
    card = json.loads(search.detail(listing_id)[0])
    department = service.department_of(card["category"])
    return render_template("rfqs/new.html", card=card, problem=problem, rfq_form=request_form(card, department))


class _Listing(Schema):
    listing_id = Id(required=True)


@pages.get("/rfqs/<uuid:rfq_id>")
@requires()
def show(rfq_id: uuid.UUID) -> Any:
    """One request; its merchant's people have a page of their own."""
    return _show(actor(), rfq_id)


def _show(person: Actor, rfq_id: uuid.UUID, problem: Problem | None = None) -> Any:
    found = rfq_views.one(person, rfq_id)
    if found["side"] == "merchant":
        return redirect(url_for("trade_rfqs_pages.show", rfq_id=rfq_id), 303)
    rfq_messages.seen(person, rfq_id)
    return render_template(
        "rfqs/show.html",
        rfq=found,
        addresses=addresses_of(person.id),
        attempt=new_id(),
        problem=problem,
        hold_minutes=max(1, config.current().hold_seconds // 60),
    )


@pages.post("/offers/<uuid:offer_id>/accept")
@requires()
def accept(offer_id: uuid.UUID) -> Any:
    """Order what is offered, once; then it is paid as any order."""
    form = read_form(_Acceptance())
    rfq_id = uuid.UUID(rfq_views.one_offer(actor(), offer_id)["rfq"])
    try:
        purchase_id = rfq_acceptance.accept(actor(), form["attempt"], offer_id, form["address_id"])
    except Problem as problem:
        if problem.status == 404:
            raise
        page = _show(actor(), rfq_id, problem)
        return page if not isinstance(page, str) else (page, problem.status)
    return redirect(url_for("payment_pages.pay", purchase_id=purchase_id), 303)


@pages.post("/rfqs/<uuid:rfq_id>/withdraw")
@requires()
def withdraw(rfq_id: uuid.UUID) -> Any:
    """Ask no more."""
    return done(lambda: service.withdraw(actor(), rfq_id), _("The request is withdrawn."), rfq_id)


@pages.post("/rfqs/<uuid:rfq_id>/decline")
@requires()
def decline(rfq_id: uuid.UUID) -> Any:
    """Take no offer, or make none."""
    return done(
        lambda: service.decline(actor(), rfq_id, read_form(RfqDecline())["reason"]), _("The decision is kept."), rfq_id
    )


@pages.post("/rfqs/<uuid:rfq_id>/messages")
@requires()
@writes_often
def write(rfq_id: uuid.UUID) -> Any:
    """Write to the other side."""
    text = request.form.get("text", "").strip().replace("\r\n", "\n")
    return done(
        lambda: rfq_messages.write(actor(), rfq_id, new_id(), load(NewRfqMessage(), {"text": text})["text"]),
        _("The message is sent."),
        rfq_id,
    )


def done(step: Any, said: str, rfq_id: uuid.UUID) -> Any:
    """Take a step and go back to the request, whichever side's page it is."""
    return take(step, said, url_for("rfqs_pages.show", rfq_id=rfq_id))
