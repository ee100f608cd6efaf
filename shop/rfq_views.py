"""Reading requests for quotation: what the company, the merchant and an operator see of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from catalog import merchants
from core import clock
from core.accounts import Actor
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text, plain, plain_or_none
from shop import cursors, rfqs
from shop.models import Purchase
from shop.payments import AMOUNT_MOST_FEN
from shop.rfq_rules import PARTS
from shop.trade_models import Rfq, RfqMessage, RfqOffer

SUMS = (*PARTS, "total")


def page_of(account_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of own requests, newest first."""
    return _page(Rfq.account_id == account_id, "company", limit, cursor)


def page_of_merchant(user_id: uuid.UUID, status: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the requests to the merchant a person acts for; `status` as it was last decided.

    Raises Problem `forbidden`.
    """
    own = Rfq.merchant_id == merchants.acting_for(user_id)
    return _page(own if status is None else own & (Rfq.status == status), "merchant", limit, cursor)


def _page(which: Any, side: str, limit: int, cursor: str | None) -> dict[str, Any]:
    statement = select(Rfq).where(which).order_by(Rfq.id.desc()).limit(limit + 1)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Rfq.id < seen)
    rows, following = cursors.page(db.session.scalars(statement).all(), limit)
    standing = _standing([row.id for row in rows])
    items = [{**dump(row, side), "offer": _offer_of(row, standing.get(row.id))} for row in rows]
    return {"items": items, "next": following}


def _standing(rfq_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, RfqOffer]:
    """The open or accepted offer of each request that has one; at most one, by a unique index."""
    statement = select(RfqOffer).where(RfqOffer.rfq_id.in_(rfq_ids), RfqOffer.status.in_(("open", "accepted")))
    return {row.rfq_id: row for row in db.session.scalars(statement)}


def _offer_of(row: Rfq, offer: RfqOffer | None) -> dict[str, Any] | None:
    return None if offer is None else dump_offer(row, offer)


def one(actor: Actor, rfq_id: uuid.UUID) -> dict[str, Any]:
    """A request with all its offers and messages, and the side it is read from. Raises Problem `not_found`."""
    session = db.session()
    row, side = rfqs.find(session, actor, rfq_id)
    offers = session.scalars(select(RfqOffer).where(RfqOffer.rfq_id == row.id).order_by(RfqOffer.revision.desc())).all()
    messages = session.scalars(select(RfqMessage).where(RfqMessage.rfq_id == row.id).order_by(RfqMessage.id))
    return {
        **dump(row, side),
        "side": side,
        "purchase_status": session.scalar(select(Purchase.status).where(Purchase.id == row.purchase_id)),
        "offer": _offer_of(row, next((each for each in offers if each.status in ("open", "accepted")), None)),
        "offers": [dump_offer(row, each) for each in offers],
        "messages": [{"at": clock.instant_text(each.at), "side": each.side, "text": each.text} for each in messages],
    }


def one_offer(actor: Actor, offer_id: uuid.UUID) -> dict[str, Any]:
    """An offer for its two sides or an operator. Raises Problem `not_found`."""
    session = db.session()
    offer = session.get(RfqOffer, offer_id)
    if offer is None:
        raise Problem(NOT_FOUND, "no such offer")
    row, _side = rfqs.find(session, actor, offer.rfq_id)
    return dump_offer(row, offer)


def dump(row: Rfq, side: str) -> dict[str, Any]:
    """The request itself. `news` says that this side has not looked since the other did something."""
    facts = row.facts
    return {
        "id": str(row.id),
        "number": row.number,
        "status": rfqs.status_at(row, clock.now()),
        "reason": row.reason,
        "created_at": clock.instant_text(row.created_at),
        "changed_at": clock.instant_text(row.changed_at),
        "expires_at": clock.instant_text(row.expires_at),
        "company": {"name": row.company_name, "uscc": row.company_uscc},
        "merchant": {"id": str(row.merchant_id), "name": row.merchant_name},
        "listing": {
            "id": str(row.listing_id),
            "version": row.listing_version,
            **{name: facts[name] for name in ("sku", "title", "category", "hs", "origin", "route")},
        },
        "department": row.department,
        "quantity": plain(row.quantity),
        "unit": row.unit,
        "destination": row.destination,
        "needed_by": row.needed_by.isoformat(),
        "text": row.text,
        "specification": [{"question": question, "answer": answer} for question, answer in row.specification],
        "news": {"company": row.company_news, "merchant": row.merchant_news}.get(side, False),
        "purchase": str(row.purchase_id) if row.purchase_id else None,
    }


def dump_offer(row: Rfq, offer: RfqOffer) -> dict[str, Any]:
    """An offer with every figure: `amounts` in its currency, sums in CNY; one whose time is over is expired."""
    lapsed = offer.status == "open" and offer.valid_until <= clock.now()
    return {
        "id": str(offer.id),
        "rfq": str(row.id),
        "revision": offer.revision,
        "status": "expired" if lapsed else offer.status,
        "created_at": clock.instant_text(offer.created_at),
        "valid_until": clock.instant_text(offer.valid_until),
        "decided_at": clock.instant_text(offer.decided_at),
        "quantity": plain(offer.quantity),
        "unit": row.unit,
        "unit_price": plain(offer.unit_price),
        "priced_by": "quantity" if offer.dry_quantity is None else "dry_weight",
        "currency": offer.currency,
        "exchange_rate": plain_or_none(offer.exchange_rate),
        "moisture_percent": plain_or_none(offer.moisture_percent),
        "dry_quantity": plain_or_none(offer.dry_quantity),
        "incoterm": offer.incoterm,
        "delivery_weeks": offer.delivery_weeks,
        "terms": offer.terms,
        "amounts": offer.amounts,
        **{name: fen_text(getattr(offer, f"{name}_fen")) for name in SUMS},
        "payable": offer.total_fen <= AMOUNT_MOST_FEN,
        "law": offer.law,
    }
