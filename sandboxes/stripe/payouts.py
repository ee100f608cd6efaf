"""Payouts: a balance goes to the bank, and sometimes comes back.

An account whose bank account has one of Stripe's test numbers gets the failure that number stands for; the scripted
fault `bank_refuses` lets a payout be paid first and fail afterwards.
"""

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
# Stripe's test numbers of bank accounts, and how a payout there ends.
FAILING = {
    "000111111116": ("no_account", "The bank account could not be located."),
    "000111111113": ("account_closed", "The bank account has been closed."),
    "000333333335": ("debit_not_authorized", "Debits are not authorized on this bank account."),
}
INDEX: params.Spec = {"status": params.choice("pending", "paid", "failed", "canceled", "in_transit")}


def create(call: Call) -> Object:
    """Pay the caller's balance (of the account in `Stripe-Account`) to its bank; the bank takes it at once."""
    given, tx = call.params, call.tx
    if balance.available(tx)[given["currency"]] < given["amount"]:
        raise invalid(
            "You have insufficient funds in your Stripe account for this payout.", "amount", "balance_insufficient"
        )
    bank = _bank(tx)
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
            "destination": given.get("destination") or (bank or {}).get("id"),
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
    failure = FAILING.get((bank or {}).get("_number", ""))
    if failure is not None:
        return settle(tx, payout, "failed", failure)
    settle(tx, payout, "paid")
    return settle(tx, payout, "failed") if tx.note.get("fault") == "bank_refuses" else payout


def _bank(tx: Transaction) -> Object | None:
    """The bank account of the caller; None for the platform, and where none was named."""
    account = tx.store.find(tx.account) if tx.account else None
    return next(iter(account["external_accounts"]["data"]), None) if account else None


def settle(tx: Transaction, payout: Object, outcome: str, failure: tuple[str, str] = FAILING["000111111113"]) -> Object:
    """`paid`; or `failed`, which can follow `paid` when the bank sends the money back."""
    if payout["status"] == "failed" or payout["status"] == outcome:
        raise invalid(f"This payout is already {payout['status']}.", "payout")
    payout["status"] = outcome
    if outcome == "failed":
        back = balance.book(tx, "payout_failure", payout["amount"], payout["currency"], payout["id"])
        payout |= {
            "failure_balance_transaction": back["id"],
            "failure_code": failure[0],
            "failure_message": failure[1],
        }
    tx.put(payout)
    emit(tx, f"payout.{outcome}", payout)
    return payout


def retrieve(call: Call) -> Object:
    return call.tx.get("payout", call.args[0])


def index(call: Call) -> Listing:
    status = call.params.get("status")
    return listed(call, "payout", lambda found: status in (None, found["status"]))
