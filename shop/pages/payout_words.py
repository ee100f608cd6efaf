"""Words of payouts and of the books."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

PAYOUT_STATUSES = {
    "promised": _("Being transferred"),
    "sent": _("On its way to the bank"),
    "paid": _("Paid out"),
    "returning": _("Sent back by the bank"),
    "failed": _("Failed, owed again"),
}
PAYOUT_TONES = {"paid": "badge-good", "returning": "badge-warn", "failed": "badge-bad"}
DUE_STATES = {
    "payable": _("In the next payout"),
    "waiting": _("Waits for its day"),
    "held": _("Held"),
    "owed_back": _("Recovered from the next payout"),
}
HOLDS = {
    "return": _("a return is open"),
    "refund": _("a refund is not paid yet"),
    "dispute": _("the buyer's bank disputes the payment"),
    "incident": _("the platform looks into it"),
}
ACCOUNT_STATES = {
    "none": _("No account for payouts yet"),
    "incomplete": _("Stripe still needs something before it pays there"),
    "ready": _("Ready"),
}
LEDGER_ACCOUNTS = {
    "stripe_cash": _("Balance at Stripe"),
    "merchant_payable": _("Owed to merchants"),
    "logistics_payable": _("Freight and insurance owed"),
    "customs_tax_payable": _("Tax held for customs"),
    "customs_settlement": _("Tax billed by customs"),
    "customer_deposit": _("Paid for orders that had ended"),
    "refund_payable": _("Refunds promised"),
    "refund_unassigned": _("Refunded at Stripe, order unknown"),
    "dispute_clearing": _("Disputed, at the bank"),
    "platform_dispute_loss": _("Lost in disputes"),
    "platform_fee": _("Sales commission"),
    "platform_promotion": _("Platform coupons"),
    "payout_clearing": _("Payouts promised, not transferred"),
    "tax_difference": _("Tax the platform bears"),
    "platform_bank": _("The platform's bank account"),
    "rounding": _("Rounding (must be zero)"),
}
