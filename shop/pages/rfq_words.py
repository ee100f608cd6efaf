"""The words of the trade between companies, in the two languages of the pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

COMPANY_STATUSES = {
    "submitted": _("Under review"),
    "verified": _("Verified"),
    "rejected": _("Refused"),
    "suspended": _("Suspended"),
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
    "accepted": "badge-good",
    "verified": "badge-good",
    "declined": "badge-bad",
    "rejected": "badge-bad",
    "suspended": "badge-bad",
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
SIDES = {"company": _("Buyer"), "merchant": _("Seller")}
