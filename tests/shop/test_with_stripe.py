"""The whole payment path against the Stripe sandbox as a process: its SDK calls, its signed webhooks, its faults."""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from core import config
from shop import cancellation, exchanges, expiry
from shop.stripe_gateway import StripeGateway
from tests.shop import builders, state
from tests.shop.test_http import Caller, items
from tests.shop.test_payment import fen

ROOT = Path(__file__).parents[2]
KEY = "sk_test_end_to_end"


class Sandbox:
    """The sandbox's API as a client without an SDK sees it."""

    def __init__(self, base: str) -> None:
        self.base = base

    def post(self, path: str, **fields: str) -> dict[str, Any]:
        data = urllib.parse.urlencode(fields).encode()
        return self._send(path, data, {"Authorization": f"Bearer {KEY}"})

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._send(path, None, {"Authorization": f"Bearer {KEY}"})
        return found

    def helper(self, path: str, body: Any) -> Any:
        return self._send(path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def journal(self, after: int = 0) -> dict[str, Any]:
        """What was done since an entry, for an auditor."""
        found: dict[str, Any] = self._send(f"/sandbox/journal?after={after}&limit=10000", None, {})
        return found

    def _send(self, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data, headers), timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def confirm(self, intent: str, *, card: str = "4242424242424242", name: str | None = "王芳") -> dict[str, Any]:
        given = {"type": "card", "card[number]": card, "card[exp_month]": "12", "card[exp_year]": "2030"}
        if name is not None:
            given["billing_details[name]"] = name
        method = self.post("/v1/payment_methods", **given)
        return self.post(f"/v1/payment_intents/{intent}/confirm", payment_method=method["id"])


@pytest.fixture
def web(app: Any) -> Iterator[str]:
    """Our own application, listening as the sandbox's webhooks need it."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@contextmanager
def started(folder: Path) -> Iterator[Sandbox]:
    """The sandbox as a process of its own, its journal in `folder`."""
    command = [sys.executable, "-m", "sandboxes.stripe", "--port", "0", "--journal", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert select.select([process.stdout], [], [], 20)[0], "the sandbox did not start"
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found
    yield Sandbox(found[0])
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def sandbox(web: str, app: Any, settings: Any, tmp_path: Path) -> Iterator[Sandbox]:
    with started(tmp_path) as box:
        hook = {"url": f"{web}/api/v1/shop/stripe/webhook", "enabled_events[]": "*"}
        secret = box.post("/v1/webhook_endpoints", **hook)["secret"]
        exchanges.set_gateway(StripeGateway(KEY, box.base, timeout_seconds=2.0))
        config.use(replace(settings, stripe_webhook_secret=secret))
        yield box
        config.use(settings)
        exchanges.set_gateway(None)


@pytest.fixture
def bought(sandbox: Sandbox, client: Any, shelf: Any) -> dict[str, Any]:
    crab, buyer = builders.put_listing(shelf, stock="5"), builders.buyer()
    answer = Caller(client, buyer).post("/shop/orders", {"items": items((crab, "2"))}, key=uuid.uuid4().hex)
    body = answer.get_json()
    assert answer.status_code == 201
    return {**body, "buyer": buyer, "crab": crab, "intent": body["payment"]["intent"]}


def until(found: Callable[[], bool], run_jobs: Any, seconds: float = 15) -> None:
    """Run jobs until something holds: webhooks come when they come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run_jobs("shop.")
        if found():
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")


def test_confirming_at_stripe_pays_files_and_a_cancel_pays_back(bought: Any, sandbox: Any, run_jobs: Any) -> None:
    assert sandbox.confirm(bought["intent"])["status"] == "succeeded"
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)
    assert state.purchase_row(bought).captured_fen == fen(bought["total"])
    cancellation.cancel(bought["buyer"], uuid.UUID(bought["orders"][0]["id"]))
    until(lambda: state.statuses(bought) == ["refunded"], run_jobs)
    made = list(exchanges.ask(lambda door: list(door.list_refunds(bought["intent"]))))
    assert [refund.amount_fen for refund in made] == [fen(bought["total"])]
    assert state.books_balance()


def test_a_declined_card_leaves_the_order_payable(bought: Any, sandbox: Any, run_jobs: Any) -> None:
    with pytest.raises(urllib.error.HTTPError):
        sandbox.confirm(bought["intent"], card="4000000000000002")
    run_jobs("shop.")
    assert state.statuses(bought) == ["awaiting_payment"]
    sandbox.confirm(bought["intent"])
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)


def test_another_persons_card_waits_for_a_person(bought: Any, sandbox: Any, run_jobs: Any) -> None:
    sandbox.confirm(bought["intent"], name="Jenny Rosen")
    until(lambda: state.statuses(bought) == ["payment_review"], run_jobs)


def test_lost_webhooks_are_reconciled(bought: Any, sandbox: Any, run_jobs: Any, move_clock: Any) -> None:
    config.use(replace(config.current(), stripe_webhook_secret="whsec_so_that_every_notice_is_refused"))
    sandbox.confirm(bought["intent"])
    move_clock(60)
    expiry.reconcile()
    assert state.statuses(bought) == ["paid"]


def test_expiry_cancels_the_intent_so_that_it_cannot_be_paid(bought: Any, sandbox: Any, move_clock: Any) -> None:
    move_clock(601)
    expiry.expire(uuid.UUID(bought["purchase"]))
    assert state.statuses(bought) == ["cancelled"]
    with pytest.raises(urllib.error.HTTPError):
        sandbox.confirm(bought["intent"])


def test_a_pending_refund_and_one_that_fails(bought: Any, sandbox: Any, run_jobs: Any) -> None:
    """The bank refuses the refund after all: a person is called, nothing is promised twice."""
    from sqlalchemy import select

    from shop.models import Incident

    sandbox.confirm(bought["intent"], card="4000000000007726")
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)
    cancellation.cancel(bought["buyer"], uuid.UUID(bought["orders"][0]["id"]))
    until(lambda: state.refunds() == [(fen(bought["total"]), "promised")], run_jobs)
    until(lambda: bool(exchanges.ask(lambda door: list(door.list_refunds(bought["intent"])))), run_jobs)
    (made,) = exchanges.ask(lambda door: list(door.list_refunds(bought["intent"])))
    sandbox.helper(f"/sandbox/refunds/{made.id}/settle", {"outcome": "failed"})
    until(lambda: state.refunds() == [(fen(bought["total"]), "failed")], run_jobs)
    assert "refund_failed" in state.fresh().scalars(select(Incident.kind)).all()
    assert state.statuses(bought) == ["refunding"]


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "error_after_success", "times": 2},  # both tries of the SDK: the stored 500 comes again for ever
        {"fault": "http_500", "times": 2},
        {"fault": "http_429", "times": 2},
        {"fault": "timeout_after_success", "seconds": 3, "times": 2},
        {"fault": "malformed_json"},
        {"fault": "html_page", "times": 2},
        {"fault": "other_amount"},
    ],
    ids=lambda fault: fault["fault"],
)
def test_whatever_stripe_answers_the_order_is_paid_once(
    sandbox: Any, client: Any, shelf: Any, run_jobs: Any, fault: dict[str, Any]
) -> None:
    """The buyer is told nothing payable until Stripe's answer is good, then pays once (F14 to F17)."""
    match = {"method": "POST", "path_prefix": "/v1/payment_intents"}
    sandbox.helper("/sandbox/faults", {**fault, "match": match})
    buyer, crab = Caller(client, builders.buyer()), builders.put_listing(shelf)
    placed = buyer.post("/shop/orders", {"items": items((crab, "1"))}, key="k")
    assert placed.status_code == 201
    answer = placed.get_json()
    assert answer["payment"] is None
    asked = [buyer.post(f"/shop/purchases/{answer['purchase']}/payment", key=f"p{n}") for n in range(3)]
    assert asked[-1].status_code == 201
    sandbox.confirm(asked[-1].get_json()["intent"])
    until(lambda: state.statuses(answer) == ["declared"], run_jobs)
    assert state.balance("stripe_cash") == fen(answer["total"])


def test_duplicated_and_reordered_webhooks_have_one_effect(bought: Any, sandbox: Any, run_jobs: Any) -> None:
    match = {"event_type": "payment_intent.succeeded"}
    sandbox.helper("/sandbox/faults", {"fault": "duplicate", "copies": 20, "match": match})
    sandbox.confirm(bought["intent"])
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)
    assert state.balance("stripe_cash") == fen(bought["total"])
    assert state.books_balance()
