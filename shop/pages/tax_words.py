"""Words of tax bills, payments to customs and guarantees."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

CAUSES = {
    "freight_sharing": _("Freight shared otherwise"),
    "rounding_order": _("Rounded in another order"),
    "rate": _("Another rate"),
    "quantity": _("Another quantity"),
    "unknown": _("Not known"),
}
DIFFERENCE_KINDS = {
    "dutiable_value": _("Dutiable value"),
    "duty": _("Customs duty"),
    "consumption_tax": _("Consumption tax"),
    "vat": _("Import VAT"),
    "total": _("The bill's own sum"),
}
DUE_STATES = {
    "billed": _("Billed"),
    "expected": _("Released, not billed yet"),
    "consolidated": _("In a consolidated payment"),
    "declared": _("General trade, declared"),
}
PHASES = {"late": _("Late"), "open": _("May be paid now"), "coming": _("To come")}
PHASE_TONES = {"late": "badge-bad", "open": "badge-warn", "coming": "badge-sea"}
MOVES = {
    "opened": _("Lodged"),
    "refilled": _("Refilled"),
    "reduced": _("Reduced"),
    "reserved": _("Kept for a list"),
    "released": _("Given back"),
    "blocked": _("No room: a list waits"),
    "alert": _("Above the alert threshold"),
}
FINDING_STATES = {"open": _("To be settled"), "accepted": _("Accepted"), "closed": _("Closed")}
