"""Orders of which a merchant is to be paid: sold, sent, and as old as a test wants them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import select

from core import clock
from core.accounts import Actor
from core.database import transaction
from customs.models import Declaration
from shop import filing, fulfilment, payments, payout_accounts
from shop.payout_models import Payout
from tests.shop import builders, state
from tests.shop.builders import FakeStripe, Shelf
from tests.shop.conftest import sign, webhook_body

DAY = 86400


def sell(place: Any, stripe: FakeStripe, buyer: Actor, *items: tuple[uuid.UUID, str]) -> dict[str, Any]:
    """A paid purchase, as its placing answered; `order` is its first order's id."""
    answer = place(buyer, *items)
    stripe.pay(answer["payment"]["intent"], payer="王芳")
    payments.look(uuid.UUID(answer["purchase"]))
    first = answer["orders"][0]
    return {**answer, "buyer": buyer, "order": uuid.UUID(first["id"]), "number": first["number"]}


def release(sold: dict[str, Any]) -> None:
    """Customs lets a declared retail order in, today."""
    number, today = sold["number"], clock.today()
    with transaction() as session:
        declaration = session.scalars(select(Declaration).where(Declaration.order_number == number)).one()
        declaration.status, declaration.released_on, declaration.released_at = "released", today, clock.now()
        session.flush()
        filing.on_declaration(session, number, "released", {"day": today.isoformat()})


def send(shelf: Shelf, sold: dict[str, Any]) -> None:
    fulfilment.ship(shelf.owner, sold["order"], clock.now())


def sent_order(
    place: Any, stripe: FakeStripe, shelf: Shelf, run_jobs: Any, price_fen: int = 10000, quantity: str = "1"
) -> dict[str, Any]:
    """A retail order that is released and has been sent."""
    crab = builders.put_listing(shelf, price_fen=price_fen)
    sold = sell(place, stripe, builders.buyer(), (crab, quantity))
    run_jobs("shop.file")
    release(sold)
    send(shelf, sold)
    return sold


def open_account(shelf: Shelf) -> str:
    """The merchant's account for payouts, ready."""
    assert payout_accounts.open_for(shelf.merchant_id, "test")["state"] == "ready"
    return "ready"


def payouts() -> list[Payout]:
    return list(state.fresh().scalars(select(Payout).order_by(Payout.id)))


def tell_of(client: Any, object_id: str, kind: str, account: str, secret: str | None = None) -> Any:
    """A signed notice about something of a merchant's Stripe account."""
    raw = json.dumps({**json.loads(webhook_body(object_id, kind)), "account": account}).encode()
    header = {"Stripe-Signature": sign(raw, secret=secret)}
    return client.post("/api/v1/shop/stripe/webhook", data=raw, headers=header)
