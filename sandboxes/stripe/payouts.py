"""Payouts: a balance goes to the bank, and sometimes comes back."""

from __future__ import annotations

from sandboxes.stripe import balance, params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.events import emit
from sandboxes.stripe.store import Object, Transaction

CREATE: params.Spec = {
    "amount": params.amount,
    "currency": params.currency,
    "description": params.text(1000),
    "destination": params.text(100),
    "metadata": params.metadata,
    "method": params.choice("standard", "instant"),
    "source_type": params.choice("card", "bank_account", "fpx"),
    "statement_descriptor": params.text(22),
}
INDEX: params.Spec = {"status": params.choice("pending", "paid", "failed", "canceled", "in_transit")}


def create(call: Call) -> Object:
    """Pay the caller's balance (of the account in `Stripe-Account`) to its bank; the bank takes it at once."""
    given, tx = call.params, call.tx
    if balance.available(tx)[given["currency"]] < given["amount"]:
        raise invalid(
            "You have insufficient funds in your Stripe account for this payout.", "amount", "balance_insufficient"
        )
    payout = tx.create(
        "payout",
        "po",
        {
            "amount": given["amount"],
            "arrival_date": tx.created,
            "automatic": False,
            "balance_transaction": None,
            "currency": given["currency"],
            "description": given.get("description"),
            "destination": given.get("destination"),
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "metadata": params.merge_metadata({}, given.get("metadata", {})),
            "method": given.get("method", "standard"),
            "reconciliation_status": "not_applicable",
            "source_type": given.get("source_type", "card"),
            "statement_descriptor": given.get("statement_descriptor"),
            "status": "pending",
            "type": "bank_account",
        },
    )
    payout["balance_transaction"] = balance.book(tx, "payout", -given["amount"], given["currency"], payout["id"])["id"]
    tx.put(payout)
    emit(tx, "payout.created", payout)
    return settle(tx, payout, "paid")


def settle(tx: Transaction, payout: Object, outcome: str) -> Object:
    """`paid`; or `failed`, which can follow `paid` when the bank sends the money back."""
    if payout["status"] == "failed" or payout["status"] == outcome:
        raise invalid(f"This payout is already {payout['status']}.", "payout")
    payout["status"] = outcome
    if outcome == "failed":
        back = balance.book(tx, "payout_failure", payout["amount"], payout["currency"], payout["id"])
        payout |= {
            "failure_balance_transaction": back["id"],
            "failure_code": "account_closed",
            "failure_message": "The bank account has been closed.",
        }
    tx.put(payout)
    emit(tx, f"payout.{outcome}", payout)
    return payout


def retrieve(call: Call) -> Object:
    return call.tx.get("payout", call.args[0])


def index(call: Call) -> Listing:
    status = call.params.get("status")
    return listed(call, "payout", lambda found: status in (None, found["status"]))
