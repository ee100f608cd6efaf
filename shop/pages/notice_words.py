"""Words of notices and webhooks."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

KINDS = {
    "allowance_dispute_closed": _("Reported entry looked into"),
    "allowance_given_back": _("Allowance given back"),
    "allowance_given_back_elsewhere": _("Allowance given back by another account"),
    "allowance_used": _("Allowance used"),
    "allowance_used_elsewhere": _("Allowance used by another account"),
    "dispute_closed": _("Dispute about a payment closed"),
    "dispute_opened": _("Payment disputed"),
    "late_payment_refunded": _("Paid too late, paid back"),
    "order_cancelled": _("Order cancelled"),
    "order_paid": _("Order paid"),
    "order_released": _("Order released by customs"),
    "order_held": _("Order held by customs"),
    "order_filed_again": _("Papers filed again"),
    "order_delayed": _("Customs takes longer than usual"),
    "order_sent_back": _("Papers sent back by customs"),
    "order_shipped": _("Order sent"),
    "order_short": _("Part of an order cannot be supplied"),
    "order_weighed": _("Order weighed"),
    "order_to_weigh": _("Order to be weighed"),
    "payout_failed": _("Payout failed"),
    "payout_paid": _("Payout sent"),
    "refund_paid": _("Buyer paid back"),
    "return_granted": _("Return granted"),
    "return_refused": _("Return refused"),
    "webhook_disabled": _("Endpoint disabled"),
    "webhook_test": _("Test"),
}
STATUSES = {
    "waiting": _("To be tried"),
    "sent": _("Delivered"),
    "failed": _("Given up"),
    "dropped": _("Not sent: endpoint disabled"),
}
TONES = {"sent": "badge-good", "failed": "badge-bad", "dropped": "badge-bad", "waiting": "badge-warn"}
