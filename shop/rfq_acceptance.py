"""Accepting an offer: an order at the offered price, once.

It goes the shop's own way of placing: the request is taken by its conditional UPDATE in the transaction that stores the
order and holds the stock, so that of any number of acceptances one becomes an order, and none after the offer's last
instant. An order that fails (no stock) leaves the offer as it was.
"""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import versions
from catalog.lots import OUT_OF_STOCK
from catalog.sale import SaleFacts
from core import audit, clock
from core.accounts import Actor
from core.database import db
from core.errors import Problem
from core.money import fen_text, plain
from shop import checkout, companies, rfq_offers, rfq_orders, rfqs
from shop.models import Purchase
from shop.offers import facts_of
from shop.payments import AMOUNT_MOST_FEN, PAYMENT_TOO_LARGE
from shop.rfq_offers import OFFER_STALE
from shop.trade_models import Rfq, RfqOffer

# What an offer is about; a change of these makes another thing of it. A list price or a picture is none of them.
_SAME_THING = (
    *("title", "category", "unit", "hs", "origin", "route", "brand", "specification", "declaration_elements"),
    *("statutory", "net_weight_kg", "gross_weight_kg", "net_content", "gtin", "establishment_no"),
)
_SAME_WRITTEN = ("attributes", "description_zh", "description_en")  # in the listing's versions only


def accept(actor: Actor, attempt_id: uuid.UUID, offer_id: uuid.UUID, address_id: uuid.UUID | None = None) -> uuid.UUID:
    """Order what is offered, once; returns the purchase's id, the first one when this attempt is repeated.

    Raises Problem `not_found`, `company_required`, `offer_gone`, `offer_stale`, `rfq_state`, `address_required`,
    `listing_unavailable`, `out_of_stock`, `payment_too_large`.
    """
    offer, row = rfq_offers.find(db.session(), actor, offer_id, "company")
    known = _accepted_before(row.id, attempt_id)
    if known is not None:
        return known
    _check_company(db.session(), row)
    if offer.status != "open":
        raise rfq_offers.gone(offer)
    if offer.total_fen > AMOUNT_MOST_FEN:
        most = fen_text(AMOUNT_MOST_FEN)
        raise Problem(PAYMENT_TOO_LARGE, f"one payment takes at most {most} CNY: ask for offers of smaller parts")
    agreed = rfq_orders.order_of(row, offer, _unchanged(row, offer))

    def claim(session: Session, purchase_id: uuid.UUID) -> None:
        _take(session, *rfq_offers.find(session, actor, offer_id, "company"), purchase_id)
        facts = {"offer": str(offer_id), "purchase": str(purchase_id)}
        audit.record(session, str(actor.id), "rfq_accepted", "rfq", row.id, **facts)

    try:
        return checkout.place_agreed(actor.id, attempt_id, agreed, address_id, claim)
    except Problem:
        # What an earlier run of this attempt has ordered stands, whatever would be refused now.
        known = _accepted_before(row.id, attempt_id)
        if known is None:
            raise
        return known


def _accepted_before(rfq_id: uuid.UUID, attempt_id: uuid.UUID) -> uuid.UUID | None:
    """The purchase that this attempt has made of the request."""
    statement = select(Purchase.id).join(Rfq, Rfq.purchase_id == Purchase.id)
    return db.session.scalar(statement.where(Rfq.id == rfq_id, Purchase.attempt_id == attempt_id))


def _take(session: Session, offer: RfqOffer, row: Rfq, purchase_id: uuid.UUID) -> None:
    """First the request, behind whose lock the offer is looked at again: it may have been superseded meanwhile."""
    rfqs.move(session, row, "accepted", "company", "accepted", purchase_id=purchase_id)
    rfq_offers.end(session, offer, "accepted", valid_at=clock.now())
    _check_company(session, row, lock=True)


def _check_company(session: Session, row: Rfq, *, lock: bool = False) -> None:
    """Who asked must still be verified, and still be the company that asked."""
    company = companies.verified(session, row.account_id, lock=lock)
    if company.uscc != row.company_uscc:
        raise Problem(companies.COMPANY_REQUIRED, "the request was made by another company")


def _unchanged(row: Rfq, offer: RfqOffer) -> SaleFacts:
    """The listing now, which must be what was offered, with enough of it there."""
    listing = rfq_offers.on_sale(row)
    now = facts_of(listing)
    changed = [name for name in _SAME_THING if now[name] != offer.facts[name]]
    if "version" in offer.facts:
        changed += versions.changed(listing.listing_id, offer.facts["version"], listing.version, _SAME_WRITTEN)
    if changed:
        raise Problem(OFFER_STALE, f"the listing has changed since: {', '.join(changed)}")
    if listing.available < offer.quantity:
        detail = f"{plain(offer.quantity)} offered, {plain(listing.available)} {listing.unit} in stock"
        raise Problem(OUT_OF_STOCK, detail)
    return listing
