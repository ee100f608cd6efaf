"""How a payment goes: from a confirmed method through the buyer's own step to a charge, a hold or a refusal."""

from __future__ import annotations

from typing import Any

from sandboxes.stripe import balance, disputes
from sandboxes.stripe.cards import DECLINES
from sandboxes.stripe.errors import ApiError, declined
from sandboxes.stripe.events import emit
from sandboxes.stripe.store import Object, Transaction, new_id, public

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
WALLETS = ("alipay", "wechat_pay")
REFUSED_BY_BUYER = "The provided payment method has failed authentication."


def attempt(tx: Transaction, intent: Object, method: Object, base: str, return_url: str | None) -> Object:
    """Confirm with `method`. Raises the 402 of a declined card, whose trace is to be kept."""
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if method["type"] in WALLETS or "3ds" in method["_steps"]:
        intent |= {"status": "requires_action", "next_action": _next_action(intent, method, base, return_url)}
        intent["_return_url"] = return_url
        tx.put(intent)
        emit(tx, "payment_intent.requires_action", intent)
        return intent
    return conclude(tx, intent, method)


def conclude(tx: Transaction, intent: Object, method: Object) -> Object:
    """The buyer has agreed: charge, hold or decline."""
    reason = next((step for step in method["_steps"] if step in DECLINES), None)
    if reason is not None:
        raise _decline(tx, intent, method, reason)
    held = _captures_later(intent, method)
    charge = _charge(tx, intent, method, captured=not held)
    intent |= {"latest_charge": charge["id"], "next_action": None, "processing": None}
    if held:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        tx.put(intent)
        emit(tx, "charge.succeeded", charge)
        emit(tx, "payment_intent.amount_capturable_updated", intent)
        return intent
    _take_money(tx, charge, charge["amount"])
    emit(tx, "charge.succeeded", charge)
    _succeed(tx, intent, charge["amount"])
    if "dispute" in method["_steps"]:
        disputes.open_dispute(tx, charge, charge["amount"], "fraudulent")
    return intent


def start_processing(tx: Transaction, intent: Object) -> Object:
    """The wallet has taken the order and will tell the outcome later."""
    intent |= {"status": "processing", "next_action": None}
    tx.put(intent)
    emit(tx, "payment_intent.processing", intent)
    return intent


def refuse(tx: Transaction, intent: Object) -> Object:
    """The buyer (or the wallet, later) has said no: the intent asks for another method."""
    method = tx.get("payment_method", intent["payment_method"])
    intent["last_payment_error"] = {
        "code": "payment_intent_authentication_failure",
        "message": REFUSED_BY_BUYER,
        "payment_method": public(method),
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
    }
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    tx.put(intent)
    emit(tx, "payment_intent.payment_failed", intent)
    return intent


def capture(tx: Transaction, intent: Object, amount: int) -> Object:
    """Take `amount` of a hold; the rest is released and counts as refunded on the charge, as at Stripe."""
    charge = tx.get("charge", intent["latest_charge"])
    charge |= {"captured": True, "amount_refunded": charge["amount"] - amount}
    _take_money(tx, charge, amount)
    emit(tx, "charge.captured", charge)
    intent |= {"amount_capturable": 0}
    _succeed(tx, intent, amount)
    return intent


def cancel(tx: Transaction, intent: Object, reason: str | None) -> Object:
    """End an intent for good; a hold is released, which Stripe reports as a refund of an uncaptured charge."""
    released = intent["status"] == "requires_capture"
    intent |= {
        "status": "canceled",
        "canceled_at": tx.created,
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    tx.put(intent)
    if released:
        charge = tx.get("charge", intent["latest_charge"])
        charge |= {"refunded": True, "amount_refunded": charge["amount"]}
        tx.put(charge)
        emit(tx, "charge.refunded", charge)
    emit(tx, "payment_intent.canceled", intent)
    return intent


def expire_hold(tx: Transaction, intent: Object) -> Object:
    """The bank has ended a hold that was not captured in its days."""
    charge = tx.get("charge", intent["latest_charge"])
    emit(tx, "charge.expired", charge)
    return cancel(tx, intent, "automatic")


def _succeed(tx: Transaction, intent: Object, amount: int) -> None:
    intent |= {"status": "succeeded", "amount_received": amount}
    tx.put(intent)
    emit(tx, "payment_intent.succeeded", intent)


def _take_money(tx: Transaction, charge: Object, amount: int) -> None:
    charge["amount_captured"] = amount
    charge["balance_transaction"] = balance.book(tx, "charge", amount, charge["currency"], charge["id"])["id"]
    tx.put(charge)


def _captures_later(intent: Object, method: Object) -> bool:
    own = intent["payment_method_options"].get(method["type"], {}).get("capture_method")
    return bool((own or intent["capture_method"]) == "manual")


def _decline(tx: Transaction, intent: Object, method: Object, reason: str) -> ApiError:
    code, decline_code, message = DECLINES[reason]
    charge = _charge(tx, intent, method, captured=False)
    charge |= {
        "paid": False,
        "status": "failed",
        "failure_code": code,
        "failure_message": message,
        "outcome": {"network_status": "declined_by_network", "reason": decline_code or code, "risk_level": "normal",
                    "seller_message": "The bank declined the payment.", "type": "issuer_declined"},
    }  # fmt: skip
    tx.put(charge)
    error = {
        "charge": charge["id"],
        "code": code,
        "message": message,
        "payment_method": public(method),
        "type": "card_error",
    }
    if decline_code:
        error["decline_code"] = decline_code
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "latest_charge": charge["id"],
        "last_payment_error": error,
    }
    tx.put(intent)
    emit(tx, "charge.failed", charge)
    emit(tx, "payment_intent.payment_failed", intent)
    return declined(code, message, decline_code, charge["id"], public(intent))


def _charge(tx: Transaction, intent: Object, method: Object, *, captured: bool) -> Object:
    return tx.create(
        "charge",
        "ch",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": captured,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "dispute": None,
            "disputed": False,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "outcome": {"network_status": "approved_by_network", "reason": None, "risk_level": "normal",
                        "seller_message": "Payment complete.", "type": "authorized"},
            "paid": True,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"type": method["type"], method["type"]: _details(method)},
            "receipt_email": intent["receipt_email"],
            "receipt_url": None,
            "refunded": False,
            "shipping": intent["shipping"],
            "source_transfer": None,
            "statement_descriptor": None,
            "status": "succeeded",
            "transfer_group": intent["transfer_group"],
        },
    )  # fmt: skip


def _details(method: Object) -> dict[str, Any]:
    kind = method["type"]
    if kind == "card":
        shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
        secured = {"authentication_flow": "challenge", "result": "authenticated"} if "3ds" in method["_steps"] else None
        return {name: method["card"][name] for name in shown} | {
            "network": method["card"]["brand"],
            "three_d_secure": secured,
        }
    return {"buyer_id": new_id("buyer", 16), "fingerprint": method["id"][-16:], "transaction_id": new_id("txn", 28)[4:]}


def _next_action(intent: Object, method: Object, base: str, return_url: str | None) -> dict[str, Any]:
    page = f"{base}/sandbox/authorize/{intent['id']}"
    if method["type"] == "alipay":
        return {
            "type": "alipay_handle_redirect",
            "alipay_handle_redirect": {"native_data": None, "native_url": None, "return_url": return_url, "url": page},
        }
    if method["type"] == "wechat_pay":
        return {
            "type": "wechat_pay_display_qr_code",
            "wechat_pay_display_qr_code": {"data": page, "hosted_instructions_url": page},
        }
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": page}}
