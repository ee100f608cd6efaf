"""Words of the payment review and of what counts beside the allowance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

SHARED = {
    "address": _("address"),
    "phone": _("telephone"),
    "payer": _("payer"),
    "account": _("account"),
    "person": _("person"),
}
CAP_GROUPS = {"sugar": _("Sugar"), "long-grain rice": _("Long-grain rice")}
FINDINGS = {
    "payer_differs": _("The payer is not the buyer."),
    "payer_unnamed": _("The payment names no payer."),
    "persons": _("%(counted)s identities share one %(by)s within %(days)s days (up to %(most)s are fine)."),
    "orders": _("%(counted)s orders share one %(by)s within %(days)s days (up to %(most)s are fine)."),
    "units": _("%(counted)s units of one listing went to one %(by)s within %(days)s days (up to %(most)s are fine)."),
}


def finding(found: Mapping[str, Any]) -> str:
    """A finding as a sentence; one of a rule that is gone is shown by its key."""
    rule = str(found["rule"])
    words = FINDINGS.get(rule) or FINDINGS.get(str(found.get("count")))
    if words is None:
        return rule.replace("_", " ")
    by = str(SHARED.get(str(found.get("by")), ""))
    figures = {name: found.get(name, "") for name in ("counted", "days", "most")}
    return str(words) % {**figures, "by": by}
