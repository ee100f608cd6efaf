"""What an order's page says of its way: events, what comes next, and our own remarks, in the two languages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from shop import delays, filing

EVENTS = {
    "parcel_sent": _("A parcel has left"),
    "concluded": _("Customs has finished its examination"),
    delays.LATE: _("Clearance takes longer than usual"),
    "short_supply": _("Part of it cannot be supplied"),
    "cancellation_refused": _("The cancellation was refused"),
    "retaxed": _("Declared under a newer law"),
    "return_requested": _("Return asked for"),
    "return_granted": _("Return granted"),
    "return_refused": _("Return refused"),
    "return_received": _("The goods have come back"),
}
# What the state means for the buyer, and what comes next; `retail` goods pass customs on their own.
NEXT = {
    "awaiting_payment": _("Pay before the hold ends; then the goods are yours."),
    "payment_review": _("Somebody looks at the payment before customs is told. You need not do anything."),
    "paid": _("The merchant packs the goods and sends them."),
    "paid_retail": _("We declare the order to customs in your name."),
    "declared": _("Customs looks at order, payment and waybill; mostly within minutes."),
    "held": _("Customs inspects the parcel. You are told when it goes on."),
    "rejected": _("Customs sent the papers back. We correct them; if that fails, all you paid comes back."),
    "released": _("Customs has let it in; the merchant sends it."),
    "shipped": _("The parcel is on its way to you."),
    "delivered": _("It has arrived. Within 30 days of release it can be sent back."),
    "completed": _("The time for returns is over."),
    "cancelled": _("Nothing was charged, or all of it goes back."),
    "refunding": _("The money is on its way back to you."),
    "refunded": _("All you paid has gone back."),
    "returned": _("The goods are back, and the money for them too."),
}
# Remarks that the platform itself writes into a timeline; what people wrote stands as they wrote it.
REMARKS = {
    "not paid in time": _("not paid in time"),
    "not paid in time; goods freed": _("not paid in time; the goods are free again"),
    "not weighed in time": _("not weighed in time, nothing was charged"),
    "not weighed in time; goods freed": _("not weighed in time; the goods are free again"),
    "payer and buyer differ": _("payer and buyer differ"),
    "looked at by a person before it is declared": _("looked at by a person before it is declared"),
    "paid too late; the goods were no longer held": _("paid too late; the goods were no longer held"),
    "paid after cancellation; refunded in full": _("paid after the cancellation; all of it goes back"),
    filing.REFILED: _("the papers are corrected and filed again"),
    delays.SAID: _("customs has not released it yet; we look after it"),
    "released before": _("customs had released it before"),
    "the difference is borne by the platform": _("the platform bears the difference, you pay what was quoted"),
    "cancelled by the buyer": _("cancelled by the buyer"),
    "a dispute is open": _("waits until the bank has decided your dispute"),
}
HOW = {
    "page": _("by ticking the box"),
    "explicit": _("by naming the version"),
    "quote": _("by placing the quote that showed it"),
    "items": _("by placing the order"),
}


def next_step(status: str, route: str) -> str:
    """What comes next for an order in this state."""
    retail = route == "cross_border_retail"
    known = NEXT.get(f"{status}_retail" if retail else status) or NEXT.get(status)
    return str(known) if known is not None else ""


def remark(text: str | None) -> str:
    """A line of the timeline's detail."""
    known = REMARKS.get(text or "")
    return str(known) if known is not None else text or ""
