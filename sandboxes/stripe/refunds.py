"""Charges and their refunds: together never more than was captured."""

from __future__ import annotations

from sandboxes.stripe import balance, params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.events import emit
from sandboxes.stripe.store import Object, Transaction

CREATE: params.Spec = {
    "amount": params.amount,
    "charge": params.text(100),
    "payment_intent": params.text(100),
    "metadata": params.metadata,
    "reason": params.choice("duplicate", "fraudulent", "requested_by_customer"),
    "instructions_email": params.text(),
    "refund_application_fee": params.flag,
    "reverse_transfer": params.flag,
}
UPDATE: params.Spec = {"metadata": params.metadata}
INDEX: params.Spec = {"charge": params.text(100), "payment_intent": params.text(100)}
CHARGES: params.Spec = {
    "customer": params.text(100),
    "payment_intent": params.text(100),
    "transfer_group": params.text(200),
}
UPDATE_CHARGE: params.Spec = {"metadata": params.metadata, "description": params.text(1000)}


def create(call: Call) -> Object:
    charge = _charge_meant(call)
    amount = _refundable(charge, call.params.get("amount"), _lost(call.tx, charge))
    method = call.tx.get("payment_method", charge["payment_method"])
    pending = "refund_pending" in method["_steps"]
    refund = call.tx.create(
        "refund",
        "re",
        {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "destination_details": {"type": method["type"]},
            "failure_reason": None,
            "metadata": params.merge_metadata({}, call.params.get("metadata", {})),
            "payment_intent": charge["payment_intent"],
            "reason": call.params.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "pending" if pending else "succeeded",
            "transfer_reversal": None,
        },
    )
    del refund["livemode"]  # refunds have none
    refund["balance_transaction"] = balance.book(call.tx, "refund", -amount, charge["currency"], refund["id"])["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.tx.put(charge)
    call.tx.put(refund)
    emit(call.tx, "refund.created", refund)
    emit(call.tx, "charge.refunded", charge)
    if "refund_fails" in method["_steps"]:
        settle(call.tx, refund, "failed")
    return refund


def settle(tx: Transaction, refund: Object, outcome: str) -> Object:
    """What the bank says later: `succeeded`, or `failed`, which puts the money back into the balance."""
    refund["status"] = outcome
    if outcome == "failed":
        refund["failure_reason"] = "expired_or_canceled_card"
        charge = tx.get("charge", refund["charge"])
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        tx.put(charge)
        book = balance.book(tx, "refund_failure", refund["amount"], refund["currency"], refund["id"])
        refund["failure_balance_transaction"] = book["id"]
    tx.put(refund)
    emit(tx, "refund.updated", refund)
    if outcome == "failed":
        emit(tx, "refund.failed", refund)
        emit(tx, "charge.updated", charge)
    return refund


def _charge_meant(call: Call) -> Object:
    charge_id, intent_id = call.params.get("charge"), call.params.get("payment_intent")
    if not charge_id and not intent_id:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    if intent_id:
        intent = call.tx.get("payment_intent", intent_id, "payment_intent")
        if intent["latest_charge"] is None or (charge_id and charge_id != intent["latest_charge"]):
            raise invalid(
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.", "payment_intent"
            )
        charge_id = intent["latest_charge"]
    return call.tx.get("charge", charge_id, "charge")


def _lost(tx: Transaction, charge: Object) -> int | None:
    """What a lost dispute took of the charge; None while one is open: then nothing of it is refunded."""
    if not charge["dispute"]:
        return 0
    dispute = tx.get("dispute", charge["dispute"])
    if dispute["status"] in ("needs_response", "under_review"):
        return None
    return int(dispute["amount"]) if dispute["status"] == "lost" else 0


def _refundable(charge: Object, amount: int | None, lost: int | None) -> int:
    """The amount to refund, or the refusal: uncaptured, charged back, spent already, too much."""
    if charge["status"] != "succeeded":
        raise invalid("This charge did not succeed, so there is nothing to refund.", "charge")
    if not charge["captured"]:
        raise invalid(
            f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). "
            "Cancel the PaymentIntent to release the hold.",
            "charge",
        )
    if lost is None or lost == charge["amount"] - charge["amount_refunded"] > 0:
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge", "charge_disputed"
        )
    left = charge["amount"] - charge["amount_refunded"] - lost
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge", "charge_already_refunded")
    if amount is not None and amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount")
    return left if amount is None else amount


def retrieve(call: Call) -> Object:
    return call.tx.get("refund", call.args[0])


def update(call: Call) -> Object:
    refund = call.tx.get("refund", call.args[0])
    refund["metadata"] = params.merge_metadata(refund["metadata"], call.params.get("metadata", {}))
    call.tx.put(refund)
    emit(call.tx, "refund.updated", refund)
    return refund


def index(call: Call) -> Listing:
    return _by(call, "refund", ("charge", "payment_intent"))


def retrieve_charge(call: Call) -> Object:
    return call.tx.get("charge", call.args[0])


def update_charge(call: Call) -> Object:
    charge = call.tx.get("charge", call.args[0])
    charge["metadata"] = params.merge_metadata(charge["metadata"], call.params.get("metadata", {}))
    charge["description"] = call.params.get("description", charge["description"])
    call.tx.put(charge)
    emit(call.tx, "charge.updated", charge)
    return charge


def index_charges(call: Call) -> Listing:
    return _by(call, "charge", ("customer", "payment_intent", "transfer_group"))


def _by(call: Call, kind: str, names: tuple[str, ...]) -> Listing:
    asked = {name: call.params[name] for name in names if call.params.get(name)}
    return listed(call, kind, lambda found: all(found[name] == value for name, value in asked.items()))
