"""From an accepted offer to the order that checkout stores: the offered price, with a copy of all that was agreed.

Goods in store have borne their duty, so the order carries no tax of its own; what is imported on order (priced in
another currency) bears it when it comes in, unless it is delivered duty paid; of services the buyer withholds the VAT.
Installation and training are paid with the goods and are no part of their dutiable value.
"""

from __future__ import annotations

import uuid
from typing import Any

from catalog.models import SERVICES
from catalog.sale import SaleFacts
from core import clock
from core.money import plain, plain_or_none, share
from customs import edition
from customs.duty.wording import said
from shop import quotes
from shop.offers import Offer, OfferLine, OfferOrder, facts_of
from shop.quotes import Item
from shop.rfq_rules import CNY, unit_price_fen
from shop.trade_models import Rfq, RfqOffer

GENERAL_MODE = "0110"
DUTY_PAID = "DDP"


def order_of(row: Rfq, offer: RfqOffer, listing: SaleFacts) -> Offer:
    """The offer as checkout takes one; a quantity that lies in several warehouses becomes an order of each."""
    item = Item(listing.listing_id, offer.quantity)
    places = quotes.places([item], {listing.listing_id: listing})
    keys = [int(part.quantity * 100_000) for part, _place in places]
    goods, apart = share(offer.goods_fen, keys), share(offer.installation_fen + offer.training_fen, keys)
    freights, insurances = share(offer.freight_fen, keys), share(offer.insurance_fen, keys)
    facts = {**facts_of(listing), "quotation": quotation_of(row, offer)}
    each = unit_price_fen(offer.goods_fen, offer.quantity)
    lines = [
        OfferLine(
            listing.listing_id,
            listing.version,
            facts,
            part.quantity,
            each,
            goods[number] + apart[number],
            freight_fen=freights[number],
            insurance_fen=insurances[number],
            dutiable_value_fen=goods[number] + freights[number] + insurances[number],
            assessment=_assessment(offer, listing),
        )
        for number, (part, _place) in enumerate(places)
    ]
    return Offer(
        day=clock.today(),
        edition=edition.tariff().edition,
        valid_until=offer.valid_until,
        account_id=row.account_id,
        address_id=None,
        orders=[_order(listing, place, line) for line, (_part, place) in zip(lines, places, strict=True)],
    )


def _order(listing: SaleFacts, place: uuid.UUID | None, line: OfferLine) -> OfferOrder:
    mode = None if listing.route == SERVICES else GENERAL_MODE
    return OfferOrder(listing.merchant_id, listing.merchant_name, listing.route, mode, place, [line])


def quotation_of(row: Rfq, offer: RfqOffer) -> dict[str, Any]:
    """What was agreed, as JSON values: the order keeps it, whatever becomes of request and offer."""
    return {
        "rfq": str(row.id),
        "number": row.number,
        "offer": str(offer.id),
        "revision": offer.revision,
        "company": {"name": row.company_name, "uscc": row.company_uscc},
        "quantity": plain(offer.quantity),
        "unit_price": plain(offer.unit_price),
        "currency": offer.currency,
        "exchange_rate": plain_or_none(offer.exchange_rate),
        "moisture_percent": plain_or_none(offer.moisture_percent),
        "dry_quantity": plain_or_none(offer.dry_quantity),
        "amounts": offer.amounts,
        "incoterm": offer.incoterm,
        "delivery_weeks": offer.delivery_weeks,
        "destination": row.destination,
        "terms": offer.terms,
    }


def _assessment(offer: RfqOffer, listing: SaleFacts) -> dict[str, Any]:
    """What the line says of taxes; none of them is charged with the order. The law is that of the offer's day."""
    law = offer.law or {}
    told = {"standing": law.get("standing", "official"), "explanation": law.get("explanation", [])}
    told |= {f"law_{name}": law[name] for name in ("day", "edition") if name in law}
    if listing.route == SERVICES:
        return {"tax_included": False, "borne_by": "reverse_charge", **told}
    if offer.currency != CNY and offer.incoterm != DUTY_PAID:
        return {"tax_included": False, "borne_by": "importer", **told}
    step = {"step": "tax_included", "inputs": {}, "amount": "0.00",
            **said(formula=["paid_at_release"], law=["law_taxpayer"])}  # fmt: skip
    return {"tax_included": True, "standing": "official", "explanation": [step]}
