"""The gateway against the sandbox process, its scripted faults, and a peer that answers whatever it likes."""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import stripe

from shop.stripe_gateway import GatewayRefused, GatewayUnavailable, StripeGateway
from shop.stripe_objects import Intent

ROOT = Path(__file__).parents[2]
KEY = "sk_test_gateway_secret"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox of our own."""
    command = [sys.executable, "-m", "sandboxes.stripe", "--port", "0", "--journal", str(tmp_path_factory.mktemp("s"))]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert select.select([process.stdout], [], [], 20)[0], "the sandbox did not start"
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found
    yield found[0]
    process.terminate()
    process.wait(timeout=10)


def helper(base: str, path: str, body: Any = None, method: str = "POST") -> None:
    data = json.dumps(body).encode() if body is not None else None
    urllib.request.urlopen(urllib.request.Request(base + path, data, method=method), timeout=10).close()


@pytest.fixture
def gateway(base: str) -> Iterator[StripeGateway]:
    helper(base, "/sandbox/faults", method="DELETE")
    found = StripeGateway(KEY, base, timeout_seconds=1.0)
    yield found
    found.close()


@pytest.fixture
def script(base: str) -> Callable[..., None]:
    def add(fault: str, method: str = "POST", path: str = "/v1/", **rest: Any) -> None:
        helper(base, "/sandbox/faults", {"fault": fault, "match": {"method": method, "path_prefix": path}, **rest})

    return add


def create(gateway: StripeGateway, key: str, amount: int = 33_532) -> Intent:
    return gateway.create_intent(amount, "cny", key, {"purchase": key}, "Landfall", ["card", "alipay"])


def pay(base: str, intent: Intent, method: str = "pm_card_visa", **rest: Any) -> None:
    client = stripe.StripeClient("sk_test_buyer", base_addresses={"api": base})
    client.v1.payment_intents.confirm(intent.id, {"payment_method": method, **rest})


def test_an_intent_is_created_paid_and_read(gateway: StripeGateway, base: str) -> None:
    made = create(gateway, "k1")
    assert (made.amount_fen, made.currency, made.status) == (33_532, "cny", "requires_payment_method")
    assert (made.metadata, made.charge, made.received_fen) == ({"purchase": "k1"}, None, 0)
    assert made.client_secret.startswith(f"{made.id}_secret_")
    client = stripe.StripeClient("sk_test_buyer", base_addresses={"api": base})
    method = client.v1.payment_methods.create(
        {"type": "card", "card": {"token": "tok_visa"}, "billing_details": {"name": "张三"}}
    )
    pay(base, made, method.id)
    found = gateway.retrieve_intent(made.id)
    assert (found.status, found.received_fen) == ("succeeded", 33_532)
    assert found.charge
    assert (found.charge.id, found.charge.captured_fen, found.charge.payer_name) == (
        found.latest_charge,
        33_532,
        "张三",
    )
    assert (found.charge.method_type, found.charge.transaction_id) == ("card", None)


def test_each_result_carries_the_bytes_and_no_key(gateway: StripeGateway) -> None:
    made = create(gateway, "k2")
    assert made.raw_request.startswith("POST http://127.0.0.1:")
    assert "amount=33532" in made.raw_request
    assert json.loads(made.raw_response)["id"] == made.id
    assert made.exchange.status == 200
    assert KEY not in made.raw_request
    assert made.client_secret not in repr(made)
    assert made.raw_response not in repr(made)


def test_the_same_key_is_the_same_intent(gateway: StripeGateway) -> None:
    assert create(gateway, "k3").raw_response == create(gateway, "k3").raw_response
    with pytest.raises(GatewayRefused) as refused:
        create(gateway, "k3", 1)
    assert refused.value.code == "idempotency_error"


def test_refunds_stop_at_what_was_captured(gateway: StripeGateway, base: str) -> None:
    made = create(gateway, "k4", 100)
    pay(base, made)
    first = gateway.refund(made.id, 60, "r1", {"order": "o1"})
    assert (first.amount_fen, first.status, first.intent_id) == (60, "succeeded", made.id)
    assert gateway.refund(made.id, 60, "r1", {"order": "o1"}).id == first.id
    with pytest.raises(GatewayRefused) as refused:
        gateway.refund(made.id, 60, "r2", {})
    assert refused.value.exchange.status == 400
    gateway.refund(made.id, 40, "r3", {})
    with pytest.raises(GatewayRefused) as refused:
        gateway.refund(made.id, 1, "r4", {})
    assert refused.value.code == "charge_already_refunded"
    assert [found.amount_fen for found in gateway.list_refunds(made.id)] == [40, 60]
    assert gateway.retrieve_refund(first.id).metadata == {"order": "o1"}


def test_cancel_capture_and_unknown_objects(gateway: StripeGateway, base: str) -> None:
    assert gateway.cancel_intent(create(gateway, "k5").id, "c5").status == "canceled"
    paid = create(gateway, "k6")
    pay(base, paid)
    with pytest.raises(GatewayRefused) as refused:
        gateway.cancel_intent(paid.id, "c6")
    assert refused.value.code == "payment_intent_unexpected_state"
    held = create(gateway, "k7", 1_000)
    client = stripe.StripeClient("sk_test_buyer", base_addresses={"api": base})
    client.v1.payment_intents.update(held.id, {"payment_method_options": {"card": {"capture_method": "manual"}}})
    pay(base, held)
    assert gateway.retrieve_intent(held.id).capturable_fen == 1_000
    assert gateway.capture(held.id, 900, "p7").received_fen == 900
    with pytest.raises(GatewayRefused) as refused:
        gateway.retrieve_intent("pi_nowhere")
    assert refused.value.code == "resource_missing"


def test_the_reconciler_sees_every_intent_once(gateway: StripeGateway, base: str) -> None:
    began = int(time.time())
    made = [create(gateway, f"list{i}", 1).id for i in range(103)]
    pay(base, gateway.retrieve_intent(made[0]))
    found = {each.id: each for each in gateway.list_intents(began)}
    assert set(made) <= set(found)
    charge = found[made[0]].charge
    assert charge is not None
    assert charge.captured_fen == 1
    assert not list(gateway.list_intents(int(time.time()) + 3_600))


def test_merchants_are_paid_and_pay_back(gateway: StripeGateway, base: str) -> None:
    pay(base, create(gateway, "k8", 5_000))
    account = gateway.create_account("m@example.com", "a1", {"merchant": "m1"})
    sent = gateway.transfer(3_000, "cny", account, "t1", {"order": "o1"})
    assert (sent.amount_fen, sent.destination, sent.reversed_fen) == (3_000, account, 0)
    assert gateway.reverse_transfer(sent.id, 1_000, "v1").reversed_fen == 1_000
    with pytest.raises(GatewayRefused):
        gateway.reverse_transfer(sent.id, 2_001, "v2")


def test_a_dispute_is_read(gateway: StripeGateway, base: str) -> None:
    made = create(gateway, "k9", 100)
    with pytest.raises(GatewayRefused):
        gateway.retrieve_dispute("du_nowhere")
    pay(base, made)
    helper(base, "/sandbox/disputes", {"payment_intent": made.id})
    client = stripe.StripeClient("sk_test_buyer", base_addresses={"api": base})
    found = gateway.retrieve_dispute(client.v1.disputes.list({"payment_intent": made.id}).data[0].id)
    assert (found.amount_fen, found.intent_id, found.status) == (100, made.id, "needs_response")


@pytest.mark.parametrize("fault", ["http_500", "timeout_after_success"])
def test_one_stumble_is_survived_by_the_retry(gateway: StripeGateway, script: Callable[..., None], fault: str) -> None:
    script(fault, seconds=5)
    made = create(gateway, f"stumble-{fault}")
    assert [
        found.id for found in gateway.list_intents(made.created) if found.metadata["purchase"] == f"stumble-{fault}"
    ] == [made.id]


@pytest.mark.parametrize("fault", ["http_500", "http_429", "html_page", "malformed_json", "error_after_success"])
def test_an_outcome_that_is_not_known_is_unavailable(
    gateway: StripeGateway, script: Callable[..., None], fault: str
) -> None:
    script(fault, times=2)
    with pytest.raises(GatewayUnavailable) as unknown:
        create(gateway, f"unknown-{fault}")
    assert KEY not in str(unknown.value)
    assert "<html>" not in str(unknown.value)
    assert unknown.value.exchange.request.startswith("POST ")


def test_a_timeout_after_the_capture_is_found_by_reading_again(gateway: StripeGateway, base: str, script: Any) -> None:
    made = create(gateway, "late")
    pay(base, made)
    script("timeout_after_success", path="/v1/refunds", times=2, seconds=5)
    began = time.monotonic()
    with pytest.raises(GatewayUnavailable):
        gateway.refund(made.id, 100, "late-refund", {})
    assert time.monotonic() - began < 4
    assert [found.amount_fen for found in gateway.list_refunds(made.id)] == [100]
    assert gateway.refund(made.id, 100, "late-refund", {}).amount_fen == 100
    assert len(list(gateway.list_refunds(made.id))) == 1


def test_another_amount_or_currency_is_reported_as_it_came(gateway: StripeGateway, script: Callable[..., None]) -> None:
    script("other_amount")
    assert create(gateway, "lie1", 100).amount_fen == 101
    script("other_currency")
    assert create(gateway, "lie2", 100).currency == "usd"


def test_a_key_that_stripe_does_not_take_is_not_the_buyers_fault(base: str) -> None:
    with pytest.raises(GatewayUnavailable) as unknown:
        create(StripeGateway("sk_live_wrong_key", base, 1.0), "auth")
    assert "wrong_key" not in str(unknown.value)


def test_a_declined_card_names_its_code(gateway: StripeGateway, base: str) -> None:
    made = create(gateway, "declined")
    with pytest.raises(stripe.CardError):
        pay(base, made, "pm_card_visa_chargeDeclinedInsufficientFunds")
    found = gateway.retrieve_intent(made.id)
    assert (found.status, found.failure_code, found.received_fen) == (
        "requires_payment_method",
        "insufficient_funds",
        0,
    )


def test_an_idempotency_key_is_required(gateway: StripeGateway) -> None:
    with pytest.raises(ValueError, match="idempotency"):
        create(gateway, "")


class Peer:
    """Something on Stripe's port that plays by no rules: `play` gets each connection after the question was read."""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._play = play
        self._stop = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            try:
                self._play(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


def _trickle(head: bytes) -> Callable[[socket.socket], None]:
    def play(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(600):
            connection.sendall(b" ")
            time.sleep(0.1)

    return play


def _say(body: bytes, status: bytes = b"200 OK", head: bytes = b"Content-Type: application/json\r\n") -> Any:
    text = (
        b"HTTP/1.1 " + status + b"\r\n" + head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    )
    return lambda connection: connection.sendall(text)


INTENT = {
    "id": "pi_1", "object": "payment_intent", "client_secret": "s", "amount": 1, "amount_received": 0,
    "amount_capturable": 0, "currency": "cny", "status": "succeeded", "created": 1, "metadata": {}, "latest_charge": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "play",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"\x00\xff\x00\xff"),
        _trickle(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        _trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"),
        _trickle(b"HTTP/1.1 200 OK\r\n\r\n{}"),
        _say(b""),
        _say(b"null"),
        _say(b"[]"),
        _say(b"{}"),
        _say(b'"x"'),
        _say(b"[" * 100_000),
        _say(b"\xff\xfe"),
        _say(b"<html>no</html>"),
        _say(b'{"error": "broken"}', b"400 Bad Request"),
        _say(b'{"error": []}', b"402 Payment Required"),
        _say(b"{}", b"400 Bad Request"),
        _say(b"", b"302 Found", b"Location: http://127.0.0.1:1/elsewhere\r\n"),
        _say(b" " * (5 << 20)),
        *(
            _say(json.dumps(INTENT | change).encode())
            for change in (
                {"amount": "1"},
                {"amount": 1.0},
                {"amount": True},
                {"amount": -1},
                {"amount": float("nan")},
                {"amount": 10**30},
                {"currency": None},
                {"status": "fine"},
                {"object": "charge"},
                {"id": None},
                {"metadata": [1]},
                {"latest_charge": {"id": "ch_1"}},
            )
        ),
        _say(json.dumps(INTENT).replace('"amount": 1,', '"amount": 1, "amount": 2,').encode()),
    ],
)
def test_a_hostile_answer_is_unavailable_and_in_time(play: Any) -> None:
    peer = Peer(play)
    gateway = StripeGateway(KEY, peer.base, timeout_seconds=0.5)
    began = time.monotonic()
    try:
        with pytest.raises(GatewayUnavailable):
            gateway.retrieve_intent("pi_1")
    finally:
        gateway.close()
        peer.close()
    assert time.monotonic() - began < 3


def test_the_peer_of_these_tests_can_also_be_believed() -> None:
    peer = Peer(_say(json.dumps(INTENT).encode()))
    gateway = StripeGateway(KEY, peer.base, timeout_seconds=0.5)
    assert gateway.retrieve_intent("pi_1").amount_fen == 1
    peer.close()


def test_threads_share_a_gateway_and_keep_their_own_bytes(gateway: StripeGateway) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: create(gateway, f"thread{i}", 1_000 + i), range(40)))
    for i, each in enumerate(made):
        assert f"amount={1_000 + i}&" in each.raw_request
        assert json.loads(each.raw_response)["id"] == each.id
        assert each.amount_fen == 1_000 + i


def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(GatewayUnavailable) as unknown:
        create(StripeGateway(KEY, base, 0.5), "nobody")
    assert unknown.value.exchange.status is None


def test_the_default_budget_stays_under_twenty_seconds() -> None:
    gateway = StripeGateway(KEY, "http://127.0.0.1:1")
    assert gateway._budget < 20
