"""Keys, idempotency, expansion, and what malformed calls get: always a 4xx in Stripe's shape."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
import stripe

PI = "/v1/payment_intents"
GOOD = b"amount=1000&currency=cny"


def test_the_same_key_and_parameters_give_the_same_bytes(sandbox: Any) -> None:
    headers = {"Idempotency-Key": "once"}
    status, first, told = sandbox.raw("POST", PI, GOOD, headers)
    assert (status, told["Idempotent-Replayed"]) == (200, None)
    for body in (GOOD, b"currency=cny&amount=1000"):
        again, second, told = sandbox.raw("POST", PI, body, headers)
        assert (again, second, told["Idempotent-Replayed"]) == (200, first, "true")
    assert sandbox.raw("POST", PI, GOOD, {"Idempotency-Key": "twice"})[1] != first


def test_a_refusal_is_replayed_too(sandbox: Any, client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 100, "currency": "cny"})
    asked = (
        "POST",
        f"{PI}/{intent.id}/confirm",
        b"payment_method=pm_card_visa_chargeDeclined",
        {"Idempotency-Key": "no"},
    )
    status, first, _ = sandbox.raw(*asked)
    again, second, told = sandbox.raw(*asked)
    assert (status, again, told["Idempotent-Replayed"]) == (402, 402, "true")
    assert first == second
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_a_key_is_for_one_call_only(sandbox: Any) -> None:
    headers = {"Idempotency-Key": "bound"}
    assert sandbox.raw("POST", PI, GOOD, headers)[0] == 200
    for path, body in ((PI, b"amount=1001&currency=cny"), ("/v1/customers", b"name=x")):
        status, answer, _ = sandbox.raw("POST", path, body, headers)
        assert (status, json.loads(answer)["error"]["type"]) == (400, "idempotency_error")


def test_a_running_key_conflicts(sandbox: Any) -> None:
    sandbox.fault("delay", {"method": "POST", "path_prefix": PI}, seconds=1.5)
    headers = {"Idempotency-Key": "slow"}
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(sandbox.raw("POST", PI, GOOD, headers)[0]))
    slow.start()
    while sandbox.call("GET", "/sandbox/faults")["items"]:
        pass
    status, answer, _ = sandbox.raw("POST", PI, GOOD, headers)
    slow.join()
    assert (status, json.loads(answer)["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answers == [200]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer sk_test_anything", 200),
        ("Basic " + base64.b64encode(b"sk_test_anything:").decode(), 200),
        ("Bearer sk_live_anything", 401),
        ("Bearer sk_test_", 401),
        ("Bearer ", 401),
        ("Basic !!!", 401),
        ("", 401),
    ],
)
def test_only_test_keys_open(sandbox: Any, authorization: str, status: int) -> None:
    found, answer, headers = sandbox.raw("GET", "/v1/balance", headers={"Authorization": authorization})
    assert found == status
    assert headers["Request-Id"].startswith("req_")
    if status == 401:
        assert json.loads(answer)["error"]["type"] == "invalid_request_error"
        assert b"anything" not in answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"amount=1000",
        b"amount=0&currency=cny",
        b"amount=-5&currency=cny",
        b"amount=1.5&currency=cny",
        b"amount=1e3&currency=cny",
        b"amount=100000000&currency=cny",
        b"amount=99999999999999999999999999&currency=cny",
        "amount=１２&currency=cny".encode(),
        b"amount=&currency=cny",
        b"amount[]=1&currency=cny",
        b"amount=1&currency=yuan",
        b"amount=1&currency[x]=cny",
        b"amount=1&currency=cny&surprise=1",
        b"amount=1&currency=cny&metadata=x",
        b"amount=1&currency=cny&metadata[a][b]=x",
        b"amount=1&currency=cny&metadata[" + b"k" * 41 + b"]=x",
        b"amount=1&currency=cny&description=" + b"x" * 1001,
        b"amount=1&currency=cny&description=%00",
        b"amount=1&currency=cny&description=%ff",
        b"amount=1&currency=cny&description=\xff\xfe",
        b"amount=1&currency=cny&payment_method_types[]=bitcoin",
        b"amount=1&currency=cny&payment_method_types=card",
        b"amount=1&currency=cny&payment_method=pm_nowhere",
        b"amount=1&currency=cny&payment_method_types[]=alipay&payment_method=pm_card_visa",
        b"amount=1&currency=thb&payment_method_types[]=alipay",
        b"amount=1&currency=cny&confirm=true",
        b"amount=1&currency=cny&confirm=yes",
        b"amount=1&currency=cny&customer=cus_nowhere",
        b"amount=1&currency=cny&expand[]=nothing",
        b"amount=1&currency=cny&expand[]=client_secret",
        b"amount=1&currency=cny&capture_method=later",
        b"amount=1&currency=cny&automatic_payment_methods[enabled]=maybe",
        b"amount=1&currency=cny&a[b][c][d][e][f][g][h]=1",
        b"amount=1&currency=cny&[]=1",
        b"amount=1&currency=cny&x]=1",
        b"&".join(b"a%d=1" % i for i in range(600)),
        b'{"amount": 1000, "currency": "cny"}',
    ],
)
def test_malformed_intents_are_refused_and_leave_nothing(
    sandbox: Any, client: stripe.StripeClient, body: bytes
) -> None:
    before = [found.id for found in client.v1.payment_intents.list({"limit": 1}).data]
    events = [found.id for found in client.v1.events.list({"limit": 1}).data]
    status, answer, _ = sandbox.raw("POST", PI, body)
    assert 400 <= status < 500, answer
    assert json.loads(answer)["error"]["message"]
    assert [found.id for found in client.v1.payment_intents.list({"limit": 1}).data] == before
    assert [found.id for found in client.v1.events.list({"limit": 1}).data] == events


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("DELETE", PI, 404),
        ("PUT", PI, 404),
        ("GET", f"{PI}/pi_nowhere", 404),
        ("GET", f"{PI}/..%2f..%2fetc", 404),
        ("GET", f"{PI}?limit=0", 400),
        ("GET", f"{PI}?limit=101", 400),
        ("GET", f"{PI}?limit=x", 400),
        ("GET", f"{PI}?starting_after=pi_nowhere", 400),
        ("GET", f"{PI}?created[gte]=x", 400),
        ("GET", f"{PI}?created[]=1", 400),
        ("GET", "/v1/charges/re_x", 404),
        ("GET", "/sandbox/nothing", 404),
        ("GET", "/sandbox/pay/pi_nowhere", 404),
        ("GET", "/sandbox/authorize/pi_nowhere", 404),
    ],
)
def test_wrong_addresses_and_filters(sandbox: Any, method: str, path: str, status: int) -> None:
    assert sandbox.raw(method, path)[0] == status


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"fault": "nonsense"}',
        b'{"fault": "lose", "match": {"method": "POST"}}',
        b'{"fault": "delay", "seconds": NaN}',
        b'{"fault": "delay", "seconds": -1}',
        b'{"fault": "delay", "times": 0}',
        b'{"fault": "delay", "match": {"path_prefix": 1}}',
        b"[" * 50_000,
    ],
)
def test_a_fault_is_checked_before_it_is_scripted(sandbox: Any, body: bytes) -> None:
    assert sandbox.raw("POST", "/sandbox/faults", body)[0] == 400
    assert sandbox.call("GET", "/sandbox/faults") == {"items": []}


def test_a_body_too_long_is_413(sandbox: Any) -> None:
    assert sandbox.raw("POST", PI, b"description=" + b"x" * (1 << 20))[0] == 413


def test_chinese_text_survives_encoded_or_not(sandbox: Any) -> None:
    for body in (
        "amount=1&currency=cny&description=牛肉".encode(),
        b"amount=1&currency=cny&description=%E7%89%9B%E8%82%89",
    ):
        assert json.loads(sandbox.raw("POST", PI, body)[1])["description"] == "牛肉"


def test_expansion_reaches_into_lists_and_objects(client: stripe.StripeClient) -> None:
    client.v1.payment_intents.create(
        {"amount": 1_000, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    )
    listed: Any = client.v1.payment_intents.list(
        {"limit": 1, "expand": ["data.latest_charge.balance_transaction", "data.customer"]}
    )
    assert listed.data[0].latest_charge.balance_transaction.net == 1_000
    assert listed.data[0].customer is None


def test_customers_keep_methods(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "王五", "email": "w@example.com"})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert [found.id for found in client.v1.payment_methods.list({"customer": customer.id}).data] == [method.id]
    assert client.v1.customers.retrieve(customer.id).name == "王五"
    assert client.v1.payment_methods.detach(method.id).customer is None


def test_card_numbers_stay_out_of_the_journal(sandbox: Any, client: stripe.StripeClient) -> None:
    client.v1.payment_methods.create(
        {"type": "card", "card": {"number": "4000000000009995", "exp_month": 1, "exp_year": 2034, "cvc": "987"}}
    )
    text = (sandbox.folder / "journal.jsonl").read_text()
    assert "4000000000009995" not in text
    assert '"cvc":"987"' not in text
