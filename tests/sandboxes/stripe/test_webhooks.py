"""Webhooks: signed as Stripe signs, retried, and bent by scripted faults; nothing is lost over a SIGKILL."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

PI = "/v1/payment_intents"


def register(client: stripe.StripeClient, url: str, events: Any = ("*",)) -> str:
    return str(client.v1.webhook_endpoints.create({"url": url, "enabled_events": list(events)}).secret)


def pay(client: stripe.StripeClient, amount: int = 1_000) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": amount, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    )


def test_events_arrive_signed_for_the_sdk(client: stripe.StripeClient, listener: Any) -> None:
    secret = register(client, listener.url)
    intent = pay(client)
    body, signature = listener.wait_for("payment_intent.succeeded")
    event = stripe.Webhook.construct_event(body, signature, secret)
    assert event.data.object["id"] == intent.id
    assert client.v1.events.retrieve(event.id).type == "payment_intent.succeeded"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")


def test_what_happens_is_told_in_events(client: stripe.StripeClient, listener: Any) -> None:
    register(client, listener.url)
    intent = pay(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    kinds = {event["type"] for event in listener.events()}
    assert kinds == {
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    }


def test_an_endpoint_hears_what_it_asked_for_and_nothing_once_deleted(
    client: stripe.StripeClient, listener: Any
) -> None:
    register(client, listener.url, ["payment_intent.succeeded"])
    pay(client)
    assert [event["type"] for event in listener.events()] == ["payment_intent.succeeded"]
    for endpoint in client.v1.webhook_endpoints.list().data:
        client.v1.webhook_endpoints.delete(endpoint.id)
    pay(client)
    assert listener.events(0.5) == []


def test_registering_the_same_address_again_gives_the_same_secret(client: stripe.StripeClient, listener: Any) -> None:
    first = client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]})
    second = client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["charge.refunded"]})
    assert (first.id, first.secret) == (second.id, second.secret)
    known = client.v1.webhook_endpoints.list().data
    assert [found.enabled_events for found in known] == [["charge.refunded"]]
    assert "secret" not in known[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "http://8.8.8.8/",
        "ftp://127.0.0.1/",
        "http://a@127.0.0.1/",
        "x",
        "http://127.0.0.1:99999/",
    ],
)
def test_webhooks_stay_on_this_machine(client: stripe.StripeClient, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        register(client, url)
    assert refused.value.code == "url_invalid"


def test_a_refused_delivery_is_tried_again(client: stripe.StripeClient, listener: Any) -> None:
    listener.status = 503
    register(client, listener.url, ["payment_intent.succeeded"])
    pay(client)
    first, _ = listener.wait_for("payment_intent.succeeded")
    listener.status = 200
    again, _ = listener.wait_for("payment_intent.succeeded")
    assert first == again
    assert listener.events(2.0) == []


def test_duplicates(sandbox: Any, client: stripe.StripeClient, listener: Any) -> None:
    register(client, listener.url)
    sandbox.fault("duplicate", {"event_type": "payment_intent.succeeded"}, copies=5)
    pay(client)
    found = [event["id"] for event in listener.events() if event["type"] == "payment_intent.succeeded"]
    assert len(found) == 5
    assert len(set(found)) == 1


def test_lost_events_can_still_be_read_and_resent(sandbox: Any, client: stripe.StripeClient, listener: Any) -> None:
    register(client, listener.url, ["payment_intent.succeeded"])
    sandbox.fault("lose", {"event_type": "*"}, times=None)
    intent = pay(client)
    assert listener.events() == []
    event = client.v1.events.list({"type": "payment_intent.succeeded", "limit": 1}).data[0]
    assert event.data.object["id"] == intent.id
    sandbox.call("POST", f"/sandbox/events/{event.id}/resend")
    assert [found["id"] for found in listener.events()] == [event.id]


def test_reordered(sandbox: Any, client: stripe.StripeClient, listener: Any) -> None:
    register(client, listener.url, ["payment_intent.created", "payment_intent.succeeded"])
    sandbox.fault("reorder", {"event_type": "payment_intent.created"}, seconds=20)
    pay(client)
    assert [event["type"] for event in listener.events()] == ["payment_intent.succeeded", "payment_intent.created"]


def test_delayed(sandbox: Any, client: stripe.StripeClient, listener: Any) -> None:
    register(client, listener.url, ["payment_intent.succeeded"])
    sandbox.fault("delay", {"event_type": "payment_intent.succeeded"}, seconds=1)
    began = time.monotonic()
    pay(client)
    listener.wait_for("payment_intent.succeeded")
    assert time.monotonic() - began >= 1


def test_an_event_may_lie_about_money_while_the_object_does_not(
    sandbox: Any, client: stripe.StripeClient, listener: Any
) -> None:
    secret = register(client, listener.url)
    sandbox.fault("other_amount", {"event_type": "payment_intent.succeeded"})
    intent = pay(client)
    body, signature = listener.wait_for("payment_intent.succeeded")
    assert stripe.Webhook.construct_event(body, signature, secret).data.object["amount_received"] == 1_001
    assert client.v1.payment_intents.retrieve(intent.id).amount_received == 1_000


def test_the_event_may_come_before_the_answer(sandbox: Any, client: stripe.StripeClient, listener: Any) -> None:
    register(client, listener.url, ["payment_intent.succeeded"])
    sandbox.fault("answer_late", {"method": "POST", "path_prefix": PI}, seconds=1)
    intent = pay(client)
    body, _ = listener.arrived.get_nowait()
    assert json.loads(body)["data"]["object"]["id"] == intent.id


@pytest.mark.parametrize(("fault", "status"), [("http_500", 500), ("http_429", 429), ("html_page", 502)])
def test_faults_before_the_effect(sandbox: Any, client: stripe.StripeClient, fault: str, status: int) -> None:
    sandbox.fault(fault, {"method": "POST", "path_prefix": PI})
    before = client.v1.payment_intents.list({"limit": 1}).data
    asked = ("POST", PI, b"amount=5&currency=cny", {"Idempotency-Key": fault})
    assert sandbox.raw(*asked)[0] == status
    assert [f.id for f in client.v1.payment_intents.list({"limit": 1}).data] == [f.id for f in before]
    assert sandbox.raw(*asked)[0] == 200


def test_faults_after_the_effect(sandbox: Any, client: stripe.StripeClient) -> None:
    match = {"method": "POST", "path_prefix": PI}
    sandbox.fault("error_after_success", match)
    asked = ("POST", PI, b"amount=77&currency=cny", {"Idempotency-Key": "stored-500"})
    first, again = sandbox.raw(*asked), sandbox.raw(*asked)
    assert (first[0], again[0], again[2]["Idempotent-Replayed"], first[1]) == (500, 500, "true", again[1])
    assert client.v1.payment_intents.list({"limit": 1}).data[0].amount == 77

    sandbox.fault("malformed_json", match)
    asked = ("POST", PI, b"amount=78&currency=cny", {"Idempotency-Key": "cut"})
    with pytest.raises(ValueError):
        json.loads(sandbox.raw(*asked)[1])
    assert json.loads(sandbox.raw(*asked)[1])["amount"] == 78

    sandbox.fault("timeout_after_success", match, seconds=0.2)
    asked = ("POST", PI, b"amount=79&currency=cny", {"Idempotency-Key": "hung-up"})
    with pytest.raises(OSError):
        sandbox.raw(*asked)
    assert json.loads(sandbox.raw(*asked)[1])["amount"] == 79


@pytest.mark.parametrize(("fault", "amount", "currency"), [("other_amount", 81, "cny"), ("other_currency", 80, "usd")])
def test_a_lying_answer(sandbox: Any, client: stripe.StripeClient, fault: str, amount: int, currency: str) -> None:
    sandbox.fault(fault, {"method": "POST", "path_prefix": PI})
    told = client.v1.payment_intents.create({"amount": 80, "currency": "cny"})
    assert (told.amount, told.currency) == (amount, currency)
    kept = client.v1.payment_intents.retrieve(told.id)
    assert (kept.amount, kept.currency) == (80, "cny")


def test_a_sigkill_loses_nothing_that_was_answered(start_sandbox: Callable[[], Any], listener: Any) -> None:
    sandbox = start_sandbox()
    client = sandbox.client()
    listener.status = 500
    secret = register(client, listener.url, ["payment_intent.succeeded"])
    intent = pay(client, 4_321)
    asked = ("POST", PI, b"amount=55&currency=cny", {"Idempotency-Key": "before"})
    first = sandbox.raw(*asked)[1]
    fault = sandbox.fault("lose", {"event_type": "charge.failed"})
    listener.wait_for("payment_intent.succeeded")
    sandbox.kill()
    with (sandbox.folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":99999,"put":[{"id":"pi_torn"')  # what a crash in mid-write leaves
    listener.status = 200
    sandbox.start()

    assert client.v1.payment_intents.retrieve(intent.id).amount_received == 4_321
    assert client.v1.balance.retrieve().available[0].amount == 4_321
    again = sandbox.raw(*asked)
    assert (again[1], again[2]["Idempotent-Replayed"]) == (first, "true")
    assert sandbox.call("GET", "/sandbox/faults")["items"][0]["id"] == fault["id"]
    body, signature = listener.wait_for("payment_intent.succeeded")
    assert stripe.Webhook.construct_event(body, signature, secret).data.object["id"] == intent.id
    assert register(client, listener.url) == secret
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 4_321})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})


def test_the_journal_tells_an_auditor_everything_in_order(start_sandbox: Callable[[], Any]) -> None:
    sandbox = start_sandbox()
    client = sandbox.client()
    intent = pay(client, 900)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    register(client, "http://127.0.0.1:9/hook")
    entries = sandbox.call("GET", "/sandbox/journal")["entries"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    last = {change["id"]: change for entry in entries for change in entry["changes"]}
    assert last[intent.id]["amount_received"] == 900
    assert sum(found["amount"] for found in last.values() if found["object"] == "refund") == 300
    assert sum(found["net"] for found in last.values() if found["object"] == "balance_transaction") == 600
    assert "whsec_" not in json.dumps(entries)
    page = sandbox.call("GET", "/sandbox/journal?limit=2&after=1")
    assert [entry["seq"] for entry in page["entries"]] == [2, 3]
    assert page["next"] == 3


def test_a_taken_port_is_named(sandbox: Any, tmp_path: Any) -> None:
    command = [sys.executable, "-m", "sandboxes.stripe", "--port", str(sandbox.port), "--journal", str(tmp_path / "j")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode != 0
    assert f"STRIPE_SANDBOX_PORT {sandbox.port} is in use" in ended.stderr


def test_two_sandboxes_do_not_share_a_journal(sandbox: Any) -> None:
    command = [sys.executable, "-m", "sandboxes.stripe", "--port", "0", "--journal", str(sandbox.folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode != 0
    assert "in use by another Stripe sandbox" in ended.stderr
