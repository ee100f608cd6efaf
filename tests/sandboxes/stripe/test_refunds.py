"""Refunds never exceed what was captured; disputes; transfers, reversals and payouts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import stripe


@pytest.fixture
def paid(client: stripe.StripeClient) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": 100, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    )


def test_partial_refunds_add_up_and_stop_at_the_captured_sum(
    client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    first = client.v1.refunds.create({"payment_intent": paid.id, "amount": 60, "metadata": {"order": "o1"}})
    assert (first.status, first.amount, first.metadata["order"]) == ("succeeded", 60, "o1")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 41})
    rest = client.v1.refunds.create({"charge": str(paid.latest_charge)})
    assert rest.amount == 40
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    charge = client.v1.charges.retrieve(str(paid.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (100, True)
    assert [found.amount for found in client.v1.refunds.list({"payment_intent": paid.id}).data] == [40, 60]


def test_of_two_parallel_refunds_of_60_on_100_one_is_refused(
    sandbox: Any, client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    barrier = Barrier(2)

    def refund(_: int) -> bool:
        own = sandbox.client()
        barrier.wait()
        try:
            own.v1.refunds.create({"payment_intent": paid.id, "amount": 60})
        except stripe.InvalidRequestError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(refund, range(2))) == [False, True]
    assert client.v1.charges.retrieve(str(paid.latest_charge)).amount_refunded == 60


def test_an_unpaid_intent_has_nothing_to_refund(client: stripe.StripeClient) -> None:
    unpaid = client.v1.payment_intents.create({"amount": 100, "currency": "cny"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": unpaid.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": "pi_nowhere"})
    assert refused.value.code == "resource_missing"


def test_a_failed_refund_gives_the_money_back_to_the_balance(sandbox: Any, client: stripe.StripeClient) -> None:
    card = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_pendingRefund"}})
    intent = client.v1.payment_intents.create(
        {"amount": 500, "currency": "cny", "confirm": True, "payment_method": card.id}
    )
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    sandbox.call("POST", f"/sandbox/refunds/{refund.id}/settle", {"outcome": "failed"})
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert client.v1.charges.retrieve(str(intent.latest_charge)).amount_refunded == 0
    moves = client.v1.balance_transactions.list({"source": refund.id}).data
    assert sorted(move.net for move in moves) == [-500, 500]


def test_a_disputed_charge_is_not_refunded_as_well(
    sandbox: Any, client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    dispute = sandbox.call("POST", "/sandbox/disputes", {"payment_intent": paid.id})
    assert client.v1.disputes.retrieve(dispute["id"]).status == "needs_response"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    closed = sandbox.call("POST", f"/sandbox/disputes/{dispute['id']}/close", {"outcome": "lost"})
    assert closed["status"] == "lost"
    assert sum(move.net for move in client.v1.balance_transactions.list({"source": dispute["id"]}).data) == -100


def test_transfers_reach_accounts_and_come_back_in_part(client: stripe.StripeClient) -> None:
    client.v1.payment_intents.create(
        {"amount": 5_000, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    )
    account = client.v1.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    transfer = client.v1.transfers.create(
        {"amount": 3_000, "currency": "cny", "destination": account.id, "transfer_group": "o1"}
    )
    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 1_000})
    assert reversal.amount == 1_000
    assert client.v1.transfers.retrieve(transfer.id).amount_reversed == 1_000
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.reversals.create(transfer.id, {"amount": 2_001})
    own: Any = {"stripe_account": account.id}
    assert client.v1.balance.retrieve({}, own).available[0].amount == 2_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 2_001, "currency": "cny"}, own)
    assert refused.value.code == "balance_insufficient"
    assert client.v1.payouts.create({"amount": 2_000, "currency": "cny"}, own).status == "paid"
    assert client.v1.balance.retrieve({}, own).available[0].amount == 0


def test_a_payout_may_fail_at_the_bank_after_it_was_paid(sandbox: Any, client: stripe.StripeClient) -> None:
    client.v1.payment_intents.create(
        {"amount": 700, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    )
    before = client.v1.balance.retrieve().available[0].amount
    payout = client.v1.payouts.create({"amount": 700, "currency": "cny"})
    sandbox.call("POST", f"/sandbox/payouts/{payout.id}/fail")
    assert client.v1.payouts.retrieve(payout.id).failure_code == "account_closed"
    assert client.v1.balance.retrieve().available[0].amount == before


def test_no_transfer_beyond_the_balance_or_to_an_account_that_cannot_take_it(client: stripe.StripeClient) -> None:
    closed = client.v1.accounts.create({"type": "express"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": 1, "currency": "cny", "destination": closed.id})
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    account = client.v1.accounts.create({"capabilities": {"transfers": {"requested": True}}})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": 90_000_000, "currency": "cny", "destination": account.id})
    assert refused.value.code == "balance_insufficient"


def test_an_inquiry_takes_no_money_until_it_is_a_dispute(
    sandbox: Any, client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    asked = sandbox.call("POST", "/sandbox/disputes", {"payment_intent": paid.id, "inquiry": True})
    assert (asked["status"], asked["balance_transactions"]) == ("warning_needs_response", [])
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 10})
    grown = sandbox.call("POST", f"/sandbox/disputes/{asked['id']}/escalate")
    assert (grown["status"], [move["amount"] for move in grown["balance_transactions"]]) == ("needs_response", [-100])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 10})
    assert refused.value.code == "charge_disputed"
    closed = sandbox.call("POST", f"/sandbox/disputes/{asked['id']}/close", {"outcome": "won"})
    assert [move["amount"] for move in closed["balance_transactions"]] == [-100, 100]
    assert client.v1.refunds.create({"payment_intent": paid.id}).amount == 90


def test_an_inquiry_may_end_without_more(sandbox: Any, paid: stripe.PaymentIntent) -> None:
    asked = sandbox.call("POST", "/sandbox/disputes", {"payment_intent": paid.id, "inquiry": True})
    closed = sandbox.call("POST", f"/sandbox/disputes/{asked['id']}/close", {"outcome": "won"})
    assert (closed["status"], closed["balance_transactions"]) == ("warning_closed", [])


def test_of_a_part_lost_the_rest_is_refundable(
    sandbox: Any, client: stripe.StripeClient, paid: stripe.PaymentIntent
) -> None:
    dispute = sandbox.call("POST", "/sandbox/disputes", {"payment_intent": paid.id, "amount": 30})
    sandbox.call("POST", f"/sandbox/disputes/{dispute['id']}/close", {"outcome": "lost"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 71})
    assert client.v1.refunds.create({"payment_intent": paid.id}).amount == 70
