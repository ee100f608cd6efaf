"""Quotes: the landed price of a cart, every tax spelled out, and everything that keeps it from being bought at once.

One order per merchant, route, mode and warehouse. The number of statements does not depend on the number of lines.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from catalog import catch_weight, reductions
from catalog.receiving import divisible
from catalog.sale import SaleFacts, sale_facts
from core import clock
from core.errors import invalid
from core.money import FEN_MAX, fen_text, plain, share
from customs import edition
from shop import askers, consent, coupon_terms, destination, freight, hindrances, taxing
from shop.destination import Destination
from shop.hindrances import Buyer
from shop.offers import VALID_FOR, Blocked, Offer, OfferLine, OfferOrder, facts_of, sign


@dataclass(frozen=True, slots=True)
class Item:
    """So much of a listing."""

    listing_id: uuid.UUID
    quantity: Decimal


def quote(
    items: Sequence[Item], account_id: uuid.UUID | None, address_id: uuid.UUID | None, coupon: str | None = None
) -> dict[str, Any]:
    """The answer of a quote. Raises Problem `invalid_input`, `not_found` for somebody else's address."""
    buyer, place = askers.of(account_id, address_id)
    offer, blocked = prepare(items, buyer, place, address_id, coupon)
    notice = consent.version(offer.notice) if offer.notice else None
    return {
        "orders": list(map(_dump_order, offer.orders, _befores(offer, buyer.left_fen))),
        "total": fen_text(offer.total_fen),
        "coupon": {"code": offer.coupon, "discount": fen_text(offer.discount_fen)} if offer.coupon else None,
        "day": offer.day.isoformat(),
        "edition": offer.edition,
        "freight_basis": destination.basis(place),
        "notice": notice.dump() if notice else None,
        "valid_until": clock.instant_text(offer.valid_until),
        "quote": sign(offer) if offer.orders and not _incomplete(blocked) else None,
        "blocked": [each.dump() for each in blocked],
    }


def prepare(
    items: Sequence[Item],
    buyer: Buyer,
    place: Destination,
    address_id: uuid.UUID | None = None,
    coupon: str | None = None,
) -> tuple[Offer, list[Blocked]]:
    """The offer for `items` now, taxed, and all that keeps it from being bought."""
    wanted = _merged(items)
    facts = sale_facts(wanted, place.extra_days)
    _check_quantities(items, facts)
    lines, blocked = _sellable(wanted, facts, place)
    tariff = edition.tariff()
    offer = Offer(
        day=clock.today(),
        edition=tariff.edition,
        valid_until=clock.now().replace(microsecond=0) + VALID_FOR,
        account_id=buyer.account_id,
        address_id=address_id,
        orders=_orders(lines, facts, reductions.cuts_of(facts, buyer.holder_ids)),
        zone=place.zone.key,
    )
    blocked += _drop(offer, taxing.line_blocks(tariff, offer))
    offer.notice = consent.on(offer.day).version if offer.retail else None
    _add_freight(offer, place.zone.key)
    blocked += taxing.assess(tariff, offer)
    if coupon is not None and offer.orders:
        blocked += coupon_terms.apply(offer, buyer.holder_ids, coupon)
    return offer, blocked + hindrances.against_offer(buyer, offer, place)


def _drop(offer: Offer, blocked: list[Blocked]) -> list[Blocked]:
    """What the law keeps out is no part of the offer: it shares no freight and bears no tax."""
    out = {each.listing_id for each in blocked}
    for order in offer.orders:
        order.lines = [line for line in order.lines if line.listing_id not in out]
    offer.orders = [order for order in offer.orders if order.lines]
    return blocked


def _merged(items: Iterable[Item]) -> dict[uuid.UUID, Decimal]:
    """Demand summed per listing: the same thing on two lines is checked against one stock."""
    wanted: dict[uuid.UUID, Decimal] = {}
    for item in items:
        wanted[item.listing_id] = wanted.get(item.listing_id, Decimal(0)) + item.quantity
    return wanted


def _check_quantities(items: Sequence[Item], facts: dict[uuid.UUID, SaleFacts]) -> None:
    for number, item in enumerate(items):
        listing = facts.get(item.listing_id)
        if listing is None:
            continue
        if not divisible(listing.unit) and item.quantity != item.quantity.to_integral_value():
            raise invalid(f"items.{number}.quantity", f"is sold by the {listing.unit}: must be a whole number")
        if listing.price_fen * item.quantity > FEN_MAX // 1000:
            raise invalid(f"items.{number}.quantity", "is more than one order can be worth")


def _sellable(
    wanted: dict[uuid.UUID, Decimal], facts: dict[uuid.UUID, SaleFacts], place: Destination
) -> tuple[list[Item], list[Blocked]]:
    lines, blocked = [], []
    for listing_id, quantity in wanted.items():
        reason = hindrances.against_listing(listing_id, quantity, facts.get(listing_id), place)
        if reason is not None:
            blocked.append(reason)
        if reason is None or reason.code in hindrances.SHORT:
            lines.append(Item(listing_id, quantity))
    return lines, blocked


def _orders(
    lines: Sequence[Item], facts: dict[uuid.UUID, SaleFacts], cuts: dict[uuid.UUID, reductions.Cut]
) -> list[OfferOrder]:
    """Orders in the order in which their first line was asked for."""
    orders: dict[tuple[uuid.UUID, str, str, uuid.UUID | None], OfferOrder] = {}
    for item, warehouse_id in places(lines, facts):
        listing = facts[item.listing_id]
        mode = listing.mode or "0110"
        key = (listing.merchant_id, listing.route, mode, warehouse_id)
        if key not in orders:
            orders[key] = OfferOrder(
                listing.merchant_id,
                listing.merchant_name,
                listing.route,
                mode,
                warehouse_id,
                [],
            )
        price, copy = reductions.price(listing, item.quantity, cuts.get(item.listing_id)), facts_of(listing)
        if price.promotion is not None:
            copy["promotion"] = price.promotion
        orders[key].lines.append(
            OfferLine(item.listing_id, listing.version, copy, item.quantity, price.unit_fen, price.goods_fen)
        )
    return list(orders.values())


def places(lines: Sequence[Item], facts: dict[uuid.UUID, SaleFacts]) -> list[tuple[Item, uuid.UUID | None]]:
    """Which warehouse serves which line: the one that can serve most of the lines, so that there are few parcels.

    A quantity that no warehouse holds alone is split over several; one that all of them lack stays with the fullest.
    """
    serves = Counter(
        stock.warehouse_id
        for item in lines
        for stock in facts[item.listing_id].stock
        if stock.available >= item.quantity
    )
    placed: list[tuple[Item, uuid.UUID | None]] = []
    for item in lines:
        stocks = facts[item.listing_id].stock
        whole = [stock for stock in stocks if stock.available >= item.quantity]
        if whole:
            best = max(whole, key=lambda stock: (serves[stock.warehouse_id], stock.available, str(stock.warehouse_id)))
            placed.append((item, best.warehouse_id))
        else:
            placed += _split(item, facts[item.listing_id])
    return placed


def _split(item: Item, listing: SaleFacts) -> list[tuple[Item, uuid.UUID | None]]:
    if listing.available < item.quantity:  # blocked as out of stock; shown with its taxes from one place
        return [(item, listing.stock[0].warehouse_id if listing.stock else None)]
    parts, rest = [], item.quantity
    for stock in listing.stock:
        part = min(rest, stock.available)
        if part > 0:
            parts.append((replace(item, quantity=part), stock.warehouse_id))
            rest -= part
    return parts


def _add_freight(offer: Offer, zone: str) -> None:
    """One parcel per order; freight and insurance shared over its lines (rule A3). None where it is not carried."""
    tariff = freight.tariff_on(offer.day)
    for order in offer.orders:
        gross = sum((line.quantity * Decimal(line.facts["gross_weight_kg"] or 0) for line in order.lines), Decimal(0))
        cold, carried = order.cold_chain, tariff.serves(zone, order.cold_chain)
        keys = [line.goods_fen for line in order.lines]
        if not any(keys):
            keys = [int(line.quantity * 100000) for line in order.lines]
        freights = share(tariff.freight_fen(gross, cold, zone) if carried else 0, keys)
        insurances = share(tariff.insurance_fen(order.sum("goods_fen")), keys)
        for line, freight_fen, insurance_fen in zip(order.lines, freights, insurances, strict=True):
            line.freight_fen, line.insurance_fen = freight_fen, insurance_fen


def _incomplete(blocked: Sequence[Blocked]) -> bool:
    """A quote that leaves out what was asked for, goods or a coupon, must not be placed as if it were the whole."""
    return any(
        each.code in coupon_terms.CODES or (each.listing_id is not None and each.code not in hindrances.SHORT)
        for each in blocked
    )


def _befores(offer: Offer, left: int | None) -> list[int | None]:
    """What is left of the allowance before each order, the orders drawing on it one after the other."""
    found: list[int | None] = []
    for order in offer.orders:
        found.append(left if order.retail else None)
        if left is not None and order.retail:
            left -= order.sum("dutiable_value_fen")
    return found


_TAXES = ("duty", "additional_duty", "consumption_tax", "vat", "tax")
_ORDER = ("goods", "freight", "insurance", "dutiable_value", *_TAXES)
_LINE = ("unit_price", "discount", *_ORDER)


def _dump_order(order: OfferOrder, before: int | None) -> dict[str, Any]:
    allowance_now = None
    if before is not None:
        after = before - order.sum("dutiable_value_fen")
        allowance_now = {"before": fen_text(max(0, before)), "after": fen_text(max(0, after))}
    return {
        "merchant": {"id": str(order.merchant_id), "name": order.merchant_name},
        "route": order.route,
        "mode": order.mode,
        "warehouse": str(order.warehouse_id) if order.warehouse_id else None,
        "lines": [_dump_line(line) for line in order.lines],
        **{name: fen_text(order.sum(f"{name}_fen")) for name in _ORDER},
        "discount": fen_text(order.sum("discount_fen")),
        "total": fen_text(order.total_fen),
        "allowance": allowance_now,
    }


def _dump_line(line: OfferLine) -> dict[str, Any]:
    return {
        "listing_id": str(line.listing_id),
        "sku": line.facts["sku"],
        "title": line.facts["title"],
        "hs": line.facts["hs"],
        "origin": line.facts["origin"],
        "unit": line.facts["unit"],
        "quantity": plain(line.quantity),
        "catch_weight": catch_weight.told(line.facts, line.quantity),
        "promotion": line.facts.get("promotion"),
        **{name: fen_text(getattr(line, f"{name}_fen")) for name in _LINE},
        **line.assessment,
    }
