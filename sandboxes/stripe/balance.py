"""Balances: every movement of money is a balance transaction; a balance is their sum. No fees are taken."""

from __future__ import annotations

from collections import Counter

from sandboxes.stripe import params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.store import Object, Transaction

INDEX: params.Spec = {"type": params.text(50), "source": params.text(100), "currency": params.currency}


def book(tx: Transaction, kind: str, amount: int, currency: str, source: str) -> Object:
    """Record a movement: positive into the account's balance, negative out of it."""
    return tx.create(
        "balance_transaction",
        "txn",
        {
            "amount": amount,
            "available_on": tx.created,
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": 0,
            "fee_details": [],
            "net": amount,
            "reporting_category": kind,
            "source": source,
            "status": "available",
            "type": kind,
        },
    )


def available(tx: Transaction) -> Counter[str]:
    """The caller's balance per currency, in smallest units."""
    sums: Counter[str] = Counter()
    for found in tx.newest("balance_transaction"):
        sums[found["currency"]] += found["net"]
    return sums


def of_account(tx: Transaction, account: str, currency: str) -> int:
    """The balance of a connected account, this step's changes included, in smallest units."""
    kept = {found["id"]: found for found in tx.store.newest("balance_transaction")}
    kept |= {found["id"]: found for found in tx.changed.values() if found["object"] == "balance_transaction"}
    mine = (found for found in kept.values() if found.get("_account") == account and found["currency"] == currency)
    return sum(found["net"] for found in mine)


def retrieve(call: Call) -> Object:
    held = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(available(call.tx).items())
    ]
    return {"object": "balance", "available": held, "livemode": False, "pending": []}


def retrieve_transaction(call: Call) -> Object:
    return call.tx.get("balance_transaction", call.args[0])


def index(call: Call) -> Listing:
    asked = {name: call.params[name] for name in INDEX if call.params.get(name)}
    return listed(call, "balance_transaction", lambda found: all(found[name] == value for name, value in asked.items()))
