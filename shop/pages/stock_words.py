"""The words of stock and recalls, in the two languages of the pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

BLOCK_KINDS = {
    "hold": _("Held by the merchant"),
    "quarantine": _("In quarantine"),
    "recall": _("Recalled"),
}
BLOCK_TONES = {"hold": "badge-warn", "quarantine": "badge-bad", "recall": "badge-bad"}
MOVEMENT_KINDS = {
    "receipt": _("Received"),
    "shipment": _("Sent"),
    "adjustment": _("Counted"),
    "return": _("Came back"),
    "destruction": _("Destroyed"),
    "recall": _("Taken out after a recall"),
    "exit": _("Left the zone"),
}
RECALL_OUTCOMES = {
    "cancelled": _("Cancelled unpaid"),
    "refunded": _("Paid back"),
    "customs_asked": _("Waits for customs to let go"),
    "taken_back": _("Given back at customs, then paid back"),
}
