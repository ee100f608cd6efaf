"""Customers: who a payment method may be kept for."""

from __future__ import annotations

from sandboxes.stripe import params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.events import emit
from sandboxes.stripe.store import Object

WRITE: params.Spec = {
    "address": params.ADDRESS,
    "description": params.text(1000),
    "email": params.text(512),
    "metadata": params.metadata,
    "name": params.text(256),
    "phone": params.text(50),
    "preferred_locales": params.several(params.text(20)),
    "shipping": params.accepted,
}
INDEX: params.Spec = {"email": params.text(512)}
_PLAIN = ("address", "description", "email", "name", "phone", "shipping")


def create(call: Call) -> Object:
    customer = call.tx.create(
        "customer",
        "cus",
        {name: call.params.get(name) for name in _PLAIN}
        | {
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "invoice_settings": {"default_payment_method": None},
            "metadata": params.merge_metadata({}, call.params.get("metadata", {})),
            "preferred_locales": call.params.get("preferred_locales", []),
            "tax_exempt": "none",
        },
    )
    emit(call.tx, "customer.created", customer)
    return customer


def retrieve(call: Call) -> Object:
    return call.tx.get("customer", call.args[0])


def update(call: Call) -> Object:
    customer = call.tx.get("customer", call.args[0])
    customer |= {name: call.params[name] for name in (*_PLAIN, "preferred_locales") if name in call.params}
    customer["metadata"] = params.merge_metadata(customer["metadata"], call.params.get("metadata", {}))
    call.tx.put(customer)
    emit(call.tx, "customer.updated", customer)
    return customer


def index(call: Call) -> Listing:
    email = call.params.get("email")
    return listed(call, "customer", lambda found: email in (None, found["email"]))
