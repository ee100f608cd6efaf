"""What one merchant's server does holds no other's calls up."""

from __future__ import annotations

import socketserver
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from core.database import transaction
from shop import notify
from shop.notification_models import Delivery, DeliveryAttempt, WebhookEndpoint
from shop.notifications import calls, endpoints, outbox
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.notifications.conftest import Receiver

Send = Callable[[], None]
FACTS = {"order": "7", "number": "LF1", "total": "335.32"}


class RawServer(socketserver.ThreadingTCPServer):
    """Says `says` after a wait, and counts how many it was asked by at once."""

    request_queue_size = 128
    daemon_threads = True
    says = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    wait, calls, inside, most = 0.0, 0, 0, 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Raw)
        self.counting = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Raw(socketserver.StreamRequestHandler):
    server: RawServer

    def handle(self) -> None:
        told = self.server
        with told.counting:
            told.calls, told.inside = told.calls + 1, told.inside + 1
            told.most = max(told.most, told.inside)
        self.connection.recv(65536)
        time.sleep(told.wait)
        with told.counting:
            told.inside -= 1
        self.wfile.write(told.says)


@pytest.fixture
def other() -> Iterator[RawServer]:
    with RawServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def tell(shelf: Shelf, **facts: Any) -> None:
    with transaction() as session:
        notify.merchant(session, shelf.merchant_id, "order_paid", **{**FACTS, **facts})


def subscribe(shelf: Shelf, url: str) -> uuid.UUID:
    return uuid.UUID(endpoints.create(shelf.owner.id, shelf.merchant_id, url, ["order_paid"])["id"])


def test_a_slow_server_has_four_places_and_the_others_theirs(
    context: None, shelf: Shelf, receiver: Receiver, other: RawServer
) -> None:
    quick = builders.open_shelf()
    other.wait = 0.5
    for _ in range(2):
        subscribe(shelf, other.url)
    subscribe(quick, receiver.url)
    for number in range(20):
        tell(shelf, number=f"LF{number}")
    tell(quick)
    outbox.make_out()
    came: list[float] = []
    receiver.before = lambda: came.append(time.monotonic() - begun)
    begun = time.monotonic()
    tried = calls.send_due(begun + 1.2)
    assert len(came) == 1
    assert came[0] < 0.5
    assert other.most == calls.OF_ONE_MERCHANT
    assert 2 * calls.OF_ONE_MERCHANT <= other.calls == tried - 1 < 40  # its places were filled again, until the time


def test_a_nul_in_an_answer_is_no_fault_of_ours(send: Send, shelf: Shelf, receiver: Receiver, other: RawServer) -> None:
    other.says = b"NO\x00PE 200 x\r\n\r\n"
    evil = subscribe(shelf, other.url)
    good = subscribe(shelf, receiver.url)
    receiver.answer = b"thank\x00you"
    tell(shelf)
    send()
    found = {row.endpoint_id: row for row in state.fresh().scalars(select(Delivery))}
    assert (found[evil].status, found[good].status) == ("waiting", "sent")
    tries = {row.delivery_id: row for row in state.fresh().scalars(select(DeliveryAttempt))}
    assert "NOPE" in (tries[found[evil].id].fault or "")
    assert tries[found[good].id].answer == "thankyou"


def test_a_secret_that_no_key_opens_is_a_failed_try(send: Send, shelf: Shelf, receiver: Receiver) -> None:
    lost = subscribe(shelf, receiver.url)
    subscribe(shelf, receiver.url)
    with transaction() as session:
        session.get_one(WebhookEndpoint, lost).secret = b"sealed under a key that is gone"
    tell(shelf)
    send()
    assert len(receiver.calls) == 1
    (delivery,) = state.fresh().scalars(select(Delivery).where(Delivery.endpoint_id == lost))
    (tried,) = state.fresh().scalars(select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery.id))
    assert (delivery.status, tried.status) == ("waiting", None)
    assert "secret" in (tried.fault or "")


def test_another_url_has_not_failed_yet(send: Send, shelf: Shelf, receiver: Receiver) -> None:
    moved = subscribe(shelf, "http://127.0.0.1:9/")
    tell(shelf)
    send()
    assert endpoints.one(shelf.merchant_id, moved)["failing_since"]
    changed = endpoints.change(shelf.owner.id, shelf.merchant_id, moved, {"url": receiver.url})
    assert changed["failing_since"] is None
