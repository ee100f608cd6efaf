"""Placing: from an offer to a stored purchase with its goods and allowance held, in one transaction.

The attempt's id is unique, so the same request, repeated after a crash, finds the first purchase. Everything is
computed before the transaction; Stripe is asked after it. When Stripe is away the purchase stands without a payment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import reductions
from core import audit
from core.database import db, transaction
from core.errors import Problem, declare, invalid
from customs import edition
from shop import (
    addresses,
    askers,
    authorisation,
    carts,
    consent,
    coupon_terms,
    coupon_uses,
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
    """As `placed`; returns the purchase's id."""
    wish: dict[str, Any] = {"quote": quote, "items": items, "coupon": coupon, "address_id": address_id}
    found = placed(account_id, attempt_id, **wish, notice=notice, on_page=on_page, method=method)
    return found.purchase_id if isinstance(found, Rows) else found


def placed(
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
) -> Rows | uuid.UUID:
    """Store a purchase from a quote, as quoted, or from items, at their price now; returns its rows, or its id alone
    when an earlier run of the attempt has stored it.

    Placing retail goods accepts the consumer notice that was shown; `notice` names its version, and on our own page
    (`on_page`) it must, by a ticked box. With the method `card` goods of catch weight are authorised and charged by
    their real weight.

    Raises Problem `quote_invalid`, `quote_expired`, `quote_stale`, `address_required`, `identity_required`,
    `single_limit`, `annual_limit`, `out_of_stock`, `notice_version`, `coupon_used` and what else
    keeps a listing from being sold or a coupon from being used.
    """
    try:
        if quote is not None:
            offer, buyer, address = _quoted(account_id, quote, address_id)
            if coupon is not None and coupon_terms.normal(coupon) != offer.coupon:
                raise invalid("coupon", "is not the one of the quote")
        else:
            buyer, place = askers.of(account_id, address_id)
            offer, address = _at_once(buyer, items, place, coupon)
        consent.check(notice, offer.notice, on_page)
        how = _how(quote is not None, notice is not None, on_page)
        most = authorisation.heaviest(offer) if method == "card" else None
        if most is not None:
            authorisation.check(buyer, most)
        rows = Rows(account_id, attempt_id, offer, address, buyer.person_id, how, most)
        with transaction() as session:
            _store(session, rows)
    except (Problem, _Known):
        # What was placed by an earlier run of this attempt stands, whatever would be refused now.
        known = placed_before(attempt_id)
        if known is None:
            raise
        return known
    return rows


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
    try:
        with transaction() as session:
            claim(session, rows.purchase_id)
            _store(session, rows)
    except _Known:
        raise invalid("attempt", "has placed another order") from None
    return rows.purchase_id


def pay_for(purchase_id: uuid.UUID) -> None:
    """Ask Stripe for the payment of a fresh purchase; when it is away the buyer asks again later."""
    with unpaid_stands():
        payments.begin(purchase_id)


@contextmanager
def unpaid_stands() -> Iterator[None]:
    """A purchase whose payment cannot be begun just now stands without it."""
    try:
        yield
    except Problem as problem:
        if problem.code not in (payments.STRIPE_AWAY, payments.STRIPE_REFUSES, payments.NOT_PAYABLE):
            raise


def _how(quoted: bool, named: bool, on_page: bool) -> str:
    if on_page:
        return consent.PAGE
    if named:
        return consent.EXPLICIT
    return consent.QUOTE if quoted else consent.ITEMS


def _quoted(account_id: uuid.UUID, token: str, address_id: uuid.UUID | None) -> tuple[Offer, Buyer, dict[str, Any]]:
    """The offer of a quote, honoured as it was shown or refused, with who buys and the address it goes to."""
    tariff = edition.tariff()
    offer = offers.read(token, account_id, tariff.edition)
    listings = {line.listing_id for line in offer.lines}
    buyer, place, facts = askers.with_facts(account_id, address_id or offer.address_id, listings)
    _check_zone(offer, place)
    quoted = [taxing.amounts(line) for line in offer.lines]
    blocked = taxing.line_blocks(tariff, offer) + taxing.assess(tariff, offer)
    if blocked or quoted != [taxing.amounts(line) for line in offer.lines]:
        raise Problem(offers.QUOTE_STALE, "the taxes come out differently now")
    for line in offer.lines:
        listing = facts.get(line.listing_id)
        if listing is None or not listing.on_sale:
            gone = f"{line.facts['sku']} was taken out of the shop"
            raise Problem(offers.QUOTE_STALE, gone, listing_id=str(line.listing_id))
    _refuse_blocked(hindrances.against_offer(buyer, offer, place))
    return offer, buyer, _known(place)


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


class _Known(Exception):
    """An earlier run of the attempt has stored a purchase: nothing of this one stands."""


def _store(session: Session, rows: Rows) -> None:
    """All of the purchase, or nothing. Raises _Known when a twin with the same attempt came first."""
    numbers = [row["number"] for row in rows.orders]
    told = audit.row_of(str(rows.account_id), "purchase_placed", "purchase", rows.purchase_id, orders=numbers)
    written = {_PURCHASES: [rows.purchase], _ORDERS: rows.orders, _LINES: rows.lines, _EVENTS: rows.events}
    written |= {_PAYMENTS: [rows.payment], audit.ENTRIES: [told]}
    bought = carts.taking_out(rows.account_id, [row["listing_id"] for row in rows.lines])
    if not holds.take(session, rows.purchase_id, *rows.read(), written, [bought]):
        raise _Known
    reduced = [(row["id"], row["facts"]["promotion"]) for row in rows.lines if "promotion" in row["facts"]]
    reductions.take(session, rows.person_id or rows.account_id, rows.account_id, reduced)
    offer = rows.offer
    if offer.coupon_id is not None:
        who = (rows.account_id, rows.person_id)
        coupon_uses.take(session, rows.purchase_id, offer.coupon_id, *who, offer.discount_fen)
