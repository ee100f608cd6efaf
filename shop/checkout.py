"""Placing: from an offer to a stored purchase with its goods and allowance held, in one transaction.

The attempt's id is unique, so the same request, repeated after a crash, finds the first purchase. Everything is
computed before the transaction; Stripe is asked after it. When Stripe is away the purchase stands without a payment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import reductions
from catalog.sale import sale_facts
from core import audit, clock, config, jobs
from core.database import db, transaction, write
from core.errors import Problem, declare, invalid
from customs import edition
from shop import (
    addresses,
    authorisation,
    carts,
    consent,
    coupon_terms,
    coupon_uses,
    destination,
    hindrances,
    holds,
    offers,
    payments,
    quotes,
    taxing,
)
from shop.destination import Destination
from shop.hindrances import Buyer
from shop.models import Order, OrderEvent, OrderLine, Payment, Purchase, table
from shop.offers import Blocked, Offer
from shop.order_rows import Rows
from shop.quotes import Item

_PURCHASES, _ORDERS, _LINES, _EVENTS, _PAYMENTS = map(table, (Purchase, Order, OrderLine, OrderEvent, Payment))

ADDRESS_REQUIRED = declare("address_required", 422, "An order needs an address to be delivered to")


def place(
    account_id: uuid.UUID,
    attempt_id: uuid.UUID,
    *,
    quote: str | None = None,
    items: Sequence[Item] = (),
    coupon: str | None = None,
    address_id: uuid.UUID | None = None,
    notice: str | None = None,
    on_page: bool = False,
    method: str | None = None,
) -> uuid.UUID:
    """Store a purchase from a quote, as quoted, or from items, at their price now; returns its id.

    Placing retail goods accepts the consumer notice that was shown; `notice` names its version, and on our own page
    (`on_page`) it must, by a ticked box. With the method `card` goods of catch weight are authorised and charged by
    their real weight.

    Raises Problem `quote_invalid`, `quote_expired`, `quote_stale`, `address_required`, `identity_required`,
    `single_limit`, `annual_limit`, `out_of_stock`, `notice_version`, `coupon_used` and what else
    keeps a listing from being sold or a coupon from being used.
    """
    try:
        buyer = hindrances.buyer_of(account_id, clock.today())
        if quote is not None:
            offer, address = _quoted(account_id, buyer, quote, address_id)
            if coupon is not None and coupon_terms.normal(coupon) != offer.coupon:
                raise invalid("coupon", "is not the one of the quote")
        else:
            offer, address = _at_once(buyer, items, destination.find(account_id, address_id), coupon)
        consent.check(notice, offer.notice, on_page)
        how = _how(quote is not None, notice is not None, on_page)
        most = authorisation.heaviest(offer) if method == "card" else None
        if most is not None:
            authorisation.check(buyer, most)
        rows = Rows(account_id, attempt_id, offer, address, buyer.person_id, how, most)
        with transaction() as session:
            return _store(session, rows)
    except Problem:
        # What was placed by an earlier run of this attempt stands, whatever would be refused now.
        known = placed_before(attempt_id)
        if known is None:
            raise
        return known


def placed_before(attempt_id: uuid.UUID) -> uuid.UUID | None:
    """The purchase that an earlier run of an attempt has stored."""
    return db.session.scalar(select(Purchase.id).where(Purchase.attempt_id == attempt_id))


def place_agreed(
    account_id: uuid.UUID,
    attempt_id: uuid.UUID,
    offer: Offer,
    address_id: uuid.UUID | None,
    claim: Callable[[Session, uuid.UUID], None],
) -> uuid.UUID:
    """Store a purchase on terms agreed elsewhere. `claim(session, purchase_id)` runs first in its transaction: it takes
    what was agreed, once, or raises. Raises Problem `address_required`, `out_of_stock`, `invalid_input` for an attempt
    that has placed something else, and what `claim` raises.
    """
    rows = Rows(account_id, attempt_id, offer, _address(account_id, address_id), None)
    with transaction() as session:
        claim(session, rows.purchase_id)
        if _store(session, rows) != rows.purchase_id:
            raise invalid("attempt", "has placed another order")
        return rows.purchase_id


def pay_for(purchase_id: uuid.UUID) -> None:
    """Ask Stripe for the payment of a fresh purchase; when it is away the buyer asks again later."""
    try:
        payments.begin(purchase_id)
    except Problem as problem:
        if problem.code not in (payments.STRIPE_AWAY, payments.STRIPE_REFUSES, payments.NOT_PAYABLE):
            raise


def _how(quoted: bool, named: bool, on_page: bool) -> str:
    if on_page:
        return consent.PAGE
    if named:
        return consent.EXPLICIT
    return consent.QUOTE if quoted else consent.ITEMS


def _quoted(
    account_id: uuid.UUID, buyer: Buyer, token: str, address_id: uuid.UUID | None
) -> tuple[Offer, dict[str, Any]]:
    """The offer of a quote, honoured as it was shown or refused, and the address it goes to."""
    tariff = edition.tariff()
    offer = offers.read(token, account_id, tariff.edition)
    place = destination.find(account_id, address_id or offer.address_id)
    _check_zone(offer, place)
    quoted = [taxing.amounts(line) for line in offer.lines]
    blocked = taxing.line_blocks(tariff, offer) + taxing.assess(tariff, offer)
    if blocked or quoted != [taxing.amounts(line) for line in offer.lines]:
        raise Problem(offers.QUOTE_STALE, "the taxes come out differently now")
    facts = sale_facts({line.listing_id for line in offer.lines})
    for line in offer.lines:
        listing = facts.get(line.listing_id)
        if listing is None or not listing.on_sale:
            gone = f"{line.facts['sku']} was taken out of the shop"
            raise Problem(offers.QUOTE_STALE, gone, listing_id=str(line.listing_id))
    _refuse_blocked(hindrances.against_offer(buyer, offer, place))
    return offer, _known(place)


def _check_zone(offer: Offer, place: Destination) -> None:
    """Freight was quoted for one zone: it is not charged for another. Raises Problem `quote_stale`.

    A guest's quote knew no address: its freight stands, wherever in the country it goes.
    """
    if offer.account_id is None:
        return
    if place.address is not None and place.against is None and place.zone.key != offer.zone:
        there = place.zone.name["en"]
        raise Problem(offers.QUOTE_STALE, f"the address lies in another delivery zone than was quoted: {there}")


def _at_once(
    buyer: Buyer, items: Sequence[Item], place: Destination, coupon: str | None
) -> tuple[Offer, dict[str, Any]]:
    offer, blocked = quotes.prepare(items, buyer, place, coupon=coupon)
    _refuse_blocked(blocked)
    return offer, _known(place)


def _known(place: Destination) -> dict[str, Any]:
    if place.address is None:
        raise _address_required()
    return place.address


def _refuse_blocked(blocked: Sequence[Blocked]) -> None:
    """The first reason is the answer's code; all of them stand beside it."""
    if blocked:
        raise Problem(blocked[0].code, blocked[0].detail, blocked=[each.dump() for each in blocked])


def _address(account_id: uuid.UUID, address_id: uuid.UUID | None) -> dict[str, Any]:
    if address_id is not None:
        return addresses.one_of(account_id, address_id)
    found = addresses.first_of(account_id)
    if found is None:
        raise _address_required()
    return found


def _address_required() -> Problem:
    return Problem(ADDRESS_REQUIRED, errors={"address_id": ["give one, or keep one in your account"]})


def _store(session: Session, rows: Rows) -> uuid.UUID:
    """All of the purchase or nothing. A twin with the same attempt that came first is found instead."""
    numbers = [row["number"] for row in rows.orders]
    told = audit.row_of(str(rows.account_id), "purchase_placed", "purchase", rows.purchase_id, orders=numbers)
    written = {_PURCHASES: [rows.purchase], _ORDERS: rows.orders, _LINES: rows.lines, _EVENTS: rows.events}
    if not write(session, {**written, _PAYMENTS: [rows.payment], audit.ENTRIES: [told]}, once="attempt_id"):
        twin = select(Purchase.id).where(Purchase.attempt_id == rows.purchase["attempt_id"])
        return session.scalars(twin).one()
    carts.take_out(session, rows.account_id, [row["listing_id"] for row in rows.lines])
    wait = config.current().hold_seconds
    jobs.defer(session, "shop.expire_purchase", in_seconds=wait, purchase_id=str(rows.purchase_id))
    # Last, so that what others want too is locked only for a moment.
    orders, lines = [Order(**row) for row in rows.orders], [OrderLine(**row) for row in rows.lines]
    holds.take(session, rows.purchase_id, orders, lines)
    reduced = [(row["id"], row["facts"]["promotion"]) for row in rows.lines if "promotion" in row["facts"]]
    reductions.take(session, rows.person_id or rows.account_id, rows.account_id, reduced)
    offer = rows.offer
    if offer.coupon_id is not None:
        who = (rows.account_id, rows.person_id)
        coupon_uses.take(session, rows.purchase_id, offer.coupon_id, *who, offer.discount_fen)
    return rows.purchase_id
