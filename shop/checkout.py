"""Placing: from an offer to a stored purchase with its goods and allowance held, in one transaction.

The attempt's id is unique, so the same request, repeated after a crash, finds the first purchase. Everything is
computed before the transaction; Stripe is asked after it. When Stripe is away the purchase stands without a payment.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from catalog.sale import sale_facts
from core import audit, clock, config, jobs
from core.database import db, new_id, transaction
from core.errors import Problem, declare, invalid
from customs import edition
from shop import addresses, carts, holds, offers, payments, quotes, taxing
from shop.models import Order, OrderEvent, OrderLine, Payment, Purchase, table
from shop.offers import Blocked, Offer, OfferOrder
from shop.quotes import Buyer, Item

ADDRESS_REQUIRED = declare("address_required", 422, "An order needs an address to be delivered to")

# Letters and digits that cannot be mistaken for each other when read aloud at customs.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CURRENCY = "cny"


def place(
    account_id: uuid.UUID,
    attempt_id: uuid.UUID,
    *,
    quote: str | None = None,
    items: Sequence[Item] = (),
    address_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Store a purchase from a quote, as quoted, or from items, at their price now; returns its id.

    Raises Problem `quote_invalid`, `quote_expired`, `quote_stale`, `address_required`, `identity_required`,
    `single_limit`, `annual_limit`, `out_of_stock` and what else keeps a listing from being sold.
    """
    try:
        buyer = quotes.buyer_of(account_id, clock.today())
        offer = _quoted(account_id, buyer, quote) if quote is not None else _at_once(buyer, items, address_id)
        address = _address(account_id, address_id or offer.address_id)
        rows = _Rows(account_id, attempt_id, offer, address, buyer.person_id)
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
    rows = _Rows(account_id, attempt_id, offer, _address(account_id, address_id), None)
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


def _quoted(account_id: uuid.UUID, buyer: Buyer, token: str) -> Offer:
    """The offer of a quote, honoured as it was shown or refused."""
    tariff = edition.tariff()
    offer = offers.read(token, account_id, tariff.edition)
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
    _refuse_blocked(quotes.hindrances(buyer, offer))
    return offer


def _at_once(buyer: Buyer, items: Sequence[Item], address_id: uuid.UUID | None) -> Offer:
    offer, blocked = quotes.prepare(items, buyer, address_id)
    _refuse_blocked(blocked)
    return offer


def _refuse_blocked(blocked: Sequence[Blocked]) -> None:
    """The first reason is the answer's code; all of them stand beside it."""
    if blocked:
        raise Problem(blocked[0].code, blocked[0].detail, blocked=[each.dump() for each in blocked])


def _address(account_id: uuid.UUID, address_id: uuid.UUID | None) -> dict[str, Any]:
    session = db.session()
    if address_id is not None:
        return addresses.find(session, account_id, address_id)
    found = addresses.first_of(session, account_id)
    if found is None:
        raise Problem(ADDRESS_REQUIRED, errors={"address_id": ["give one, or keep one in your account"]})
    return found


def new_number(day_text: str, prefix: str = "LF") -> str:
    """18 letters and digits: the Beijing day, then 50 random bits, so that numbers cannot be guessed."""
    return f"{prefix}{day_text}" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


class _Rows:
    """The rows of a purchase, built before the transaction so that it holds its locks briefly."""

    def __init__(
        self,
        account_id: uuid.UUID,
        attempt_id: uuid.UUID,
        offer: Offer,
        address: dict[str, Any],
        person_id: uuid.UUID | None,
    ) -> None:
        now = clock.now()
        self.account_id, self.offer, self.address, self.person_id = account_id, offer, address, person_id
        self.address_text = addresses.canonical_text(address)
        self.purchase_id, self.now = new_id(), now
        self.expires_at = now + timedelta(seconds=config.current().hold_seconds)
        self.purchase = {
            "id": self.purchase_id,
            "attempt_id": attempt_id,
            "account_id": account_id,
            "status": "awaiting_payment",
            "currency": CURRENCY,
            "total_fen": offer.total_fen,
            "created_at": now,
            "expires_at": self.expires_at,
        }
        day_text = clock.beijing_day(now).strftime("%y%m%d")
        # Ids of one millisecond come in no order; sorted they keep the orders as they were quoted.
        ids = sorted(new_id() for _ in offer.orders)
        self.orders = [self._order(ids[i], order, new_number(day_text)) for i, order in enumerate(offer.orders)]
        self.lines = [
            self._line(row["id"], position, line)
            for row, order in zip(self.orders, offer.orders, strict=True)
            for position, line in enumerate(order.lines, 1)
        ]

    def _order(self, order_id: uuid.UUID, order: OfferOrder, number: str) -> dict[str, Any]:
        names = ("goods", "freight", "insurance", "duty", "additional_duty", "consumption_tax", "vat", "tax")
        sums = {f"{name}_fen": order.sum(f"{name}_fen") for name in (*names, "dutiable_value")}
        return {
            "id": order_id,
            "number": number,
            "purchase_id": self.purchase_id,
            "account_id": self.account_id,
            "person_id": self.person_id if order.retail else None,
            "merchant_id": order.merchant_id,
            "merchant_name": order.merchant_name,
            "route": order.route,
            "mode": order.mode,
            "warehouse_id": order.warehouse_id,
            "status": "awaiting_payment",
            "tariff_edition": self.offer.edition,
            "tariff_day": self.offer.day,
            **sums,
            "discount_fen": 0,
            "total_fen": order.total_fen,
            "address": self.address,
            "address_text": self.address_text,
            "created_at": self.now,
        }

    def _line(self, order_id: uuid.UUID, position: int, line: offers.OfferLine) -> dict[str, Any]:
        names = ("unit_price", "goods", "freight", "insurance", "dutiable_value")
        return {
            "id": new_id(),
            "order_id": order_id,
            "position": position,
            "listing_id": line.listing_id,
            "listing_version": line.version,
            "hs": line.facts["hs"],
            "origin": line.facts["origin"],
            "unit": line.facts["unit"],
            "quantity": line.quantity,
            **{f"{name}_fen": getattr(line, f"{name}_fen") for name in names},
            **taxing.amounts(line),
            "facts": line.facts,
            "assessment": line.assessment,
        }

    @property
    def payment(self) -> dict[str, Any]:
        facts = {"amount_fen": self.offer.total_fen, "currency": CURRENCY, "created_at": self.now}
        return {"id": new_id(), "purchase_id": self.purchase_id, **facts}


def _store(session: Session, rows: _Rows) -> uuid.UUID:
    """All of the purchase or nothing. A twin with the same attempt that came first is found instead."""
    fresh = upsert(Purchase).values(rows.purchase).on_conflict_do_nothing(index_elements=[Purchase.attempt_id])
    if session.execute(fresh.returning(Purchase.id)).first() is None:
        twin = select(Purchase.id).where(Purchase.attempt_id == rows.purchase["attempt_id"])
        return session.scalars(twin).one()
    session.execute(insert(table(Order)), rows.orders)
    session.execute(insert(table(OrderLine)), rows.lines)
    session.execute(insert(table(OrderEvent)), [_placed(row, rows.now) for row in rows.orders])
    session.execute(insert(table(Payment)), rows.payment)
    carts.take_out(session, rows.account_id, [row["listing_id"] for row in rows.lines])
    actor = str(rows.account_id)
    numbers = [row["number"] for row in rows.orders]
    audit.record(session, actor, "purchase_placed", "purchase", rows.purchase_id, orders=numbers)
    wait = config.current().hold_seconds
    jobs.defer(session, "shop.expire_purchase", in_seconds=wait, purchase_id=str(rows.purchase_id))
    # Last, so that what others want too is locked only for a moment.
    orders, lines = [Order(**row) for row in rows.orders], [OrderLine(**row) for row in rows.lines]
    holds.take(session, rows.purchase_id, orders, lines)
    return rows.purchase_id


def _placed(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    facts = {"event": "placed", "status": "awaiting_payment", "actor": str(row["account_id"])}
    return {"order_id": row["id"], "at": now, "happened_at": None, **facts, "detail": None}
