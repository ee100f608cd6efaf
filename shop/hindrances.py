"""Everything that stands in the way of an order, told at once with what would help; nothing is done to evade it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from catalog import categories
from catalog.lots import OUT_OF_STOCK
from catalog.sale import SaleFacts
from core.errors import declare
from core.money import fen_text, plain
from customs import edition, weight_caps
from customs.assessments.caps import WEIGHT_CAP
from customs.duty.phrases import PHRASES
from customs.duty.wording import said
from customs.tariff.problems import ANNUAL_LIMIT
from customs.window import documents
from shop import capped_weights, freight, payments, taxing
from shop.destination import NOT_DELIVERED, Destination
from shop.offers import Blocked, Offer, OfferLine
from shop.phrases import blocked
from shop.splitting import split

IDENTITY_REQUIRED = declare("identity_required", 422, "The buyer's identity must be known")
LISTING_UNAVAILABLE = declare("listing_unavailable", 422, "The listing is not sold here")
NOT_FOR_CONSUMERS = declare("not_for_consumers", 422, "This is sold to enterprises only")
LIFE_TOO_SHORT = declare("life_too_short", 409, "Too little of its life would be left on arrival")
NOT_DECLARABLE = declare("price_not_declarable", 422, "Customs takes no unit price that gives this total")
# Goods of which there is not enough are still shown and taxed: there may be more of them tomorrow.
SHORT = (OUT_OF_STOCK, LIFE_TOO_SHORT)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who asks: the person behind the account, and what is left of their allowance in the Beijing year."""

    account_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None
    left_fen: int | None = None

    @property
    def holder_ids(self) -> list[uuid.UUID]:
        """Whose use of coupons and promotions counts: the person's, with what the account used without an identity."""
        return [each for each in (self.person_id, self.account_id) if each is not None]


def buyer_from(account_id: uuid.UUID, day: date, known: tuple[uuid.UUID, int] | None) -> Buyer:
    """What a quote needs to know of an account, by its person and what that has taken of the year; it may not have said
    who it buys for."""
    if known is None:
        return Buyer(account_id)
    person_id, taken = known
    return Buyer(account_id, person_id, max(0, edition.tariff().retail_limits(day).annual_fen - taken))


def against_listing(
    listing_id: uuid.UUID, quantity: Decimal, listing: SaleFacts | None, place: Destination
) -> Blocked | None:
    """Why one listing cannot be bought in this quantity, or None."""
    if listing is None:
        return blocked(LISTING_UNAVAILABLE, ["shop_unknown"], listing_id=listing_id)
    if listing.route == "services" or listing.category in categories.between_companies():
        return blocked(NOT_FOR_CONSUMERS, ["shop_for_companies"], ["shop_ask_quotation"], listing_id=listing_id)
    if not listing.on_sale:
        return _off_sale(listing_id, listing.hindrance)
    if listing.available >= quantity:
        return None
    if listing.available + listing.too_old >= quantity:
        return _too_old(listing_id, quantity, listing, place)
    left = plain(listing.available)
    figures = {"wanted": plain(quantity), "left": {"en": f"{left} {listing.unit}", "zh": left}}
    hint = ["shop_order_at_most", {"left": left}] if listing.available else ["shop_sold_out"]
    return replace(blocked(OUT_OF_STOCK, ["shop_short", figures], hint, listing_id=listing_id), help={"at_most": left})


def _off_sale(listing_id: uuid.UUID, hindrance: dict[str, str] | None) -> Blocked:
    """Taken out by its merchant, or by the law of the day in the words of the catalogue."""
    if hindrance is None:
        return blocked(LISTING_UNAVAILABLE, ["shop_withdrawn"], listing_id=listing_id)
    return Blocked(hindrance["code"], hindrance["detail"], listing_id=listing_id)


def _too_old(listing_id: uuid.UUID, quantity: Decimal, listing: SaleFacts, place: Destination) -> Blocked:
    """There is enough, but on the longer way too much of its life would pass."""
    few, days = plain(listing.available), str(place.zone.transit_days)
    figures = {"wanted": plain(quantity), "left": plain(listing.available + listing.too_old), "few": few}
    detail = ["shop_life_short", {**figures, "days": days, "zone": place.zone.name}]
    hint = ["shop_nearer", {"left": few}] if listing.available else ["shop_only_nearer"]
    return replace(blocked(LIFE_TOO_SHORT, detail, hint, listing_id=listing_id), help={"at_most": few})


def against_offer(buyer: Buyer, offer: Offer, place: Destination) -> list[Blocked]:
    """What keeps the whole from being bought: size, way, single limit, identity, allowance. Law of the offer's day."""
    return [*of_payment(offer), *_of_price(offer), *_of_way(offer, place), *of_person(buyer, offer)]


def of_payment(offer: Offer) -> list[Blocked]:
    """All orders are paid at once, and one payment takes only so much."""
    if offer.total_fen <= payments.AMOUNT_MOST_FEN:
        return []
    figures = {"total": fen_text(offer.total_fen), "most": fen_text(payments.AMOUNT_MOST_FEN)}
    told = blocked(payments.PAYMENT_TOO_LARGE, ["shop_above_payment", figures], ["shop_pay_apart"])
    return [replace(told, help={"at_most": figures["most"]})]


def _of_price(offer: Offer) -> list[Blocked]:
    """A line partly at a reduced price has a spread unit price, and of very many the order message would be refused."""
    lines = [line for order in offer.orders if order.retail for line in order.lines]
    return [
        replace(_not_declarable(line), help={"at_most": str(documents.ALWAYS_DECLARABLE)})
        for line in lines
        if not documents.declarable(line.goods_fen, line.quantity)
    ]


def _not_declarable(line: OfferLine) -> Blocked:
    figures = {"wanted": plain(line.quantity), "total": fen_text(line.goods_fen)}
    hint = ["shop_order_at_most", {"left": str(documents.ALWAYS_DECLARABLE)}]
    return blocked(NOT_DECLARABLE, ["shop_price_spread", figures], hint, listing_id=line.listing_id)


def _of_way(offer: Offer, place: Destination) -> list[Blocked]:
    if place.against is not None:
        return [place.against]
    if offer.zone is None:
        return []
    tariff, name = freight.tariff_on(offer.day), place.zone.name
    return [
        blocked(NOT_DELIVERED, ["shop_not_cold", {"zone": name}], ["shop_other_address"], order=number)
        for number, order in enumerate(offer.orders)
        if not tariff.serves(place.zone.key, order.cold_chain)
    ]


def of_person(buyer: Buyer, offer: Offer) -> list[Blocked]:
    """What the person lacks: identity, allowance, room under a weight cap; and orders above the single limit."""
    if not offer.retail:
        return []
    found = [_with_advice(block, offer, buyer) for block in taxing.limit_blocks(edition.tariff(), offer)]
    if buyer.person_id is None:
        return [*found, blocked(IDENTITY_REQUIRED, ["shop_identity"], ["shop_give_identity"])]
    left = buyer.left_fen
    for number, order in enumerate(offer.orders):
        if not order.retail or left is None:
            continue
        value = order.sum("dutiable_value_fen")
        if value > left:
            found.append(_above_year(offer, number, value, left))
        left = max(0, left - value)
    return [*found, *_above_cap(buyer.person_id, offer)]


def _above_cap(person_id: uuid.UUID, offer: Offer) -> list[Blocked]:
    """Goods under a weight cap of a year, of all orders together and of what the person's other orders hold."""
    lines = [line for order in offer.orders if order.retail for line in order.lines]
    wanted = capped_weights.of_lines(offer.day, lines)
    if not wanted:
        return []
    year, caps = offer.day.year, {group: weight.cap_kg for group, weight in wanted.items()}
    left = weight_caps.left(person_id, year, caps)
    found = []
    for group, weight in wanted.items():
        if weight.kg > left[group]:
            named = {"group": [group] if group in PHRASES else group, "year": str(year), "next": str(year + 1)}
            figures = {**named, "kg": plain(weight.kg), "cap": plain(weight.cap_kg), "left": plain(left[group])}
            hint = ["shop_cap_some" if left[group] else "shop_cap_january", figures]
            told = blocked(WEIGHT_CAP, ["shop_above_cap", figures], hint)
            found.append(replace(told, help={"left_kg": figures["left"], "from": f"{year + 1}-01-01"}))
    return found


def _above_year(offer: Offer, number: int, value: int, left: int) -> Blocked:
    """Above what is left of the year (rule A6: never silently general trade)."""
    limits, year = edition.tariff().retail_limits(offer.day), offer.day.year
    figures = {"total": fen_text(value), "year": str(year), "left": fen_text(left), "next": str(year + 1)}
    detail = ["shop_above_year", figures]
    if value > limits.annual_fen:
        return blocked(ANNUAL_LIMIT, detail, ["shop_never_inside"], order=number)
    hint = ["shop_next_year" if left else "shop_from_january", figures]
    told = blocked(ANNUAL_LIMIT, detail, hint, order=number)
    return replace(told, help={"left": fen_text(left), "from": f"{year + 1}-01-01"})


def _with_advice(block: Blocked, offer: Offer, buyer: Buyer) -> Blocked:
    """The engine's refusal with what would help this order: several of them, or less."""
    if block.order is None or offer.zone is None:
        return block
    limit = edition.tariff().retail_limits(offer.day).single_fen
    found = split(offer.orders[block.order], freight.tariff_on(offer.day), offer.zone, limit)
    figures: dict[str, Any] = {"limit": fen_text(limit)}
    if found is None:
        return _advised(block, ["shop_order_less"], None)
    if buyer.left_fen is not None and found.value_fen > buyer.left_fen:
        return _advised(block, ["shop_no_split", {"left": fen_text(buyer.left_fen)}], None)
    hint = "shop_split_full_tax" if found.lone else "shop_split"
    figures["orders"] = str(found.orders)
    return _advised(block, [hint, figures], {"orders": found.orders, "at_most": fen_text(limit)})


def _advised(block: Blocked, hint: Any, figures: dict[str, Any] | None) -> Blocked:
    told = said(hint=hint)
    return replace(block, hint=told["hint"], phrases={**(block.phrases or {}), **told["phrases"]}, help=figures)
