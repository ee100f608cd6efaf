"""`/v1/payment_intents`: the calls, their parameters and the states in which each is allowed.

Lenient where Stripe asks for browser particulars a test has no use for: `return_url` and
`payment_method_options[wechat_pay][client]` may be left out, and a payment method may be used more than once.
"""

from __future__ import annotations

import hmac
from typing import Any

from sandboxes.stripe import params, payment_methods, payments
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid, unexpected_state
from sandboxes.stripe.events import emit
from sandboxes.stripe.intent_params import FACTS
from sandboxes.stripe.store import Object, new_id, public

WALLET_CURRENCIES = {
    "alipay": {"cny", "aud", "cad", "eur", "gbp", "hkd", "jpy", "myr", "nzd", "sgd", "usd"},
    "wechat_pay": {"cny", "aud", "cad", "chf", "dkk", "eur", "gbp", "hkd", "jpy", "nok", "sek", "sgd", "usd"},
}
_HIDDEN_FROM_PAGES = ("metadata", "customer", "transfer_group", "application_fee_amount", "latest_charge")


def create(call: Call) -> Object:
    given = call.params
    intent = call.tx.create("payment_intent", "pi", _blank(given))
    intent["client_secret"] = f"{intent['id']}_secret_{new_id('s')[2:]}"
    _write_facts(call, intent)
    _check_types(intent)
    _choose_method(call, intent)
    call.tx.put(intent)
    emit(call.tx, "payment_intent.created", intent)
    if given.get("confirm"):
        return _confirm(call, intent)
    return intent


def _blank(given: dict[str, Any]) -> Object:
    types = given.get("payment_method_types")
    automatic = given.get("automatic_payment_methods") or {}
    if types and automatic.get("enabled"):
        raise invalid("You may only specify one of these parameters: automatic_payment_methods, payment_method_types.")
    intent: Object = {
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "confirmation_method": given.get("confirmation_method", "automatic"),
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": types or ["card"],
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    if not types and automatic.get("enabled", True):
        # without a word from the caller the account's own choice of methods holds
        intent["automatic_payment_methods"] = {
            "allow_redirects": automatic.get("allow_redirects", "always"),
            "enabled": True,
        }
        intent["payment_method_types"] = _account_types(given["currency"], automatic)
    return intent


def _account_types(currency: str, automatic: dict[str, Any]) -> list[str]:
    if automatic.get("allow_redirects") == "never":
        return ["card"]
    return ["card", *(kind for kind in payments.WALLETS if currency in WALLET_CURRENCIES[kind])]


def _write_facts(call: Call, intent: Object) -> None:
    given = call.params
    for name in (*FACTS, "payment_method_types", "receipt_email", "setup_future_usage", "shipping", "capture_method"):
        if name in given and name != "metadata":
            intent[name] = given[name]
    if given.get("customer"):
        call.tx.get("customer", given["customer"], "customer")
    intent["metadata"] = params.merge_metadata(intent["metadata"], given.get("metadata", {}))
    for kind, options in given.get("payment_method_options", {}).items():
        intent["payment_method_options"] = intent["payment_method_options"] | {kind: options}


def _check_types(intent: Object) -> None:
    for kind in intent["payment_method_types"]:
        if kind not in payment_methods.TYPES:
            raise invalid(f"The payment method type provided: {kind} is invalid.", "payment_method_types")
        if intent["currency"] not in WALLET_CURRENCIES.get(kind, {intent["currency"]}):
            raise invalid(f"{kind} does not take payments in {intent['currency']}.", "currency")
        if kind in payments.WALLETS and intent["capture_method"] == "manual":
            if not intent["automatic_payment_methods"]:
                raise invalid(f"{kind} does not support manual capture.", "capture_method")
            intent["payment_method_types"] = ["card"]  # what cannot be captured later is not offered
            return


def _choose_method(call: Call, intent: Object) -> None:
    """Set the payment method the call names, if it names one."""
    given, tx = call.params, call.tx
    if data := given.get("payment_method_data"):
        method = payment_methods.make(tx, data)
    elif name := given.get("payment_method"):
        method = payment_methods.from_token(tx, name) or tx.find(name, "payment_method") or _no_method(name)
    else:
        return
    if method["type"] not in intent["payment_method_types"]:
        raise invalid(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. "
            f"It takes {', '.join(intent['payment_method_types'])}.",
            "payment_method",
        )
    intent |= {"payment_method": method["id"], "status": "requires_confirmation"}


def _no_method(name: str) -> Object:
    raise invalid(f"No such PaymentMethod: '{name}'", "payment_method", "resource_missing")


def retrieve(call: Call) -> Object:
    intent = _own(call)
    if call.publishable:
        return {name: value for name, value in public(intent).items() if name not in _HIDDEN_FROM_PAGES}
    return intent


def _own(call: Call) -> Object:
    """The intent of the path; a page must show that it knows the client secret."""
    intent = call.tx.get("payment_intent", call.args[0], "intent")
    given = call.params.get("client_secret")
    if (call.publishable or given is not None) and not hmac.compare_digest(
        intent["client_secret"].encode(), (given or "").encode()
    ):
        raise invalid(
            "The client_secret provided does not match the client_secret of this PaymentIntent.", "client_secret"
        )
    return intent


def update(call: Call) -> Object:
    intent = call.tx.get("payment_intent", call.args[0], "intent")
    if intent["status"] not in payments.OPEN and set(call.params) - {
        "metadata",
        "description",
        "expand",
        "receipt_email",
    }:
        raise _wrong_state(intent, "updated", payments.OPEN)
    _write_facts(call, intent)
    _check_types(intent)
    _choose_method(call, intent)
    return call.tx.put(intent)


def confirm(call: Call) -> Object:
    intent = _own(call)
    if intent["status"] not in payments.OPEN:
        raise _wrong_state(intent, "confirmed", payments.OPEN)
    _write_facts(call, intent)
    _check_types(intent)
    _choose_method(call, intent)
    done = _confirm(call, intent)
    if call.publishable:
        return {name: value for name, value in public(done).items() if name not in _HIDDEN_FROM_PAGES}
    return done


def _confirm(call: Call, intent: Object) -> Object:
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. "
            "Update the PaymentIntent with a payment method and then confirm it again.",
            public(intent),
        )
    method = call.tx.get("payment_method", intent["payment_method"], "payment_method")
    return payments.attempt(call.tx, intent, method, call.base, call.params.get("return_url"))


def capture(call: Call) -> Object:
    intent = call.tx.get("payment_intent", call.args[0], "intent")
    if intent["status"] != "requires_capture":
        raise _wrong_state(intent, "captured", ("requires_capture",))
    amount = int(call.params.get("amount_to_capture") or intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The amount to capture ({amount}) is greater than the amount authorized ({intent['amount_capturable']}).",
            "amount_to_capture",
            "amount_too_large",
        )
    intent["metadata"] = params.merge_metadata(intent["metadata"], call.params.get("metadata", {}))
    return payments.capture(call.tx, intent, amount)


def cancel(call: Call) -> Object:
    intent = call.tx.get("payment_intent", call.args[0], "intent")
    if intent["status"] not in (*payments.OPEN, "requires_capture"):
        raise _wrong_state(intent, "canceled", (*payments.OPEN, "requires_capture"))
    return payments.cancel(call.tx, intent, call.params.get("cancellation_reason"))


def _wrong_state(intent: Object, done: str, allowed: tuple[str, ...]) -> Exception:
    return unexpected_state(
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be {done}: {', '.join(allowed)}.",
        public(intent),
    )


def index(call: Call) -> Listing:
    customer = call.params.get("customer")
    return listed(call, "payment_intent", lambda found: customer in (None, found["customer"]))
