"""Words of coupons and promotions."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

STATES = {
    "planned": _("Not begun"),
    "in_force": _("In force"),
    "used_up": _("Used up"),
    "over": _("Over"),
    "stopped": _("Stopped"),
}
PROMOTION_STATES = {
    "planned": _("Not begun"),
    "running": _("Running"),
    "over": _("Over"),
    "sold_out": _("Sold out"),
    "stopped": _("Stopped"),
    "failed": _("Did not begin: it would not lower the price"),
}
PROMOTION_TONES = {"running": "badge-good", "failed": "badge-bad"}
TONES = {"in_force": "badge-good", "used_up": "badge-warn", "stopped": "badge-bad"}
