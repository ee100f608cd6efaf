"""The words of the trade between companies, in the two languages of the pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

COMPANY_STATUSES = {
    "submitted": _("Under review"),
    "verified": _("Verified"),
    "rejected": _("Refused"),
    "suspended": _("Suspended"),
}
COMPANY_DECISIONS = {
    "verify": _("Verify"),
    "reject": _("Reject"),
    "suspend": _("Suspend"),
    "reinstate": _("Reinstate"),
}
RFQ_STATUSES = {
    "requested": _("Waiting for an offer"),
    "offered": _("Offer made"),
    "accepted": _("Accepted and ordered"),
    "declined": _("Declined"),
    "expired": _("Expired"),
    "withdrawn": _("Withdrawn"),
}
OFFER_STATUSES = {
    "open": _("Open"),
    "superseded": _("Replaced by a later one"),
    "withdrawn": _("Withdrawn"),
    "accepted": _("Accepted and ordered"),
    "declined": _("Declined"),
    "expired": _("Expired"),
}
TONES = {
    "offered": "badge-warn",
    "open": "badge-warn",
    "submitted": "badge-warn",
    "awaiting_payment": "badge-warn",
    "accepted": "badge-good",
    "paid": "badge-good",
    "verified": "badge-good",
    "declined": "badge-bad",
    "rejected": "badge-bad",
    "suspended": "badge-bad",
    "cancelled": "badge-bad",
}
QUESTIONS = {
    "application": _("What it is used for"),
    "power_supply": _("Power supply on site"),
    "installation": _("Installation wanted"),
    "training": _("Training wanted"),
    "spare_parts": _("Spare parts wanted"),
    "scope": _("Scope"),
    "deliverables": _("Deliverables"),
    "place": _("Place of the work"),
    "deadline": _("Deadline"),
    "grade": _("Grade"),
    "moisture_most": _("Moisture at most"),
    "particle_size": _("Particle size"),
    "impurities": _("Impurities at most"),
    "port": _("Port of discharge"),
}
PARTS = {
    "goods": _("Price"),
    "freight": _("Freight"),
    "insurance": _("Insurance"),
    "installation": _("Installation"),
    "training": _("Training"),
    "total": _("Total"),
}
# What the merchant is told of requests.
NOTICES = {
    "rfq_requested": _("A company asks you for a quotation"),
    "rfq_withdrawn": _("A request for quotation was withdrawn"),
    "rfq_declined": _("Your offer was declined"),
    "rfq_accepted": _("Your offer was accepted and ordered"),
    "rfq_message": _("There is a new message on a request for quotation"),
}
# Of the order that an accepted offer became.
PURCHASE_STATUSES = {
    "awaiting_payment": _("Awaiting payment"),
    "paid": _("Paid"),
    "expired": _("Not paid in time"),
    "cancelled": _("Cancelled"),
}
SIDES = {"company": _("Buyer"), "merchant": _("Seller")}
