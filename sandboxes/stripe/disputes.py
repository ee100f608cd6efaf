"""Disputes: a buyer's bank takes the money back; lost for good, or won and returned."""

from __future__ import annotations

from sandboxes.stripe import balance, params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.events import emit
from sandboxes.stripe.store import Object, Transaction

RESPONSE_DAYS = 7
INQUIRY = ("warning_needs_response", "warning_under_review")
OPEN = ("needs_response", "under_review", *INQUIRY)
UPDATE: params.Spec = {"evidence": params.accepted, "metadata": params.metadata, "submit": params.flag}
INDEX: params.Spec = {"charge": params.text(100), "payment_intent": params.text(100)}


def open_dispute(tx: Transaction, charge: Object, amount: int, reason: str, *, inquiry: bool = False) -> Object:
    """Open a dispute over a captured charge; the disputed sum leaves the balance at once, but for an inquiry."""
    left = charge["amount"] - charge["amount_refunded"]
    if not charge["captured"] or charge["disputed"] or not 1 <= amount <= left:
        raise invalid(f"Charge {charge['id']} cannot be disputed for {amount}: {left} is left of it.", "amount")
    dispute = tx.create(
        "dispute",
        "du",
        {
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {"due_by": tx.created + RESPONSE_DAYS * 86400, "has_evidence": False, "past_due": False,
                                 "submission_count": 0},
            "is_charge_refundable": inquiry,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": INQUIRY[0] if inquiry else OPEN[0],
        },
    )  # fmt: skip
    if not inquiry:
        _withdraw(tx, dispute, charge)
    emit(tx, "charge.dispute.created", dispute)
    if not inquiry:
        emit(tx, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(tx: Transaction, dispute: Object) -> Object:
    """The bank makes a dispute of its inquiry."""
    if dispute["status"] not in INQUIRY:
        raise invalid(f"This dispute is no inquiry: {dispute['status']}.", "dispute")
    dispute |= {"status": OPEN[0], "is_charge_refundable": False}
    _withdraw(tx, dispute, tx.get("charge", dispute["charge"]))
    emit(tx, "charge.dispute.updated", dispute)
    emit(tx, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _withdraw(tx: Transaction, dispute: Object, charge: Object) -> None:
    _move(tx, dispute, -dispute["amount"])
    charge |= {"disputed": True, "dispute": dispute["id"]}
    tx.put(charge)


def close_dispute(tx: Transaction, dispute: Object, outcome: str) -> Object:
    """`won` brings the money back, `lost` leaves it gone."""
    if dispute["status"] not in OPEN:
        raise invalid(f"This dispute is already closed: {dispute['status']}.", "dispute")
    asked = dispute["status"] in INQUIRY
    dispute["status"] = "warning_closed" if asked and outcome == "won" else outcome
    if outcome == "lost" and asked:
        _withdraw(tx, dispute, tx.get("charge", dispute["charge"]))
    if outcome == "won" and not asked:
        _move(tx, dispute, dispute["amount"])
        emit(tx, "charge.dispute.funds_reinstated", dispute)
    tx.put(dispute)
    emit(tx, "charge.dispute.closed", dispute)
    return dispute


def _move(tx: Transaction, dispute: Object, amount: int) -> None:
    booked = balance.book(tx, "adjustment", amount, dispute["currency"], dispute["id"])
    dispute["balance_transactions"].append({name: value for name, value in booked.items() if not name.startswith("_")})
    tx.put(dispute)


def retrieve(call: Call) -> Object:
    return call.tx.get("dispute", call.args[0])


def update(call: Call) -> Object:
    dispute = call.tx.get("dispute", call.args[0])
    if isinstance(call.params.get("evidence"), dict):
        dispute["evidence"] = dispute["evidence"] | call.params["evidence"]
        dispute["evidence_details"] |= {"has_evidence": True}
    if call.params.get("submit") and dispute["status"] == OPEN[0]:
        dispute["status"] = "under_review"
    dispute["metadata"] = params.merge_metadata(dispute["metadata"], call.params.get("metadata", {}))
    call.tx.put(dispute)
    emit(call.tx, "charge.dispute.updated", dispute)
    return dispute


def close(call: Call) -> Object:
    """The merchant accepts the loss."""
    return close_dispute(call.tx, call.tx.get("dispute", call.args[0]), "lost")


def index(call: Call) -> Listing:
    asked = {name: call.params[name] for name in INDEX if call.params.get(name)}
    return listed(call, "dispute", lambda found: all(found[name] == value for name, value in asked.items()))
