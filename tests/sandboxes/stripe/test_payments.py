"""Payments through the official SDK: paid at once, held, declined, confirmed by the buyer, cancelled."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
import stripe


def intent_for(client: stripe.StripeClient, amount: int = 10_000, **rest: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create({"amount": amount, "currency": "cny", **rest})


def authorize(intent: Any, outcome: str) -> None:
    """Follow the redirect of the intent and press a button there; without a return address the page says the state."""
    action = intent.next_action.to_dict()
    url = (action.get("redirect_to_url") or action.get("alipay_handle_redirect") or {}).get("url")
    url = url or action["wechat_pay_display_qr_code"]["hosted_instructions_url"]
    with urllib.request.urlopen(url, urllib.parse.urlencode({"outcome": outcome}).encode(), timeout=10) as answer:
        assert answer.status == 200


def test_a_card_pays_in_full_and_names_the_payer(client: stripe.StripeClient) -> None:
    method = client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"},
            "billing_details": {"name": "张三"},
        }
    )
    intent = intent_for(client, 33_532, payment_method_types=["card", "alipay"], metadata={"purchase": "p1"})
    assert (intent.status, intent.amount_received, intent.metadata["purchase"]) == ("requires_payment_method", 0, "p1")
    done = client.v1.payment_intents.confirm(
        intent.id, {"payment_method": method.id, "expand": ["latest_charge", "payment_method"]}
    )
    assert (done.status, done.amount_received, done.currency) == ("succeeded", 33_532, "cny")
    charge: Any = done.latest_charge
    assert (charge.amount_captured, charge.paid, charge.captured) == (33_532, True, True)
    assert charge.billing_details.name == "张三"
    assert charge.metadata["purchase"] == "p1"
    assert done.payment_method.card.last4 == "4242"
    assert client.v1.balance_transactions.retrieve(charge.balance_transaction).net == 33_532


def test_a_declined_card_is_a_card_error_and_the_intent_can_be_paid_by_another(client: stripe.StripeClient) -> None:
    intent = intent_for(client)
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"})
    assert refused.value.http_status == 402
    assert refused.value.code == "card_declined"
    assert refused.value.error.decline_code == "insufficient_funds"
    after = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (after.status, after.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert (after.latest_charge.status, after.latest_charge.amount_captured) == ("failed", 0)
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000002", "card_declined"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
    ],
)
def test_declining_card_numbers(client: stripe.StripeClient, number: str, code: str) -> None:
    method = client.v1.payment_methods.create(
        {"type": "card", "card": {"number": number, "exp_month": 1, "exp_year": 2034, "cvc": "123"}}
    )
    with pytest.raises(stripe.CardError) as refused:
        intent_for(client, confirm=True, payment_method=method.id)
    assert refused.value.code == code


@pytest.mark.parametrize("number", ["4242424242424241", "4111111111111111", "12345", "四二四二"])
def test_numbers_that_are_no_test_cards_are_refused_as_such(client: stripe.StripeClient, number: str) -> None:
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.create({"type": "card", "card": {"number": number, "exp_month": 1, "exp_year": 2034}})


def test_a_3ds_card_waits_for_the_buyer(client: stripe.StripeClient) -> None:
    method = client.v1.payment_methods.create(
        {"type": "card", "card": {"number": "4000002500003155", "exp_month": 1, "exp_year": 2034, "cvc": "123"}}
    )
    intent = intent_for(client, confirm=True, payment_method=method.id)
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action.type == "redirect_to_url"
    authorize(intent, "pay")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(("outcome", "status"), [("pay", "succeeded"), ("fail", "requires_payment_method")])
@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_wallets_redirect_and_end_as_the_buyer_decides(
    client: stripe.StripeClient, kind: Any, outcome: str, status: str
) -> None:
    intent = intent_for(client, payment_method_types=["card", "alipay", "wechat_pay"])
    waiting = client.v1.payment_intents.confirm(
        intent.id, {"payment_method_data": {"type": kind, "billing_details": {"name": "李四"}}}
    )
    assert waiting.status == "requires_action"
    authorize(waiting, outcome)
    done = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert done.status == status
    if outcome == "pay":
        assert done.latest_charge.payment_method_details.type == kind
        assert done.latest_charge.billing_details.name == "李四"
    else:
        assert done.last_payment_error.code == "payment_intent_authentication_failure"
        assert done.amount_received == 0


@pytest.mark.parametrize(("outcome", "status"), [("succeeded", "succeeded"), ("failed", "requires_payment_method")])
def test_a_wallet_may_settle_later(client: stripe.StripeClient, sandbox: Any, outcome: str, status: str) -> None:
    waiting = intent_for(client, confirm=True, payment_method_data={"type": "alipay"})
    authorize(waiting, "processing")
    assert client.v1.payment_intents.retrieve(waiting.id).status == "processing"
    sandbox.call("POST", f"/sandbox/intents/{waiting.id}/settle", {"outcome": outcome})
    assert client.v1.payment_intents.retrieve(waiting.id).status == status


def test_a_hold_is_captured_in_part_once(client: stripe.StripeClient) -> None:
    held = intent_for(client, 11_000, capture_method="manual", confirm=True, payment_method="pm_card_visa")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 11_000, 0)
    with pytest.raises(stripe.InvalidRequestError, match="greater than"):
        client.v1.payment_intents.capture(held.id, {"amount_to_capture": 11_001})
    with pytest.raises(stripe.InvalidRequestError, match="uncaptured"):
        client.v1.refunds.create({"payment_intent": held.id})
    done = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 10_000, "expand": ["latest_charge"]})
    assert (done.status, done.amount_received, done.amount_capturable) == ("succeeded", 10_000, 0)
    assert (done.latest_charge.amount_captured, done.latest_charge.captured) == (10_000, True)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": held.id, "amount": 10_001})


def test_the_bank_ends_a_hold(sandbox: Any, client: stripe.StripeClient) -> None:
    held = intent_for(client, capture_method="manual", confirm=True, payment_method="pm_card_visa")
    ended = sandbox.call("POST", f"/sandbox/intents/{held.id}/expire", {})
    assert (ended["status"], ended["cancellation_reason"]) == ("canceled", "automatic")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(urllib.error.HTTPError):
        sandbox.call("POST", f"/sandbox/intents/{held.id}/expire", {})


def test_a_cancelled_hold_takes_no_money(client: stripe.StripeClient) -> None:
    held = intent_for(client, capture_method="manual", confirm=True, payment_method="pm_card_visa")
    before = client.v1.balance.retrieve().available[0].amount
    done = client.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})
    assert (done.status, done.amount_received, done.amount_capturable) == ("canceled", 0, 0)
    assert client.v1.balance.retrieve().available[0].amount == before


@pytest.mark.parametrize("call", ["cancel", "confirm", "capture"])
def test_a_paid_intent_is_final(client: stripe.StripeClient, call: str) -> None:
    paid = intent_for(client, confirm=True, payment_method="pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(client.v1.payment_intents, call)(paid.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert client.v1.payment_intents.retrieve(paid.id).status == "succeeded"


def test_the_amount_changes_only_while_unpaid(client: stripe.StripeClient) -> None:
    intent = intent_for(client)
    assert (
        client.v1.payment_intents.update(intent.id, {"amount": 12_000, "metadata": {"a": "1", "b": "2"}}).amount
        == 12_000
    )
    kept = client.v1.payment_intents.update(intent.id, {"metadata": {"a": ""}})
    assert kept.metadata.to_dict() == {"b": "2"}
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.update(intent.id, {"amount": 1})


def test_manual_capture_is_for_cards(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="manual capture"):
        intent_for(client, capture_method="manual", payment_method_types=["card", "alipay"])
    both = intent_for(
        client,
        payment_method_types=["card", "alipay"],
        payment_method_options={"card": {"capture_method": "manual"}},
        confirm=True,
        payment_method="pm_card_visa",
    )
    assert both.status == "requires_capture"


def test_a_page_confirms_with_its_publishable_key_and_secret(sandbox: Any, client: stripe.StripeClient) -> None:
    intent = intent_for(client, metadata={"buyer": "private"})
    path = f"/v1/payment_intents/{intent.id}"
    wrong = b"payment_method=pm_card_visa&client_secret=pi_x_secret_y"
    assert sandbox.raw("POST", f"{path}/confirm", wrong, key="pk_test_x")[0] == 400
    assert sandbox.raw("POST", f"{path}/confirm", b"payment_method=pm_card_visa", key="pk_test_x")[0] == 400
    assert sandbox.raw("POST", f"{path}/cancel", b"", key="pk_test_x")[0] == 403
    body = urllib.parse.urlencode({"payment_method": "pm_card_visa", "client_secret": intent.client_secret}).encode()
    status, answer, headers = sandbox.raw("POST", f"{path}/confirm", body, key="pk_test_x")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert b"private" not in answer
    assert sandbox.raw("OPTIONS", f"{path}/confirm")[0] == 204
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_lists_page_newest_first_and_filter(client: stripe.StripeClient) -> None:
    made = [intent_for(client).id for _ in range(5)]
    first = client.v1.payment_intents.list({"limit": 2})
    assert [found.id for found in first.data] == made[:-3:-1]
    second = client.v1.payment_intents.list({"limit": 2, "starting_after": first.data[-1].id})
    assert [found.id for found in second.data] == made[2:0:-1]
    back = client.v1.payment_intents.list({"limit": 2, "ending_before": second.data[0].id})
    assert [found.id for found in back.data] == [found.id for found in first.data]
    everything = [found.id for found in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert everything[:5] == made[::-1]
    latest = client.v1.payment_intents.retrieve(made[-1]).created
    assert client.v1.payment_intents.list({"created": {"gt": latest}}).data == []
