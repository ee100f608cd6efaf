"""`/sandbox/*`: what a test bench needs and Stripe has no call for. JSON in, JSON out, no key.

- `GET /sandbox/faults`, `POST` {...}, `DELETE /sandbox/faults[/<id>]`: scripted faults, see faults.py
- `GET /sandbox/journal?after=0&limit=10000`: {"entries": [...], "next": seq or null}
- `POST /sandbox/disputes` {charge or payment_intent, amount?, reason?, inquiry?}: an inquiry takes no money
- `POST /sandbox/disputes/<id>/escalate`: the bank makes a dispute of an inquiry
- `POST /sandbox/disputes/<id>/close` {outcome: won, lost}; an inquiry that is won is closed
- `POST /sandbox/intents/<id>/settle` {outcome: succeeded, failed}: an intent in `processing`
- `POST /sandbox/intents/<id>/expire`: the bank ends a card's hold that was never captured
- `POST /sandbox/refunds/<id>/settle` {outcome: succeeded, failed}: a pending refund, or one that fails late
- `POST /sandbox/payouts/<id>/fail`: the bank sends a payout back
- `POST /sandbox/events/<id>/resend`: the event again, to every endpoint that listens
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandboxes.stripe import disputes, events, faults, payments, payouts, refunds
from sandboxes.stripe.errors import ApiError, invalid
from sandboxes.stripe.store import Object, Store, Transaction, public

bp = Blueprint("sandbox", __name__, url_prefix="/sandbox")
JOURNAL_LIMIT = 10_000


def store() -> Store:
    found: Store = current_app.extensions["stripe_sandbox"]
    return found


def body_object() -> Object:
    """The JSON object of the request, `{}` for an empty body; a 400 for anything else."""
    try:
        body = json.loads(request.get_data() or b"{}")
        json.dumps(body, ensure_ascii=False).encode("utf-8")  # a lone surrogate could not be journaled
    except (ValueError, RecursionError):
        raise invalid("The body is not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object")
    return body


def _change(
    work: Callable[[Transaction], Object], status: int = 200, account: str | None = None
) -> tuple[Response, int]:
    """Run `work` as one journaled step and answer what it gives."""
    with store().transaction(account, {"kind": "helper", "method": request.method, "path": request.path}) as tx:
        done = public(work(tx))
    return jsonify(done), status


@bp.errorhandler(ApiError)
def refused(refusal: ApiError) -> tuple[Response, int]:
    return jsonify(refusal.body()), refusal.status


@bp.post("/faults")
def create_fault() -> Any:
    asked = body_object()
    return _change(lambda tx: faults.create(tx, asked), 201)


@bp.get("/faults")
def list_faults() -> Any:
    return jsonify({"items": [public(found) for found in store().oldest(faults.FAULT)]})


@bp.delete("/faults")
@bp.delete("/faults/<fault_id>")
def delete_faults(fault_id: str | None = None) -> Any:
    with store().transaction(None, {"kind": "helper", "method": "DELETE", "path": request.path}) as tx:
        if fault_id is not None:
            tx.get(faults.FAULT, fault_id)
        for found in store().oldest(faults.FAULT):
            if fault_id in (None, found["id"]):
                tx.drop(found["id"])
    return "", 204


@bp.get("/journal")
def journal() -> Any:
    after = request.args.get("after", 0, type=int)
    limit = min(max(request.args.get("limit", JOURNAL_LIMIT, type=int), 1), JOURNAL_LIMIT)
    entries = store().journal.after(after, limit)
    return jsonify(
        {"entries": [_shown(entry) for entry in entries], "next": entries[-1]["seq"] if len(entries) == limit else None}
    )


def _shown(entry: Object) -> Object:
    """An entry for the auditor: the objects as changed, without private fields, kept answers or deliveries."""
    shown = {name: value for name, value in entry.items() if name not in ("put", "keep")}
    shown["changes"] = [public(each) for each in entry.get("put", []) if each["object"] != events.DELIVERY]
    return shown


@bp.post("/disputes")
def create_dispute() -> Any:
    asked = body_object()

    def work(tx: Transaction) -> Object:
        if asked.get("payment_intent"):
            asked["charge"] = tx.get("payment_intent", asked["payment_intent"], "payment_intent")["latest_charge"]
        charge = tx.get("charge", asked.get("charge"), "charge")
        amount = asked.get("amount", charge["amount"] - charge["amount_refunded"])
        inquiry = asked.get("inquiry", False)
        if type(amount) is not int or not isinstance(asked.get("reason", ""), str) or type(inquiry) is not bool:
            raise invalid("amount is a whole number, reason a text, inquiry true or false", "amount")
        return disputes.open_dispute(tx, charge, amount, asked.get("reason", "fraudulent"), inquiry=inquiry)

    return _change(work, 201)


@bp.post("/disputes/<dispute_id>/close")
def close_dispute(dispute_id: str) -> Any:
    outcome = _outcome("won", "lost")
    return _change(lambda tx: disputes.close_dispute(tx, tx.get("dispute", dispute_id), outcome))


@bp.post("/disputes/<dispute_id>/escalate")
def escalate_dispute(dispute_id: str) -> Any:
    return _change(lambda tx: disputes.escalate(tx, tx.get("dispute", dispute_id)))


@bp.post("/intents/<intent_id>/expire")
def expire_hold(intent_id: str) -> Any:
    def work(tx: Transaction) -> Object:
        intent = tx.get("payment_intent", intent_id)
        if intent["status"] != "requires_capture":
            raise invalid(f"The intent is {intent['status']}, not requires_capture", "intent")
        return payments.expire_hold(tx, intent)

    return _change(work)


@bp.post("/intents/<intent_id>/settle")
def settle_intent(intent_id: str) -> Any:
    outcome = _outcome("succeeded", "failed")

    def work(tx: Transaction) -> Object:
        intent = tx.get("payment_intent", intent_id)
        if intent["status"] != "processing":
            raise invalid(f"The intent is {intent['status']}, not processing", "intent")
        if outcome == "failed":
            return payments.refuse(tx, intent)
        return payments.conclude(tx, intent, tx.get("payment_method", intent["payment_method"]))

    return _change(work)


@bp.post("/refunds/<refund_id>/settle")
def settle_refund(refund_id: str) -> Any:
    outcome = _outcome("succeeded", "failed")

    def work(tx: Transaction) -> Object:
        refund = tx.get("refund", refund_id)
        if refund["status"] == outcome or refund["status"] == "failed":
            raise invalid(f"The refund is {refund['status']} already", "refund")
        return refunds.settle(tx, refund, outcome)

    return _change(work)


@bp.post("/payouts/<payout_id>/fail")
def fail_payout(payout_id: str) -> Any:
    payout = store().find(payout_id) or {}
    return _change(lambda tx: payouts.settle(tx, tx.get("payout", payout_id), "failed"), account=payout.get("_account"))


@bp.post("/events/<event_id>/resend")
def resend(event_id: str) -> Any:
    event = store().find(event_id) or {}

    def work(tx: Transaction) -> Object:
        found = tx.get("event", event_id)
        for endpoint in events.listeners(tx, found["type"]):
            events.address(tx, found, endpoint)
        return found

    return _change(work, account=event.get("_account"))


def _outcome(*allowed: str) -> str:
    outcome = body_object().get("outcome")
    if outcome not in allowed:
        raise invalid(f"outcome must be one of {', '.join(allowed)}", "outcome")
    return str(outcome)
