"""What of the checkout is measured: quoting and placing beside the bare ones, and the whole of it until it is paid.

The whole checkout is what a buyer's money goes through: quote, order on the quote, Stripe's signed notice, and the
worker's job that applies it. A checkout counts when its purchase is paid.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import psycopg

from bench import catalog, shop
from bench import orders as many
from bench.load import Ask, Door, together
from bench.shop import Subject

CONNECTIONS = 16
QUOTE, ORDER, WHOLE, FULL = 0.35, 0.45, 150.0, 0.9
INSERT = Ask("/order", "POST", lambda _n: (b"", {}), (201,))
INSERT_NAME = "bare insert of order + 3"
_WAIT = 60.0


def figures(subject: Subject) -> Iterator[catalog.Figure]:
    """Name, our request, the bare one, what that does, and the target."""
    one = Ask("/one/5000")
    yield "quote of 3 retail lines", shop.quote(subject, "retail"), one, "bare indexed SELECT", QUOTE
    yield "the same, signed in", shop.quote(subject, "retail", signed_in=True), one, "bare indexed SELECT", None
    yield "quote of 3 domestic lines", shop.quote(subject, "domestic"), one, "bare indexed SELECT", None
    yield from orders(subject)


def orders(subject: Subject) -> Iterator[catalog.Figure]:
    """The same for placing alone: hold, allowance, payment, job."""
    yield "order of 3 retail lines", shop.order(subject, "retail"), INSERT, INSERT_NAME, ORDER
    yield "order of 3 domestic lines", shop.order(subject, "domestic"), INSERT, INSERT_NAME, ORDER


def fill(subject: Subject, superuser: str, count: int) -> None:
    """So many orders more in the database, like the one paid last."""
    with psycopg.connect(superuser) as connection:
        found = connection.execute("SELECT id FROM purchase WHERE status = 'paid' ORDER BY id DESC LIMIT 1").fetchone()
    if found is None:
        raise LookupError("no purchase has been paid yet")
    many.fill(superuser, count, subject.buyers, found[0])


def whole(port: int, subject: Subject, conninfo: str, shelf: str, seconds: float) -> tuple[float, float]:
    """Checkouts paid a second, of those begun within `seconds` and until the last is applied; and how long that took
    after the last notice. Raises AssertionError when one of them is not paid."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        started, before = time.perf_counter(), _paid(connection)
        begun = _begin(port, subject, shelf, started + seconds)
        noticed = time.perf_counter()
        while _waiting(connection):
            assert time.perf_counter() < noticed + _WAIT, "the worker does not apply what Stripe has said"
            time.sleep(0.02)
        ended = time.perf_counter()
        paid = _paid(connection) - before
    assert paid == begun, f"{begun} checkouts, {paid} of them paid"
    return paid / (ended - started), ended - noticed


def _begin(port: int, subject: Subject, shelf: str, until: float) -> int:
    numbers, counts = itertools.count(), [0] * CONNECTIONS

    def work(slot: int) -> None:
        door = Door(port)
        while time.perf_counter() < until:
            number = next(numbers)
            quote = json.loads(door.ask(shop.quote(subject, shelf, signed_in=True), number))["quote"]
            placed = json.loads(door.ask(shop.order_of(subject, quote), number))
            door.ask(shop.confirmation(subject, placed["payment"]["intent"]), number)
            counts[slot] += 1
        door.close()

    together(CONNECTIONS, work)
    return sum(counts)


def _paid(connection: psycopg.Connection) -> int:
    """Purchases that a notice was about and that are paid: those of other figures may be found paid by others."""
    found = connection.execute(
        "SELECT count(*) FROM stripe_event JOIN payment ON payment.intent_id = stripe_event.object_id"
        " JOIN purchase ON purchase.id = payment.purchase_id WHERE purchase.status = 'paid'"
    ).fetchone()
    return int(found[0]) if found else 0


def _waiting(connection: psycopg.Connection) -> bool:
    found = connection.execute("SELECT EXISTS (SELECT FROM stripe_event WHERE applied_at IS NULL)").fetchone()
    return bool(found and found[0])
