"""The words of bonded stock and of crossings, in the two languages of the pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

ENTRY_STATES = {
    "draft": _("Draft"),
    "submitted": _("Submitted"),
    "recorded": _("Entry recorded"),
    "checked": _("On the check list"),
    "released": _("May enter the zone"),
    "arrived": _("In the zone"),
    "cancelled": _("Cancelled"),
}
EXIT_STATES = {
    "requested": _("Asked for"),
    "approved": _("Allowed by customs"),
    "done": _("Done"),
    "refused": _("Refused by customs"),
    "withdrawn": _("Withdrawn"),
}
EXIT_KINDS = {
    "general_trade": _("To general trade, with duty"),
    "abroad": _("Back abroad"),
    "destruction": _("To be destroyed"),
    "transfer": _("To another zone"),
    "expired": _("Expired, to be destroyed"),
}
RETURN_STATES = {
    "awaited": _("On its way back"),
    "checked": _("Looked at"),
    "kept": _("Never left the zone"),
    "late": _("Came back too late"),
}
STEPS = {
    "submit": _("Submit to customs"),
    "record": _("Entry record list"),
    "check": _("Account-book check list"),
    "release": _("Release form"),
    "arrive": _("Arrived in the zone"),
    "cancel": _("Cancel"),
    "approve": _("Allow"),
    "refuse": _("Refuse"),
    "withdraw": _("Withdraw"),
    "complete": _("Gone: complete"),
}
BOOK_KINDS = {
    "entry": _("Came in"),
    "sale": _("Retail list released"),
    "return": _("Came back"),
    **EXIT_KINDS,
}
DIFFERENCES = {
    "stock_differs": _("Stock and account book differ"),
    "entries_differ": _("The balance is not the sum of its entries"),
    "list_short": _("A list was released without enough on the book"),
    "not_on_book": _("Stock that no entry brought in"),
}
TONES = {
    "arrived": "badge-good",
    "done": "badge-good",
    "checked": "badge-good",
    "kept": "badge-good",
    "cancelled": "badge-bad",
    "refused": "badge-bad",
    "late": "badge-bad",
    "withdrawn": "badge-bad",
    "awaited": "badge-warn",
    "requested": "badge-warn",
    "submitted": "badge-warn",
}
