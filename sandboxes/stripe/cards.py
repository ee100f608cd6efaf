"""Stripe's documented test cards and tokens: what each of them does when it is charged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandboxes.stripe.errors import ApiError, invalid

DECLINES: Mapping[str, tuple[str, str | None, str]] = {
    "generic_decline": ("card_declined", "generic_decline", "Your card was declined."),
    "insufficient_funds": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "lost_card", "Your card was declined."),
    "stolen_card": ("card_declined", "stolen_card", "Your card was declined."),
    "expired_card": ("expired_card", None, "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", None, "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}

# number -> (brand, steps): "3ds" asks the buyer first, the rest says how the charge ends
CARDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "4242424242424242": ("visa", ()),
    "4000056655665556": ("visa", ()),
    "5555555555554444": ("mastercard", ()),
    "2223003122003222": ("mastercard", ()),
    "378282246310005": ("amex", ()),
    "6200000000000005": ("unionpay", ()),
    "6200000000000047": ("unionpay", ()),
    "4000001560000002": ("visa", ()),
    "4000000000000002": ("visa", ("generic_decline",)),
    "4000000000009995": ("visa", ("insufficient_funds",)),
    "4000000000009987": ("visa", ("lost_card",)),
    "4000000000009979": ("visa", ("stolen_card",)),
    "4000000000000069": ("visa", ("expired_card",)),
    "4000000000000127": ("visa", ("incorrect_cvc",)),
    "4000000000000119": ("visa", ("processing_error",)),
    "4000000000000341": ("visa", ("generic_decline",)),
    "4000002500003155": ("visa", ("3ds",)),
    "4000002760003184": ("visa", ("3ds",)),
    "4000000000003220": ("visa", ("3ds",)),
    "4000008260003178": ("visa", ("3ds", "insufficient_funds")),
    "4000008400001629": ("visa", ("3ds", "generic_decline")),
    "4000000000000259": ("visa", ("dispute",)),
    "4000000000007726": ("visa", ("refund_pending",)),
    "4000000000005126": ("visa", ("refund_fails",)),
}

TOKENS: Mapping[str, str] = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "unionpay": "6200000000000005",
    "cn": "4000001560000002",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeCustomerFail": "4000000000000341",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000002760003184",
    "authenticationRequired": "4000002500003155",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "createDispute": "4000000000000259",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
}


def token_number(token: str) -> str | None:
    """The card behind `pm_card_...`, `pm_card_visa_...` or `tok_...`; None for anything else."""
    for prefix in ("pm_card_visa_", "pm_card_", "tok_visa_", "tok_"):
        if token.startswith(prefix) and token.removeprefix(prefix) in TOKENS:
            return TOKENS[token.removeprefix(prefix)]
    return None


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (
        sum(digit if i % 2 == 0 else (digit * 2 - 1) % 9 + 1 if digit else 0 for i, digit in enumerate(digits)) % 10
        == 0
    )


def _refused(message: str, param: str, code: str) -> ApiError:
    return ApiError(402, "card_error", message, code=code, param=param)


def from_number(given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The public card hash and the steps a charge takes, from `card[number]`, `exp_month`, `exp_year`, `cvc`."""
    if token := given.get("token"):
        number = token_number(token)
        if number is None:
            raise invalid(f"No such token: '{token}'", "card[token]", "resource_missing")
        return _card(number, 12, datetime.now(UTC).year + 3, given.get("cvc"))
    number = (given.get("number") or "").replace(" ", "").replace("-", "")
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and _luhn(number)):
        raise _refused("Your card number is incorrect.", "number", "incorrect_number")
    if number not in CARDS:
        # as in test mode, where a real card is turned away
        raise _refused(
            "Your card was declined. Your request was in test mode, but used a non test card.",
            "number",
            "card_declined",
        )
    month, year = given.get("exp_month"), given.get("exp_year")
    if month is None or year is None:
        raise invalid("Missing required param: card[exp_month].", "card[exp_month]", "parameter_missing")
    year = year + 2000 if year < 100 else year
    today = datetime.now(UTC)
    if (year, month) < (today.year, today.month):
        raise _refused("Your card's expiration year is invalid.", "exp_year", "invalid_expiry_year")
    return _card(number, month, year, given.get("cvc"))


def _card(number: str, month: int, year: int, cvc: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    brand, steps = CARDS[number]
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in (3, 4)):
        raise _refused("Your card's security code is invalid.", "cvc", "invalid_cvc")
    card = {
        "brand": brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass" if cvc else None,
        },
        "country": "CN" if brand == "unionpay" or number == TOKENS["cn"] else "US",
        "display_brand": brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": f"sandbox{number[-8:]}",
        "funding": "debit" if number == TOKENS["visa_debit"] else "credit",
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return card, steps
