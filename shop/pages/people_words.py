"""The words of merchants and their people, in the two languages of the pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

MEMBER_ROLES = {
    "owner": _("Owner"),
    "manager": _("Manager"),
    "stock_clerk": _("Stock clerk"),
    "viewer": _("Viewer"),
}
# What the role may do; the rule is `catalog.rights.MAY`.
ROLE_HINTS = {
    "owner": _("everything, people and payouts too"),
    "manager": _("goods, stock, orders, recalls"),
    "stock_clerk": _("stock and orders"),
    "viewer": _("sees all, changes nothing"),
}
MERCHANT_STATUSES = {
    "submitted": _("Under review"),
    "approved": _("Admitted"),
    "suspended": _("Suspended"),
    "rejected": _("Refused"),
}
