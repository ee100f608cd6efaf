"""Fixtures of the shop: an application context, a shelf, a Stripe in process, and jobs run when the test says so."""

from __future__ import annotations

import contextvars
import hashlib
import hmac
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from core import clock, config, jobs
from core.accounts import Actor
from core.config import ClockSetting
from core.database import db
from core.errors import Problem
from shop import checkout, exchanges, orders
from shop.quotes import Item
from tests.shop import builders, trade
from tests.shop.builders import FakeStripe, Shelf


@pytest.fixture
def context(app: Any, database_url: str) -> Iterator[None]:
    """The application context that services need."""
    with app.app_context():
        yield
        db.session.remove()


class Client(FlaskClient):
    """Requests in a context of their own, as a server's are, though the test holds one for the services."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture
def client(app: Any) -> Client:
    return Client(app, app.response_class)


@pytest.fixture
def stripe(app: Any) -> Iterator[FakeStripe]:
    fake = FakeStripe()
    exchanges.set_gateway(fake)
    yield fake
    exchanges.set_gateway(None)


@pytest.fixture
def shelf(context: None) -> Shelf:
    return builders.open_shelf()


@pytest.fixture
def run_jobs(app: Any, context: None) -> Callable[..., None]:
    """Run the shop's jobs that are due now, those they enqueue included; customs' jobs are left to customs' tests."""

    def run(prefix: str = "shop.") -> None:
        for _ in range(50):
            rows = db.session.execute(
                text(
                    "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo'"
                    " AND (scheduled_at IS NULL OR scheduled_at <= now()) AND task_name LIKE :prefix ORDER BY id"
                ),
                {"prefix": f"{prefix}%"},
            ).all()
            db.session.rollback()
            if not rows:
                return
            for row in rows:
                jobs._tasks[row.task_name].run(**row.args)
                db.session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": row.id})
                db.session.commit()
        raise AssertionError("the jobs never end")

    return run


@pytest.fixture
def move_clock() -> Iterator[Callable[[int], None]]:
    """Shift the application's clock by seconds."""
    yield lambda seconds: clock.set_clock(ClockSetting(offset=timedelta(seconds=seconds)))
    clock.set_clock(ClockSetting())


Order = Callable[..., dict[str, Any]]


@pytest.fixture
def place(stripe: FakeStripe, shelf: Shelf) -> Order:
    """Place an order of (listing, quantity) pairs as the API does, and answer as it does."""

    def order(buyer: Actor, *items: tuple[uuid.UUID, str], attempt: uuid.UUID | None = None) -> dict[str, Any]:
        wants = [Item(listing_id, Decimal(quantity)) for listing_id, quantity in items]
        purchase_id = checkout.place(buyer.id, attempt or uuid.uuid4(), items=wants)
        checkout.pay_for(purchase_id)
        return orders.purchase_of(buyer.id, purchase_id)

    return order


@pytest.fixture
def buyer(context: None) -> Actor:
    """Who buys for a verified company."""
    return trade.company_account()


@pytest.fixture
def post(client: Any) -> Callable[..., Any]:
    """A POST to the shop's API by somebody; without a body when none is given."""

    def send(actor: Actor, path: str, body: Any = None, *, key: str | None = None) -> Any:
        headers = builders.token_of(actor) | ({"Idempotency-Key": key} if key else {})
        sent = {} if body is None else {"json": body}
        return client.post(f"/api/v1/shop{path}", headers=headers, **sent)

    return send


@pytest.fixture
def together(app: Any) -> Callable[..., Counter[str]]:
    """Take all steps at the same moment, each in a thread of its own, and count how they ended: done, or the code of the
    refusal. With `within` seconds each starts a random while later, so that they meet in other orders too.
    """

    def run(steps: Sequence[Callable[[], Any]], within: float = 0) -> Counter[str]:
        gate = Barrier(len(steps))

        def one(step: Callable[[], Any]) -> str:
            with app.app_context():
                gate.wait()
                time.sleep(random.uniform(0, within))
                try:
                    step()
                except Problem as refusal:
                    return refusal.code
                return "done"

        with ThreadPoolExecutor(len(steps)) as pool:
            return Counter(pool.map(one, steps))

    return run


@pytest.fixture
def notify(client: Any) -> Callable[..., Any]:
    """Send a signed webhook about an object, as Stripe does."""

    def send(object_id: str, kind: str = "payment_intent.succeeded", event_id: str | None = None, **other: Any) -> Any:
        raw = webhook_body(object_id, kind, event_id)
        header = other.pop("header") if "header" in other else sign(raw, **other)
        return client.post("/api/v1/shop/stripe/webhook", data=raw, headers={"Stripe-Signature": header})

    return send


def webhook_body(object_id: str, kind: str = "payment_intent.succeeded", event_id: str | None = None) -> bytes:
    about = {"id": object_id, "object": kind.split(".")[0]}
    event = {
        "id": event_id or f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "data": {"object": about},
    }
    return json.dumps(event).encode()


def sign(raw: bytes, *, secret: str | None = None, at: int | None = None) -> str:
    stamp = int(time.time()) if at is None else at
    key = (config.current().stripe_webhook_secret if secret is None else secret).encode()
    return f"t={stamp},v1={hmac.new(key, f'{stamp}.'.encode() + raw, hashlib.sha256).hexdigest()}"
