"""Words of receipts that wait for a person, and of filing again."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

RECEIPT_STATES = {"quarantined": _("In quarantine"), "set_aside": _("Set aside")}
# Our own reasons; what people wrote stands as they wrote it.
RECEIPT_REASONS = {
    "speaks of no document we have sent": _("It names no document that we have sent."),
    "invtNo is not the one customs gave before": _("Its list number is not the one customs gave before."),
    "customs released a list that we hold for ended": _(
        "Customs released a list that we hold for sent back or withdrawn: look at its order at once."
    ),
    "its time lies ahead of ours": _("Its time lies more than a year ahead of ours."),
    "a change of a bill we have not got": _("It changes a tax bill that has not come yet."),
}
REFILINGS = {"new": _("as new"), "amend": _("as a change"), "no": _("not again")}


def receipt_reason(reason: str | None) -> str:
    """Why a receipt stands where it stands."""
    known = RECEIPT_REASONS.get(reason or "")
    if known is None and reason and reason.endswith(" is not the one we filed"):
        return str(_("Another enterprise's: %(name)s differs.", name=reason.split(" ", 1)[0]))
    return str(known) if known is not None else reason or "–"
