"""A merchant's offers on a request: made, made anew in place of the open one, and taken back.

Every figure is computed and kept when the offer is made: both sides read the same numbers, and accepting it computes
nothing anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from catalog import merchants
from catalog.models import SERVICES
from catalog.receiving import divisible
from catalog.sale import SaleFacts, sale_facts
from core import audit, clock
from core.accounts import Actor
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import plain
from customs import edition
from customs.tariff.problems import CURRENCY_UNKNOWN
from shop import rfq_law, rfq_rules, rfqs
from shop.hindrances import LISTING_UNAVAILABLE
from shop.offers import facts_of
from shop.rfq_rules import CHARGES, CNY
from shop.trade_models import Rfq, RfqOffer

OFFER_GONE = declare("offer_gone", 409, "The offer no longer stands")
OFFER_STALE = declare("offer_stale", 409, "What the offer rested on has changed; ask the merchant to renew it")
TOO_MANY_OFFERS = declare("too_many_offers", 422, "A request for quotation takes at most 50 offers")

REVISIONS_MOST = 50
VALID_MOST = timedelta(days=366)
BEFORE_IMPORT = ("FAS", "FOB", "CFR", "CIF")  # Incoterms 2020 of the sea: delivered in the port of shipment


def make(actor: Actor, rfq_id: uuid.UUID, attempt_id: uuid.UUID, values: Mapping[str, Any]) -> uuid.UUID:
    """Offer, or offer anew in place of the open offer: {unit_price, currency, exchange_rate, quantity, incoterm,
    delivery_weeks, valid_until, terms, moisture_percent, charges, service}; returns the offer's id, which is the
    attempt's: repeated with the same attempt it makes no second one, whatever would be refused now.

    Raises Problem `not_found`, `merchant_not_approved`, `invalid_input`, `currency_unknown`, `listing_unavailable`,
    `service_unknown`, `rfq_state`, `too_many_offers`.
    """
    row, _side = rfqs.of_side(db.session(), actor, rfq_id, "merchant")
    if _made_before(db.session(), rfq_id, attempt_id):
        return attempt_id
    merchants.acting_for(actor.id, selling=True)
    listing = on_sale(row)
    offer = _offer(actor, row, listing, values) | {"id": attempt_id}
    with transaction() as session:
        rfqs.lock(session, rfq_id)
        if _made_before(session, rfq_id, attempt_id):
            return attempt_id
        row, side = rfqs.of_side(session, actor, rfq_id, "merchant")
        moved = rfqs.move(
            session, row, "offered", side, "offered", offers=Rfq.offers + 1, expires_at=offer["valid_until"]
        )
        if moved.offers > REVISIONS_MOST:
            raise Problem(TOO_MANY_OFFERS)
        rfqs.end_offer(session, [rfq_id], "superseded")
        session.execute(insert(RfqOffer).values(**offer, revision=moved.offers))
        facts = {"offer": str(attempt_id), "total_fen": offer["total_fen"]}
        audit.record(session, str(actor.id), "rfq_offered", "rfq", rfq_id, **facts)
        return attempt_id


def _made_before(session: Session, rfq_id: uuid.UUID, attempt_id: uuid.UUID) -> bool:
    """Whether an earlier run of an attempt has made its offer."""
    return session.scalar(select(RfqOffer.id).where(RfqOffer.id == attempt_id, RfqOffer.rfq_id == rfq_id)) is not None


def on_sale(row: Rfq) -> SaleFacts:
    """The listing of a request as it is now, if it can be sold. Raises Problem `listing_unavailable`, `offer_stale` for
    one that is sold by another measure or by its weight, or the law's.
    """
    listing = sale_facts([row.listing_id]).get(row.listing_id)
    if listing is None or not listing.on_sale:
        law = listing.hindrance if listing else None
        raise Problem(law["code"], law["detail"]) if law else Problem(LISTING_UNAVAILABLE)
    if listing.unit != row.unit:
        raise Problem(OFFER_STALE, f"it was asked for by the {row.unit} and is sold by the {listing.unit} now")
    if listing.priced_by == "kg":
        raise Problem(OFFER_STALE, "it is priced by the kg of each piece now, and not by an offer")
    return listing


def _offer(actor: Actor, row: Rfq, listing: SaleFacts, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an offer, every figure computed. Raises Problem `invalid_input`, `currency_unknown`."""
    now = clock.now()
    quantity = _quantity(row, values)
    moisture, dry = _dry(row, quantity, values["moisture_percent"])
    currency, rate = _currency(values)
    if currency == CNY and values["incoterm"] in BEFORE_IMPORT:
        raise invalid(
            "incoterm", f"{values['incoterm']} ends before the import: a price in CNY is one of goods in store"
        )
    charges = _charges(row, values["charges"], currency)
    if values["service"] is not None and listing.route != SERVICES:
        raise invalid("service", "is for services only")
    rfq_rules.check_amount(values["unit_price"], currency, "unit_price")
    priced = rfq_rules.price(values["unit_price"], quantity if dry is None else dry, currency, rate, charges)
    if not now < values["valid_until"] <= now + VALID_MOST:
        raise invalid("valid_until", "must lie ahead, by a year at most")
    return {
        "rfq_id": row.id,
        "status": "open",
        "offered_by": actor.id,
        "created_at": now,
        "valid_until": values["valid_until"],
        "quantity": quantity,
        "unit_price": values["unit_price"],
        "currency": currency,
        "exchange_rate": rate,
        "moisture_percent": moisture,
        "dry_quantity": dry,
        **{name: values[name] for name in ("incoterm", "delivery_weeks", "terms")},
        "amounts": {name: plain(amount) for name, amount in priced.amounts.items()},
        **{f"{name}_fen": fen for name, fen in priced.fen.items()},
        "total_fen": priced.total_fen,
        "facts": {**facts_of(listing), "version": listing.version},
        "law": rfq_law.facts(listing, quantity, priced, currency, rate, values["incoterm"], values["service"]),
    }


def _quantity(row: Rfq, values: Mapping[str, Any]) -> Decimal:
    quantity: Decimal = values["quantity"] or row.quantity
    if not divisible(row.unit) and quantity != quantity.to_integral_value():
        raise invalid("quantity", f"is sold by the {row.unit}: must be a whole number")
    return quantity


def _dry(row: Rfq, wet: Decimal, moisture: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """Moisture and dry weight where the price is per dry tonne: of resources sold by weight, and only of them."""
    if row.department != "resources" or row.unit not in ("t", "kg"):
        if moisture is not None:
            raise invalid("moisture_percent", "is for resources sold by weight only")
        return None, None
    if moisture is None:
        raise invalid("moisture_percent", "is required: resources are priced by their dry weight; 0 when they are dry")
    dry = rfq_rules.dry_weight(wet, moisture)
    if dry <= 0:
        raise invalid("moisture_percent", "leaves nothing dry to be priced")
    return moisture, dry


def _currency(values: Mapping[str, Any]) -> tuple[str, Decimal | None]:
    """The currency and the rate agreed for it, CNY for one unit: the order is in CNY, so the rate is offered too."""
    currency, rate = values["currency"], values["exchange_rate"]
    if currency not in edition.tariff().currencies:
        raise invalid("currency", f"{currency}: no such currency", CURRENCY_UNKNOWN)
    if currency == CNY and rate is not None:
        raise invalid("exchange_rate", "is for a foreign currency")
    if currency != CNY and rate is None:
        raise invalid("exchange_rate", f"is required: how many CNY one {currency} is in this offer")
    return currency, rate


def _charges(row: Rfq, charges: Mapping[str, Decimal], currency: str) -> dict[str, Decimal]:
    for name, amount in charges.items():
        if row.department != "equipment" and name in ("installation", "training"):
            raise invalid(f"charges.{name}", "is for equipment only")
        if row.facts["route"] == SERVICES:
            raise invalid(f"charges.{name}", "is for goods only")
        rfq_rules.check_amount(amount, currency, f"charges.{name}")
    return {name: charges[name] for name in CHARGES if name in charges}


def withdraw(actor: Actor, offer_id: uuid.UUID) -> None:
    """Take an open offer back; the request is open for another until its own time is over.

    Raises Problem `not_found`, `offer_gone`, `rfq_state`.
    """
    with transaction() as session:
        offer, row = find(session, actor, offer_id, "merchant")
        rfqs.move(session, row, "requested", "merchant", "offered otherwise", expires_at=rfqs.end_of(row.needed_by))
        end(session, offer, "withdrawn")
        audit.record(session, str(actor.id), "rfq_offer_withdrawn", "rfq", row.id, offer=str(offer_id))


def end(session: Session, offer: RfqOffer, status: str, valid_at: datetime | None = None) -> None:
    statement = update(RfqOffer).where(RfqOffer.id == offer.id, RfqOffer.status == "open")
    if valid_at is not None:
        statement = statement.where(RfqOffer.valid_until > valid_at)
    done = statement.values(status=status, decided_at=clock.now()).returning(RfqOffer.id)
    if session.execute(done).first() is None:
        session.refresh(offer)
        raise gone(offer)


def gone(offer: RfqOffer) -> Problem:
    status = "expired" if offer.status == "open" else offer.status
    return Problem(OFFER_GONE, f"the offer is {status}", offer_status=status)


def find(session: Session, actor: Actor, offer_id: uuid.UUID, side: str) -> tuple[RfqOffer, Rfq]:
    """An offer with its request, for one side. Raises Problem `not_found` for everybody else."""
    statement = select(RfqOffer).where(RfqOffer.id == offer_id).execution_options(populate_existing=True)
    offer = session.scalars(statement).first()
    if offer is None:
        raise Problem(NOT_FOUND, "no such offer")
    return offer, rfqs.of_side(session, actor, offer.rfq_id, side)[0]
