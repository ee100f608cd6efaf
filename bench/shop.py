"""What of the shop is measured: quoting and placing three lines, in process, on the demonstration's shelf.

Stripe is answered in process and at once, so that what is measured is ours: the baseline asks nobody either. Buyers are
many, and buy domestic stock, since a person's yearly allowance would end the measurement.
"""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import func, select, text, update

from catalog.models import Listing, Lot
from core import accounts
from core.database import db, transaction
from shop import addresses, checkout, exchanges, quotes, seed
from shop.quotes import Item
from shop.stripe_http import Exchange
from shop.stripe_objects import Intent

BUYERS = 8
STOCK = Decimal(1_000_000_000)


class InstantStripe:
    """Makes an intent without asking anybody."""

    _numbers = itertools.count(1)

    def create_intent(
        self, amount_fen: int, currency: str, idempotency_key: str, metadata: Any, description: str, method_types: Any
    ) -> Intent:
        name = f"pi_bench_{uuid.uuid4().hex}"
        return Intent(
            Exchange("POST /v1/payment_intents", "{}", 200),
            id=name,
            client_secret=f"{name}_secret",
            amount_fen=amount_fen,
            received_fen=0,
            capturable_fen=0,
            currency=currency,
            status="requires_payment_method",
            created=0,
            metadata=metadata,
            latest_charge=None,
            charge=None,
            failure_code=None,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """Who buys what: tokens of buyers, a shelf of retail listings to quote, and of domestic ones to buy."""

    app: Flask
    buyers: tuple[uuid.UUID, ...]
    tokens: tuple[str, ...]
    retail: tuple[uuid.UUID, ...]
    domestic: tuple[uuid.UUID, ...]


def prepare(app: Flask) -> Subject:
    """Buyers with addresses, and stock that does not run out; Stripe answered in process (in this process only)."""
    exchanges.set_gateway(InstantStripe())
    with app.app_context():
        buyers = tuple(_buyer() for _ in range(BUYERS))
        tokens = tuple(accounts.issue_token(buyer)[0] for buyer in buyers)
        shelves = {route: _shelf(route) for route in ("cross_border_retail", "general_trade")}
        _fill([*shelves["cross_border_retail"], *shelves["general_trade"]])
    ids = tuple(buyer.id for buyer in buyers)
    return Subject(app, ids, tokens, shelves["cross_border_retail"], shelves["general_trade"])


def _buyer() -> accounts.Actor:
    email = f"bench-{uuid.uuid4().hex[:12]}@landfall.example"
    buyer = accounts.register(email, "a password of the bench", "Bench")
    addresses.add(buyer.id, dict(seed.HOME))
    return buyer


def _shelf(route: str) -> tuple[uuid.UUID, ...]:
    """Published listings of one merchant with stock: an order of three of them is one order."""
    on_sale = (Listing.route == route, Listing.status == "published", Listing.hindrance.is_(None))
    stocked = select(Listing.id, Listing.merchant_id).join(Lot, Lot.listing_id == Listing.id).where(*on_sale).distinct()
    merchant = db.session.execute(
        select(stocked.subquery().c.merchant_id).group_by(text("merchant_id")).order_by(func.count().desc()).limit(1)
    ).scalar_one()
    rows = stocked.where(Listing.merchant_id == merchant).order_by(Listing.id).limit(1000)
    found = tuple(row.id for row in db.session.execute(rows))
    db.session.rollback()
    if len(found) < 3:
        raise LookupError(f"the shelf has fewer than three {route} listings of one merchant; seed it first")
    return found


def _fill(listing_ids: list[uuid.UUID]) -> None:
    """Straight into the lots: what is measured is taking out, not filling up."""
    with transaction() as session:
        session.execute(update(Lot).where(Lot.listing_id.in_(listing_ids)).values(on_hand=STOCK, expires_on=None))


def _three(shelf: tuple[uuid.UUID, ...], number: int) -> list[Item]:
    first = number * 37 % len(shelf)
    return [Item(shelf[(first + step) % len(shelf)], Decimal(1)) for step in range(3)]


def quote(subject: Subject) -> Callable[[], None]:
    """One call quotes three retail lines, explanation and token included, in process."""
    numbers = itertools.count()

    def once() -> None:
        with subject.app.app_context():
            answer = quotes.quote(_three(subject.retail, next(numbers)), None, None)
        if not answer["orders"]:
            raise AssertionError(f"nothing was quoted: {answer['blocked']}")

    return once


def place(subject: Subject) -> Callable[[], None]:
    """One call places an order of three lines and has its intent, in process and without the HTTP around it."""
    numbers, lock = itertools.count(), threading.Lock()

    def once() -> None:
        with lock:
            number = next(numbers)
        buyer = subject.buyers[number % len(subject.buyers)]
        with subject.app.app_context():
            purchase_id = checkout.place(buyer, uuid.uuid4(), items=_three(subject.domestic, number))
            checkout.pay_for(purchase_id)

    return once


def request(subject: Subject) -> Callable[[int], tuple[bytes, dict[str, str]]]:
    """Body and headers of `POST /api/v1/shop/orders` number n, for a load over HTTP."""

    def make(number: int) -> tuple[bytes, dict[str, str]]:
        items = [
            {"listing_id": str(item.listing_id), "quantity": str(item.quantity)}
            for item in _three(subject.domestic, number)
        ]
        headers = {
            "Authorization": f"Bearer {subject.tokens[number % len(subject.tokens)]}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        return json.dumps({"items": items}).encode(), headers

    return make
