"""Payment methods: a card, Alipay or WeChat Pay, with the payer's billing details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandboxes.stripe import cards, params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.store import Object, Transaction

TYPES = ("card", "alipay", "wechat_pay")
BILLING = params.group(
    {
        "address": params.ADDRESS,
        "email": params.text(),
        "name": params.text(),
        "phone": params.text(),
        "tax_id": params.text(),
    }
)
CARD = params.group(
    {
        "number": params.text(30),
        "exp_month": params.integer(1, 12),
        "exp_year": params.integer(0, 2100),
        "cvc": params.text(10),
        "token": params.text(100),
    }
)
CREATE: params.Spec = {
    "type": params.choice(*TYPES),
    "card": CARD,
    "alipay": params.group({}),
    "wechat_pay": params.group({}),
    "billing_details": BILLING,
    "metadata": params.metadata,
    "allow_redisplay": params.choice("always", "limited", "unspecified"),
}
UPDATE: params.Spec = {
    "billing_details": BILLING,
    "metadata": params.metadata,
    "allow_redisplay": params.choice("always", "limited", "unspecified"),
}
INDEX: params.Spec = {"customer": params.text(100), "type": params.choice(*TYPES)}


def create(call: Call) -> Object:
    return make(call.tx, call.params)


def make(tx: Transaction, given: Mapping[str, Any]) -> Object:
    """A new payment method from the read parameters of a create call or of `payment_method_data`."""
    kind = given.get("type")
    if kind is None:
        raise invalid("Missing required param: type.", "type", "parameter_missing")
    steps: tuple[str, ...] = ()
    details: Object = {}
    if kind == "card":
        details, steps = cards.from_number(given.get("card") or {})
    return tx.create(
        "payment_method",
        "pm",
        {
            "allow_redisplay": given.get("allow_redisplay", "unspecified"),
            "billing_details": _billing(given.get("billing_details") or {}, {}),
            "customer": None,
            "metadata": params.merge_metadata({}, given.get("metadata", {})),
            "type": kind,
            kind: details,
            "_steps": list(steps),
        },
    )


def from_token(tx: Transaction, token: str) -> Object | None:
    """`pm_card_visa` and its like stand for a new payment method each time they are used."""
    if cards.token_number(token) is None:
        return None
    return make(tx, {"type": "card", "card": {"token": token}})


def _billing(given: Mapping[str, Any], known: Mapping[str, Any]) -> Object:
    address = {part: None for part in ("city", "country", "line1", "line2", "postal_code", "state")}
    billing: Object = {"address": address, "email": None, "name": None, "phone": None, "tax_id": None, **known}
    billing |= {key: value for key, value in given.items() if key != "address"}
    billing["address"] = {**address, **billing["address"], **(given.get("address") or {})}
    return billing


def retrieve(call: Call) -> Object:
    return call.tx.get("payment_method", call.args[0])


def update(call: Call) -> Object:
    found = call.tx.get("payment_method", call.args[0])
    found["billing_details"] = _billing(call.params.get("billing_details") or {}, found["billing_details"])
    found["metadata"] = params.merge_metadata(found["metadata"], call.params.get("metadata", {}))
    found["allow_redisplay"] = call.params.get("allow_redisplay", found["allow_redisplay"])
    return call.tx.put(found)


def attach(call: Call) -> Object:
    found = from_token(call.tx, call.args[0]) or call.tx.get("payment_method", call.args[0])
    customer = call.tx.get("customer", call.params["customer"], "customer")
    if found["customer"] not in (None, customer["id"]):
        raise invalid("The payment method is already attached to another customer.", "customer")
    found["customer"] = customer["id"]
    return call.tx.put(found)


def detach(call: Call) -> Object:
    found = call.tx.get("payment_method", call.args[0])
    if found["customer"] is None:
        raise invalid(
            "The payment method is not attached to a customer, so detachment is impossible.", "payment_method"
        )
    found["customer"] = None
    return call.tx.put(found)


def index(call: Call) -> Listing:
    customer, kind = call.params.get("customer"), call.params.get("type")
    return listed(
        call, "payment_method", lambda found: customer in (None, found["customer"]) and kind in (None, found["type"])
    )
