"""The merchant's side of requests for quotation: what was asked, and the form of an offer."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core.database import new_id
from core.errors import Problem
from core.schemas import Day, Schema
from core.web import actor, requires
from customs import edition
from customs.duty.terms import INCOTERMS
from shop import rfq_messages, rfq_offers, rfq_views
from shop import rfqs as service
from shop.api.rfq_schemas import MerchantRfqArguments, NewRfqOffer
from shop.pages.filters import both
from shop.pages.forms import load, read_query
from shop.pages.rfqs import done
from shop.rfq_rules import CHARGES

pages = Blueprint("trade_rfqs_pages", __name__, url_prefix="/trade")

_BOXES = ("unit_price", "currency", "exchange_rate", "quantity", "moisture_percent", "incoterm", "terms", "service")


@pages.get("/rfqs")
@requires("merchant")
def listing() -> str:
    """Requests to the own merchant, newest first."""
    query = read_query(MerchantRfqArguments())
    result = rfq_views.page_of_merchant(actor().id, query.pop("status", None), **query)
    return render_template("trade/rfqs.html", result=result)


@pages.get("/rfqs/<uuid:rfq_id>")
@requires("merchant")
def show(rfq_id: uuid.UUID) -> Any:
    """One request with the form of an offer."""
    return _show(rfq_id)


def _show(rfq_id: uuid.UUID, problem: Problem | None = None) -> Any:
    found = rfq_views.one(actor(), rfq_id)
    if found["side"] != "merchant":
        return redirect(url_for("rfqs_pages.show", rfq_id=rfq_id), 303)
    rfq_messages.seen(actor(), rfq_id)
    return render_template(
        "trade/rfq.html",
        rfq=found,
        problem=problem,
        values=request.form if problem else _last(found),
        incoterms=[(term, term) for term in INCOTERMS],
        services=_services() if found["listing"]["route"] == "services" else [],
        charges=CHARGES if found["department"] == "equipment" else CHARGES[:2],
    )


def _last(found: dict[str, Any]) -> dict[str, Any]:
    """The boxes as the standing offer fills them, so that a revision is a change of a figure."""
    offer = found["offer"] or {}
    values = {name: offer.get(name) for name in _BOXES} | {"delivery_weeks": offer.get("delivery_weeks")}
    values["service"] = (offer.get("law") or {}).get("service")
    return values | {f"charges.{name}": offer.get("amounts", {}).get(name) for name in CHARGES}


def _services() -> list[tuple[str, str]]:
    """The kinds of service that the law of today names."""
    rows = edition.tariff().tables["service_rates"]
    names = {row["service"]: {"zh": row["name_zh"], "en": row["name_en"]} for row in rows}
    return [(kind, both(name)) for kind, name in names.items()]


@pages.post("/rfqs/<uuid:rfq_id>/offers")
@requires("merchant")
def offer(rfq_id: uuid.UUID) -> Any:
    """Make an offer, in place of the open one."""
    try:
        rfq_offers.make(actor(), rfq_id, new_id(), load(NewRfqOffer(), _offered()))
    except Problem as problem:
        if problem.status == 404:
            raise
        page = _show(rfq_id, problem)
        return page if not isinstance(page, str) else (page, problem.status)
    flash(_("The company has your offer."), "success")
    return redirect(url_for("trade_rfqs_pages.show", rfq_id=rfq_id), 303)


def _offered() -> dict[str, Any]:
    """The form as the API's body: it holds to the end of the Beijing day, and an empty box is not given."""
    typed = {name: text.strip().replace("\r\n", "\n") for name, text in request.form.items() if text.strip()}
    body: dict[str, Any] = {name: typed[name] for name in _BOXES if name in typed}
    weeks = typed.get("delivery_weeks", "")
    body["delivery_weeks"] = int(weeks) if weeks.isascii() and weeks.isdigit() and len(weeks) < 5 else weeks
    body["valid_until"] = service.end_of(_valid_day(typed.get("valid_until", ""))).isoformat()
    body["charges"] = {name: typed[f"charges.{name}"] for name in CHARGES if f"charges.{name}" in typed}
    return body


def _valid_day(text: str) -> Any:
    return load(_Valid(), {"valid_until": text})["valid_until"]


class _Valid(Schema):
    valid_until = Day(required=True)


@pages.post("/offers/<uuid:offer_id>/withdraw")
@requires("merchant")
def withdraw(offer_id: uuid.UUID) -> Any:
    """Take the open offer back."""
    rfq_id = uuid.UUID(rfq_views.one_offer(actor(), offer_id)["rfq"])
    return done(lambda: rfq_offers.withdraw(actor(), offer_id), _("The offer is taken back."), rfq_id)
