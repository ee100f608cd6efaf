"""Who buys what in the measurements: many buyers with an address and an identity each, stock that does not run out.

Retail buyers have an allowance for a year, which is really held and used; so they are many, and buy what is cheap and
under no weight cap.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import Flask
from sqlalchemy import func, select, text, update
from stdnum.cn import ric

from bench.load import Ask
from bench.stripe import InstantStripe, paid
from catalog import categories
from catalog.models import Listing, Lot
from core import accounts, clock
from core.database import db, transaction
from customs import edition, persons
from shop import addresses, exchanges, seed

BUYERS = 250
STOCK = Decimal(1_000_000_000)
SHELF_MOST = 200
ROUTES = {"domestic": "general_trade", "retail": "cross_border_retail"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Tokens of buyers, and by name (`domestic`, `retail`) a shelf of one merchant: three of it are one order."""

    app: Flask
    buyers: tuple[uuid.UUID, ...]
    tokens: tuple[str, ...]
    shelves: dict[str, tuple[uuid.UUID, ...]]
    webhook_secret: str


def prepare(app: Flask, webhook_secret: str) -> Subject:
    """Buyers, and shelves filled up; Stripe answered in process (in this process only)."""
    exchanges.set_gateway(InstantStripe())
    with app.app_context():
        buyers = tuple(_buyers())
        tokens = tuple(accounts.issue_token(buyer)[0] for buyer in buyers)
        shelves = {name: _shelf(route) for name, route in ROUTES.items()}
        _fill([listing for shelf in shelves.values() for listing in shelf])
    return Subject(app, tuple(buyer.id for buyer in buyers), tokens, shelves, webhook_secret)


def _buyers() -> Sequence[accounts.Actor]:
    """One password for all of them: to hash it anew for each would take longer than the measurement."""
    first = accounts.register(f"bench-{uuid.uuid4().hex[:12]}@landfall.example", "a password of the bench", "Bench")
    found = [first, *(_like(first) for _ in range(BUYERS - 1))]
    for number, buyer in enumerate(found):
        phone = f"139{uuid.uuid4().int % 10**8:08d}"
        addresses.add(buyer.id, {**seed.HOME, "phone": phone, "street": f"文三路{number}号{uuid.uuid4().hex[:6]}"})
        persons.set_identity(buyer.id, "王芳", _identity_number(), phone)
    return found


def _like(first: accounts.Actor) -> accounts.Actor:
    with transaction() as session:
        known = session.get_one(accounts.User, first.id)
        email = f"bench-{uuid.uuid4().hex[:12]}@landfall.example"
        user = accounts.User(email=email, password=known.password, name=known.name, fs_uniquifier=uuid.uuid4().hex)
        user.roles = list(known.roles)
        session.add(user)
        session.flush()
        return accounts.actor_of(user)


def _identity_number() -> str:
    chance = uuid.uuid4().int
    body = (
        f"110101{1950 + chance % 50}{1 + chance // 50 % 12:02d}{1 + chance // 600 % 28:02d}{chance // 10**6 % 1000:03d}"
    )
    return body + str(ric.calc_check_digit(body + "0"))


def _shelf(route: str) -> tuple[uuid.UUID, ...]:
    """The cheapest published listings with stock of the merchant who has most of them."""
    on_sale = (Listing.route == route, Listing.status == "published", Listing.hindrance.is_(None))
    stocked = (
        select(Listing.id, Listing.merchant_id, Listing.hs, Listing.origin, Listing.price_fen)
        .join(Lot, Lot.listing_id == Listing.id)
        .where(*on_sale, Lot.blocked.is_(False), Listing.priced_by == "unit")
        .where(Listing.category.not_in(categories.between_companies()))
        .distinct()
        .subquery()
    )
    most = select(stocked.c.merchant_id).group_by(text("merchant_id")).order_by(func.count().desc(), text("1")).limit(1)
    rows = select(stocked).where(stocked.c.merchant_id == most.scalar_subquery()).order_by(stocked.c.price_fen)
    found = [row.id for row in db.session.execute(rows) if _free(row.hs, row.origin)][:SHELF_MOST]
    db.session.rollback()
    if len(found) < 3:
        raise LookupError(f"the shelf has fewer than three {route} listings of one merchant; seed it first")
    return tuple(sorted(found))


def _free(hs: str, origin: str) -> bool:
    """Neither banned of this origin nor under a weight cap."""
    law, day = edition.tariff(), clock.today()
    entry = law.positive_list(hs[:8], day)
    return law.import_ban(hs, origin, day) is None and (entry is None or entry.cap_kg is None)


def _fill(listing_ids: list[uuid.UUID]) -> None:
    """Straight into the lots: what is measured is taking out, not filling up."""
    with transaction() as session:
        session.execute(update(Lot).where(Lot.listing_id.in_(listing_ids)).values(on_hand=STOCK, expires_on=None))


def _items(subject: Subject, shelf: str, number: int) -> list[dict[str, str]]:
    listings = subject.shelves[shelf]
    first = number * 37 % len(listings)
    return [{"listing_id": str(listings[(first + step) % len(listings)]), "quantity": "1"} for step in range(3)]


def _headers(subject: Subject, number: int) -> dict[str, str]:
    token = subject.tokens[number % len(subject.tokens)]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def quote(subject: Subject, shelf: str, *, signed_in: bool = False) -> Ask:
    """A quote of three lines, explanation and token included; of nobody, or of buyer n."""

    def make(number: int) -> tuple[bytes, dict[str, str]]:
        headers = _headers(subject, number) if signed_in else {"Content-Type": "application/json"}
        return json.dumps({"items": _items(subject, shelf, number)}).encode(), headers

    return Ask("/api/v1/shop/quotes", "POST", make)


def _order(body: Callable[[int], dict[str, object]], subject: Subject) -> Ask:
    def make(number: int) -> tuple[bytes, dict[str, str]]:
        headers = {**_headers(subject, number), "Idempotency-Key": uuid.uuid4().hex}
        return json.dumps(body(number)).encode(), headers

    return Ask("/api/v1/shop/orders", "POST", make, (201,))


def order(subject: Subject, shelf: str) -> Ask:
    """An order of three lines at their price now, by buyer n."""
    return _order(lambda number: {"items": _items(subject, shelf, number)}, subject)


def order_of(subject: Subject, token: str) -> Ask:
    """An order on a quote."""
    return _order(lambda _number: {"quote": token}, subject)


def confirmation(subject: Subject, intent_id: str) -> Ask:
    """Stripe's notice that the buyer has paid."""
    return Ask("/api/v1/shop/stripe/webhook", "POST", lambda _number: paid(intent_id, subject.webhook_secret))
