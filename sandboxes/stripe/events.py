"""Events: one per thing that happened, with the object as it was then, and a delivery per endpoint that listens."""

from __future__ import annotations

from typing import Any

from sandboxes.stripe import faults, params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.store import Object, Transaction, public

API_VERSION = "2026-10-28.endive"
DELIVERY = "sandbox.delivery"


def emit(tx: Transaction, kind: str, about: Object, previous: Object | None = None) -> Object:
    """Record an event of type `kind` and address it to the enabled endpoints that want it."""
    data: Object = {"object": public(about)}
    if previous is not None:
        data["previous_attributes"] = previous
    endpoints = listeners(tx, kind)
    event = tx.create(
        "event",
        "evt",
        {
            "api_version": API_VERSION,
            "data": data,
            "pending_webhooks": len(endpoints),
            "request": {"id": tx.note.get("id"), "idempotency_key": tx.note.get("idempotency_key")},
            "type": kind,
        },
    )
    if tx.account:
        event["account"] = tx.account
        tx.put(event)
    fault = faults.take_for_event(tx, kind)
    for endpoint in endpoints:
        address(tx, event, endpoint, fault)
    return event


def listeners(tx: Transaction, kind: str) -> list[Object]:
    """The enabled endpoints that want events of this type; those of connected accounts go to `connect` endpoints."""
    return [found for found in tx.store.oldest("webhook_endpoint") if _wants(found, kind, tx.account)]


def address(tx: Transaction, event: Object, endpoint: Object, fault: Object | None = None) -> None:
    """Queue one event for one endpoint, bent by a scripted fault if there is one."""
    if fault and fault["fault"] == "lose":
        return
    delivery: Object = {"event": event["id"], "endpoint": endpoint["id"], "copies": 1, "not_before": tx.now}
    if fault:
        delivery |= faults.bend_delivery(fault, tx.now)
    tx.put(tx.create(DELIVERY, "dlv", delivery) | {"_account": None})


def _wants(endpoint: Object, kind: str, account: str | None) -> bool:
    heard = "*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"]
    return heard and endpoint["status"] == "enabled" and endpoint["_connect"] == (account is not None)


def retrieve(call: Call) -> Any:
    return call.tx.get("event", call.args[0])


def index(call: Call) -> Listing:
    kinds = [call.params["type"]] if call.params.get("type") else call.params.get("types")
    return listed(call, "event", lambda event: not kinds or event["type"] in kinds)


INDEX = {"type": params.text(100), "types": params.several(params.text(100), 20)}
