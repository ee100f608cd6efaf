"""What kept an order from being filed, and what to do about it, by the element it is about."""

from __future__ import annotations

import re

from flask_babel import gettext
from flask_babel import lazy_gettext as _

_PAYER = _("Somebody else paid. Refund the order and ask the buyer to pay it in their own name.")
_MONEY = _("The sums do not agree. Compare the order with its payment before anything is filed.")
_RECEIVER = _("The waybill and the order name different recipients. Have the logistics enterprise correct the waybill.")
_PARTY = _("Correct the enterprise's code, name or days in the parties file or the warehouse, then file it again.")
_PLACE = _("Complete the warehouse: account book, zone enterprise, offices. Then file it again.")
_CROSSING = _("Announce the shipment of this warehouse, then file it again.")
_GOODS = _("Correct it below and in the listing for later orders, then file it again; or cancel and refund the order.")
_LAW = _("On this day the goods may not be filed. Cancel and refund the order, unless the reason passes.")
_PAYMENT = _("The payment enterprise does not declare this payment. Settle it there, then file it again.")
_OTHER = _("Mend what is named, then file it again.")

_BY_ELEMENT = {
    **dict.fromkeys(("payerName", "payerIdNumber", "payerIdType", "buyerName", "buyerIdNumber"), _PAYER),
    **dict.fromkeys(
        ("amountPaid", "acturalPaid", "goodsValue", "freight", "insuredFee", "discount", "taxTotal"), _MONEY
    ),
    **dict.fromkeys(("consignee", "consigneeTelephone", "consigneeAddress", "logisticsNo"), _RECEIVER),
    **dict.fromkeys(("emsNo", "areaCode", "areaName", "customsCode", "portCode", "loctNo", "itemRecordNo"), _PLACE),
    **dict.fromkeys(("trafNo", "voyageNo", "billNo", "trafMode"), _CROSSING),
    **dict.fromkeys(("weight", "grossWeight", "netWeight", "gmodel", "gcode", "gname", "itemName", "itemNo"), _GOODS),
    **dict.fromkeys(
        ("unit", "unit1", "unit2", "qty", "qty1", "qty2", "price", "totalPrice", "country", "gnum"), _GOODS
    ),
}
_PARTIES = ("ebp", "ebc", "pay", "logistics", "agent", "assure", "cop")


def advice(path: str) -> str:
    """One sentence for a fault such as `411/payerName`; a document alone is the law or the payment enterprise."""
    if path == "621":
        return str(_LAW)
    if path == "411":
        return str(_PAYMENT)
    element = path.rsplit("/", 1)[-1]
    known = _BY_ELEMENT.get(element)
    if known is None and element.endswith(("Code", "Name")) and element[:-4] in _PARTIES:
        known = _PARTY
    return str(known or _OTHER)


_DOCUMENTS = {"order": _("order"), "payment": _("payment"), "waybill": _("waybill"), "list": _("list")}
_RULES = {
    "freight and insuredFee must be the order's freight together": _(
        "freight and insuredFee must be the order's freight together"
    ),
    "lines must correspond to the order's one to one": _("lines must correspond to the order's one to one"),
    "the payment enterprise says that the payer is not the buyer": _(
        "the payment enterprise says that the payer is not the buyer"
    ),
    "the amount is not within what was paid": _("the amount is not within what was paid"),
    "the payment has no number of the enterprise": _("the payment has no number of the enterprise"),
    "the warehouse has no open shipment": _("the warehouse has no open shipment"),
    "must be above zero": _("must be above zero"),
    "must be goodsValue + freight + taxTotal - discount": _("must be goodsValue + freight + taxTotal - discount"),
    "must be the sum of totalPrice over the lines": _("must be the sum of totalPrice over the lines"),
    "must be price x qty": _("must be price x qty"),
    "must not be below netWeight": _("must not be below netWeight"),
}
_EQUAL = re.compile(r"must equal (\w+) of the (order|payment|waybill|list)('s line)?\Z")
_UNREGISTERED = re.compile(r"the registration of (\w+) does not cover (\S+)\Z")


def rule(text: str) -> str:
    """The rule of a fault in the language of the page; what is not known here stays as customs' tables say it."""
    known = _RULES.get(text)
    if known is not None:
        return str(known)
    if found := _EQUAL.match(text):
        if found[3]:
            return gettext("must equal %(element)s of the order's line", element=found[1])
        return gettext("must equal %(element)s of the %(paper)s", element=found[1], paper=str(_DOCUMENTS[found[2]]))
    if found := _UNREGISTERED.match(text):
        return gettext("the registration of %(code)s does not cover %(day)s", code=found[1], day=found[2])
    return text
