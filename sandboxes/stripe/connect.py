"""Connect, as far as paying merchants needs it: accounts with a bank account, transfers to them and back.

A requested capability is active at once, unless the account's e-mail begins with `incomplete`: then Stripe waits for
something, as it does for most accounts at first, until the account is updated with `tos_acceptance`.
"""

from __future__ import annotations

from sandboxes.stripe import balance, params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.events import emit
from sandboxes.stripe.store import Object, Transaction

CAPABILITIES = ("transfers", "card_payments", "alipay_payments", "wechat_pay_payments")
WRITE_ACCOUNT: params.Spec = {
    "type": params.choice("express", "custom", "standard"),
    "country": params.text(2),
    "email": params.text(512),
    "business_type": params.choice("company", "government_entity", "individual", "non_profit"),
    "business_profile": params.accepted,
    "capabilities": params.group({name: params.group({"requested": params.flag}) for name in CAPABILITIES}),
    "company": params.accepted,
    "controller": params.accepted,
    "default_currency": params.currency,
    "external_account": params.accepted,
    "individual": params.accepted,
    "metadata": params.metadata,
    "settings": params.accepted,
    "tos_acceptance": params.accepted,
}
CREATE_TRANSFER: params.Spec = {
    "amount": params.amount,
    "currency": params.currency,
    "destination": params.text(100),
    "description": params.text(1000),
    "metadata": params.metadata,
    "source_transaction": params.text(100),
    "source_type": params.choice("card", "bank_account", "fpx"),
    "transfer_group": params.text(200),
}
REVERSE: params.Spec = {
    "amount": params.amount,
    "description": params.text(1000),
    "metadata": params.metadata,
    "refund_application_fee": params.flag,
}
METADATA: params.Spec = {"metadata": params.metadata, "description": params.text(1000)}
INDEX_TRANSFERS: params.Spec = {"destination": params.text(100), "transfer_group": params.text(200)}


def create_account(call: Call) -> Object:
    given = call.params
    account = call.tx.create(
        "account",
        "acct",
        {
            "business_profile": given.get("business_profile") or {},
            "business_type": given.get("business_type"),
            "capabilities": {},
            "charges_enabled": True,
            "country": given.get("country", "CN"),
            "default_currency": given.get("default_currency", "cny"),
            "details_submitted": True,
            "email": given.get("email"),
            "external_accounts": {"object": "list", "data": [], "has_more": False, "url": ""},
            "metadata": {},
            "payouts_enabled": True,
            "requirements": {"currently_due": [], "disabled_reason": None, "errors": [], "past_due": []},
            "settings": given.get("settings") or {},
            "type": given.get("type", "custom"),
        },
    )
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    return _write_account(call, account)


def update_account(call: Call) -> Object:
    account = _write_account(call, call.tx.get("account", call.args[0]))
    emit(call.tx, "account.updated", account)
    return account


def _write_account(call: Call, account: Object) -> Object:
    for name, wish in call.params.get("capabilities", {}).items():
        account["capabilities"][name] = "active" if wish.get("requested") else "inactive"
    _require(call, account)
    if call.params.get("external_account"):
        account["external_accounts"]["data"] = [_bank_account(call, account)]
    account |= {
        name: call.params[name] for name in ("business_profile", "business_type", "email") if name in call.params
    }
    account["metadata"] = params.merge_metadata(account["metadata"], call.params.get("metadata", {}))
    return call.tx.put(account)


def _require(call: Call, account: Object) -> None:
    """What is still missing keeps requested capabilities pending."""
    email = call.params.get("email") or account["email"] or ""
    complete = not email.startswith("incomplete") or bool(call.params.get("tos_acceptance"))
    was, now = ("pending", "active") if complete else ("active", "pending")
    account["capabilities"] = {name: now if had == was else had for name, had in account["capabilities"].items()}
    account["payouts_enabled"] = account["details_submitted"] = complete
    account["requirements"]["currently_due"] = [] if complete else ["tos_acceptance.date"]


def _bank_account(call: Call, account: Object) -> Object:
    """The bank account that payouts go to; only the last digits of its number are shown, as at Stripe."""
    given = call.params["external_account"]
    number = str(given.get("account_number", "")) if isinstance(given, dict) else ""
    if not number.isdigit() or not 6 <= len(number) <= 34:
        raise invalid("You must use a valid bank account number.", "external_account[account_number]")
    return call.tx.create(
        "bank_account",
        "ba",
        {
            "account": account["id"],
            "account_holder_name": given.get("account_holder_name"),
            "bank_name": "SANDBOX BANK",
            "country": given.get("country", "CN"),
            "currency": given.get("currency", "cny"),
            "default_for_currency": True,
            "last4": number[-4:],
            "metadata": {},
            "status": "new",
            "_number": number,
        },
    )


def retrieve_account(call: Call) -> Object:
    return call.tx.get("account", call.args[0])


def index_accounts(call: Call) -> Listing:
    return listed(call, "account")


def create_transfer(call: Call) -> Object:
    given, tx = call.params, call.tx
    account = tx.get("account", given["destination"], "destination")
    if account["capabilities"].get("transfers") != "active":
        raise invalid(
            "Your destination account needs to have the `transfers` capability enabled.",
            "destination",
            "insufficient_capabilities_for_transfer",
        )
    _check_source(call)
    transfer = tx.create(
        "transfer",
        "tr",
        {
            "amount": given["amount"],
            "amount_reversed": 0,
            "balance_transaction": None,
            "currency": given["currency"],
            "description": given.get("description"),
            "destination": account["id"],
            "destination_payment": None,
            "metadata": params.merge_metadata({}, given.get("metadata", {})),
            "reversals": {"object": "list", "data": [], "has_more": False, "url": ""},
            "reversed": False,
            "source_transaction": given.get("source_transaction"),
            "source_type": given.get("source_type", "card"),
            "transfer_group": given.get("transfer_group"),
        },
    )
    transfer["reversals"]["url"] = f"/v1/transfers/{transfer['id']}/reversals"
    transfer["balance_transaction"] = _pass_on(tx, transfer, account["id"], given["amount"], "transfer", transfer["id"])
    tx.put(transfer)
    emit(tx, "transfer.created", transfer)
    return transfer


def _check_source(call: Call) -> None:
    """Money to send: from one charge not sent on before, or from the balance."""
    given, tx = call.params, call.tx
    if not given.get("source_transaction"):
        if balance.available(tx)[given["currency"]] < given["amount"]:
            raise invalid("You have insufficient available funds in your Stripe account.", code="balance_insufficient")
        return
    charge = tx.get("charge", given["source_transaction"], "source_transaction")
    sent = sum(
        found["amount"] - found["amount_reversed"]
        for found in tx.newest("transfer")
        if found["source_transaction"] == charge["id"]
    )
    if charge["currency"] != given["currency"] or sent + given["amount"] > charge["amount_captured"]:
        raise invalid("Transfers of this charge would exceed what it captured.", "amount")


def _pass_on(tx: Transaction, transfer: Object, account: str, amount: int, kind: str, source: str) -> str:
    """Move money from the platform to the account (a negative amount: back); both sides are booked."""
    booked = balance.book(tx, kind, -amount, transfer["currency"], source)
    other = balance.book(tx, "payment", amount, transfer["currency"], source)
    tx.put(other | {"_account": account})
    return str(booked["id"])


def reverse_transfer(call: Call) -> Object:
    tx, transfer = call.tx, call.tx.get("transfer", call.args[0])
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.get("amount", left)
    if left == 0 or amount > left:
        raise invalid(f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left}).", "amount")
    if balance.of_account(tx, transfer["destination"], transfer["currency"]) < amount:
        raise invalid("The connected account has insufficient funds for this reversal.", code="balance_insufficient")
    reversal = tx.create(
        "transfer_reversal",
        "trr",
        {
            "amount": amount,
            "balance_transaction": None,
            "currency": transfer["currency"],
            "destination_payment_refund": None,
            "metadata": params.merge_metadata({}, call.params.get("metadata", {})),
            "source_refund": None,
            "transfer": transfer["id"],
        },
    )
    del reversal["livemode"]  # reversals have none
    moved = _pass_on(tx, transfer, transfer["destination"], -amount, "transfer_refund", reversal["id"])
    reversal["balance_transaction"] = moved
    tx.put(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"] = [reversal, *transfer["reversals"]["data"]]
    tx.put(transfer)
    emit(tx, "transfer.reversed", transfer)
    return reversal


def retrieve_transfer(call: Call) -> Object:
    return call.tx.get("transfer", call.args[0])


def update_transfer(call: Call) -> Object:
    transfer = call.tx.get("transfer", call.args[0])
    transfer["metadata"] = params.merge_metadata(transfer["metadata"], call.params.get("metadata", {}))
    transfer["description"] = call.params.get("description", transfer["description"])
    call.tx.put(transfer)
    emit(call.tx, "transfer.updated", transfer)
    return transfer


def index_transfers(call: Call) -> Listing:
    asked = {name: call.params[name] for name in INDEX_TRANSFERS if call.params.get(name)}
    return listed(call, "transfer", lambda found: all(found[name] == value for name, value in asked.items()))


def index_reversals(call: Call) -> Listing:
    transfer = call.tx.get("transfer", call.args[0])
    return listed(call, "transfer_reversal", lambda found: found["transfer"] == transfer["id"])
