"""Connect as Stripe documents it: capabilities that wait, bank accounts by test number, reversals within the balance."""

from __future__ import annotations

from typing import Any

import pytest
import stripe


def bank(number: str) -> dict[str, Any]:
    return {"object": "bank_account", "country": "CN", "currency": "cny", "account_number": number}


def account_with(client: stripe.StripeClient, fen: int, number: str | None = None, **more: Any) -> str:
    """A connected account that has received `fen`."""
    asked: dict[str, Any] = {"type": "express", "capabilities": {"transfers": {"requested": True}}, **more}
    if number is not None:
        asked["external_account"] = bank(number)
    account = client.v1.accounts.create(asked)  # type: ignore[arg-type]
    client.v1.payment_intents.create(
        {"amount": fen, "currency": "cny", "confirm": True, "payment_method": "pm_card_visa"}
    )
    client.v1.transfers.create({"amount": fen, "currency": "cny", "destination": account.id, "transfer_group": "g"})
    return str(account.id)


def test_a_capability_waits_until_nothing_is_missing(client: stripe.StripeClient) -> None:
    asked: Any = {"email": "incomplete@example.com", "capabilities": {"transfers": {"requested": True}}}
    account = client.v1.accounts.create(asked)
    assert account.capabilities is not None
    assert (account.capabilities["transfers"], account.payouts_enabled) == ("pending", False)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.create({"amount": 1, "currency": "cny", "destination": account.id})
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    now = client.v1.accounts.update(account.id, {"tos_acceptance": {"date": 1}})
    assert now.capabilities is not None
    assert (now.capabilities["transfers"], now.payouts_enabled) == ("active", True)


def test_the_bank_account_shows_its_last_digits_only(client: stripe.StripeClient, sandbox: Any) -> None:
    account = account_with(client, 100, "6222000011112222")
    found = client.v1.accounts.retrieve(account)
    assert found.external_accounts is not None
    assert found.external_accounts.data[0]["last4"] == "2222"
    assert "6222000011112222" not in str(found)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.accounts.create({"external_account": bank("12ab")})  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("number", "code"), [("000111111116", "no_account"), ("000111111113", "account_closed"), ("000123456789", None)]
)
def test_a_payout_ends_as_the_test_number_says(client: stripe.StripeClient, number: str, code: str | None) -> None:
    account = account_with(client, 500, number)
    own: Any = {"stripe_account": account}
    made = client.v1.payouts.create({"amount": 500, "currency": "cny", "metadata": {"payout": "p"}}, own)
    assert (made.status, made.failure_code) == ("failed" if code else "paid", code)
    assert str(made.destination).startswith("ba_")
    left = client.v1.balance.retrieve({}, own).available[0].amount
    assert left == (500 if code else 0)
    kinds = [event.type for event in client.v1.events.list({"limit": 2}, own).data]
    assert kinds[0] == ("payout.failed" if code else "payout.paid")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.retrieve(made.id)  # it is the account's, not ours


def test_a_scripted_bank_sends_back_what_it_took(client: stripe.StripeClient, sandbox: Any) -> None:
    account = account_with(client, 500)
    sandbox.call(
        "POST",
        "/sandbox/faults",
        {"fault": "bank_refuses", "match": {"method": "POST", "path_prefix": "/v1/payouts"}},
    )
    own: Any = {"stripe_account": account}
    made = client.v1.payouts.create({"amount": 500, "currency": "cny"}, own)
    kinds = [event.type for event in client.v1.events.list({"limit": 3}, own).data]
    assert (made.status, kinds) == ("failed", ["payout.failed", "payout.paid", "payout.created"])
    assert client.v1.balance.retrieve({}, own).available[0].amount == 500


def test_what_went_to_the_bank_cannot_be_reversed(client: stripe.StripeClient) -> None:
    account = account_with(client, 500)
    (transfer,) = client.v1.transfers.list({"destination": account, "transfer_group": "g"}).data
    client.v1.payouts.create({"amount": 400, "currency": "cny"}, {"stripe_account": account})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.reversals.create(transfer.id, {"amount": 101})
    assert refused.value.code == "balance_insufficient"
    assert client.v1.transfers.reversals.create(transfer.id, {"amount": 100}).amount == 100
