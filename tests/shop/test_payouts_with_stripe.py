# ruff: noqa: F811 - fixtures of another module are arguments here
"""Payouts against the Stripe sandbox as a process: the SDK's calls in merchants' names, signed Connect webhooks, faults."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from catalog.models import Merchant
from core import config
from core.database import transaction
from shop import books, payout_accounts, payout_returns, payouts
from shop.stripe_gateway import GatewayUnavailable
from tests.shop import builders, paying, state
from tests.shop.paying import DAY
from tests.shop.test_http import Caller, items
from tests.shop.test_with_stripe import Sandbox, sandbox, until, web  # noqa: F401 - fixtures

BANK = {"bank": "ICBC", "holder": "Import", "account": "6222000011112222"}


@pytest.fixture
def sold(sandbox: Sandbox, web: str, client: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:
    """An order paid at the sandbox and sent; our webhook hears of merchants' accounts too."""
    hook = {"url": f"{web}/api/v1/shop/stripe/webhook", "enabled_events[]": "*", "connect": "true"}
    secret = sandbox.post("/v1/webhook_endpoints", **hook)["secret"]
    config.use(replace(config.current(), stripe_connect_secret=secret))
    crab, buyer = builders.put_listing(shelf, price_fen=10050), builders.buyer()
    answer = Caller(client, buyer).post("/shop/orders", {"items": items((crab, "1"))}, key=uuid.uuid4().hex).get_json()
    sandbox.confirm(answer["payment"]["intent"])
    until(lambda: state.statuses(answer) == ["declared"], run_jobs)
    made = {**answer, "order": uuid.UUID(answer["orders"][0]["id"]), "number": answer["orders"][0]["number"]}
    paying.release(made)
    paying.send(shelf, made)
    return made


def bank_of(shelf: Any, **bank: str) -> None:
    with transaction() as session:
        mine = Merchant.id == shelf.merchant_id
        session.execute(update(Merchant).where(mine).values(bank_account={**BANK, **bank}))


def statuses() -> list[str]:
    return [row.status for row in paying.payouts()]


def test_a_payout_goes_all_the_way_to_the_bank(
    sold: Any,
    sandbox: Sandbox,
    shelf: Any,
    run_jobs: Any,
    move_clock: Any,
) -> None:
    bank_of(shelf)
    assert payout_accounts.open_for(shelf.merchant_id, "test")["state"] == "ready"
    assert payout_accounts.open_for(shelf.merchant_id, "test")["state"] == "ready"
    move_clock(31 * DAY)
    assert payouts.run()["paid"] == 1
    until(lambda: statuses() == ["paid"], run_jobs)
    (row,) = paying.payouts()
    (transfer,) = _get(sandbox, "/v1/transfers")["data"]
    assert (transfer["amount"], transfer["destination"], transfer["transfer_group"]) == (
        9949,
        row.destination,
        str(row.id),
    )
    (account,) = _get(sandbox, "/v1/accounts")["data"]
    assert account["external_accounts"]["data"][0]["last4"] == "2222"
    assert "6222000011112222" not in json.dumps(account)
    (payout,) = _get(sandbox, "/v1/payouts", row.destination)["data"]
    assert (payout["amount"], payout["metadata"]) == (9949, {"payout": str(row.id)})
    assert list(books.check()) == []


def _get(box: Sandbox, path: str, account: str | None = None) -> Any:
    import urllib.request

    headers = {"Authorization": "Bearer sk_test_end_to_end", **({"Stripe-Account": account} if account else {})}
    with urllib.request.urlopen(urllib.request.Request(box.base + path, headers=headers), timeout=20) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("how", ["number", "later"])
def test_what_the_bank_refuses_is_fetched_back(
    sold: Any,
    sandbox: Sandbox,
    shelf: Any,
    run_jobs: Any,
    move_clock: Any,
    how: str,
) -> None:
    """At once, by Stripe's test number of a bank account, or after it was shown as paid (F47)."""
    bank_of(shelf, **({"account": "000111111116"} if how == "number" else {}))
    paying.open_account(shelf)
    if how == "later":
        match = {"method": "POST", "path_prefix": "/v1/payouts"}
        sandbox.helper("/sandbox/faults", {"fault": "bank_refuses", "match": match})
    move_clock(31 * DAY)
    payouts.run()
    until(lambda: statuses() == ["failed"], run_jobs)
    (row,) = paying.payouts()
    assert row.reason == ("no_account" if how == "number" else "account_closed")
    assert (state.balance("merchant_payable"), state.balance("platform_fee")) == (-10050, 0)
    (transfer,) = _get(sandbox, "/v1/transfers")["data"]
    assert transfer["reversed"] is True
    assert list(books.check()) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "error_after_success", "times": 2},
        {"fault": "http_500", "times": 2},
        {"fault": "timeout_after_success", "seconds": 3, "times": 2},
        {"fault": "malformed_json"},
        {"fault": "other_amount"},
    ],
    ids=lambda fault: fault["fault"],
)
@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/payouts"])
def test_whatever_stripe_answers_a_merchant_is_paid_once(
    sold: Any,
    sandbox: Sandbox,
    shelf: Any,
    run_jobs: Any,
    move_clock: Any,
    fault: dict[str, Any],
    path: str,
) -> None:
    bank_of(shelf)
    paying.open_account(shelf)
    move_clock(31 * DAY)
    sandbox.helper("/sandbox/faults", {**fault, "match": {"method": "POST", "path_prefix": path}})
    payouts.run()
    for wait in (0, 120, 240, 360):
        move_clock(31 * DAY + wait)
        try:
            run_jobs("shop.pay_")
        except GatewayUnavailable:
            payout_returns.chase()
    payout_returns.chase()
    until(lambda: statuses() == ["paid"], lambda prefix: payout_returns.chase())
    assert [each["amount"] for each in _get(sandbox, "/v1/transfers")["data"]] == [9949]
    (row,) = paying.payouts()
    assert [each["amount"] for each in _get(sandbox, "/v1/payouts", row.destination)["data"]] == [9949]
    assert list(books.check()) == []


def test_an_account_that_stripe_still_asks_about_is_not_paid(
    sold: Any,
    sandbox: Sandbox,
    shelf: Any,
    run_jobs: Any,
    move_clock: Any,
) -> None:
    with transaction() as session:
        mine = Merchant.id == shelf.merchant_id
        contact = {"name": "a", "phone": "1", "email": "incomplete@landfall.example"}
        session.execute(update(Merchant).where(mine).values(contact=contact))
    assert payout_accounts.open_for(shelf.merchant_id, "test")["state"] == "incomplete"
    move_clock(31 * DAY)
    assert payouts.run()["paid"] == 0
    (account,) = _get(sandbox, "/v1/accounts")["data"]
    sandbox.post(f"/v1/accounts/{account['id']}", **{"tos_acceptance[date]": "1"})
    assert payouts.run()["paid"] == 1


def test_a_notice_under_the_wrong_secret_is_refused(sold: Any, client: Any, shelf: Any) -> None:
    from core.config import current

    connect, ours = current().stripe_connect_secret, current().stripe_webhook_secret
    assert paying.tell_of(client, "po_1", "payout.paid", "acct_x", secret=connect).status_code == 200
    assert paying.tell_of(client, "po_1", "payout.paid", "acct_x", secret="whsec_other").status_code == 400
    assert paying.tell_of(client, "po_1", "payout.paid", "acct_x", secret=ours).status_code == 200
    from tests.shop.conftest import sign, webhook_body

    raw = webhook_body("pi_1")
    answer = client.post(
        "/api/v1/shop/stripe/webhook", data=raw, headers={"Stripe-Signature": sign(raw, secret=connect)}
    )
    assert answer.status_code == 400  # merchants' secret proves nothing about our own account
