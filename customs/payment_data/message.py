"""The upload of payment data, to the byte (GACC announcement 179 of 2018; `initalRequest` is its own spelling).

Four parts are signed as one text, each a quoted name and a quoted value, joined by `||`. Head and lists stand in it as
the compact JSON in which they are uploaded: no blank, no escaped slash, no escaped Chinese.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.money import plain
from customs.window.documents import CNY, time14, yuan
from customs.window.facts import Company

OTHER_DEPARTMENT = "3"  # verDept: neither UnionPay (1) nor NetsUnion (2)
OTHER_TYPE = "4"  # payType: the payment does not tell whether by app, computer or code


@dataclass(frozen=True, slots=True)
class Original:
    """What the platform keeps of the payment of one order; None is what it does not have.

    `request` and `response` are raw: what was sent to the payment enterprise and what came back. `amount_fen` is this
    order's part where one payment covers several. `goods` are names and the addresses where they are shown, `account`
    is the account that received the money.
    """

    order_number: str
    request: str | None
    response: str | None
    transaction_id: str
    amount_fen: int
    paid_at: datetime
    goods: tuple[tuple[str, str], ...]
    account: str | None
    note: str = ""
    ver_dept: str = OTHER_DEPARTMENT
    pay_type: str = OTHER_TYPE


@dataclass(frozen=True, slots=True)
class Parts:
    """What is uploaded but for the signature; `head` and `lists` are compact JSON."""

    session_id: str
    head: str
    lists: str
    service_time: str

    def signed_text(self) -> str:
        """The text whose bytes in UTF-8 are signed."""
        return (
            f'"sessionID":"{self.session_id}"||"payExchangeInfoHead":"{self.head}"'
            f'||"payExchangeInfoLists":"{self.lists}"||"serviceTime":"{self.service_time}"'
        )

    def upload(self, cert_no: str, sign_value: str) -> str:
        """The value of the form field payExInfoStr: head and lists are the very characters that were signed."""
        return (
            f'{{"sessionID":"{self.session_id}","payExchangeInfoHead":{self.head},"payExchangeInfoLists":{self.lists},'
            f'"serviceTime":"{self.service_time}","certNo":{compact(cert_no)},"signValue":"{sign_value}"}}'
        )


def parts(
    original: Original, platform: Company, payment: Company, *, session_id: str, guid: str, service_time: int
) -> Parts:
    """The parts of one upload; `session_id` holds letters, digits and hyphens only, `service_time` milliseconds."""
    return Parts(
        session_id,
        compact(head(original, platform, payment, guid)),
        compact(lists(original, platform)),
        str(service_time),
    )


def head(original: Original, platform: Company, payment: Company, guid: str) -> dict[str, Any]:
    """payExchangeInfoHead, its elements in their order."""
    return {
        "guid": guid,
        "initalRequest": original.request,
        "initalResponse": original.response,
        "ebpCode": platform.code,
        "payCode": payment.code,
        "payTransactionId": original.transaction_id,
        "totalAmount": yuan(original.amount_fen),
        "currency": CNY,
        "verDept": original.ver_dept,
        "payType": original.pay_type,
        "tradingTime": time14(original.paid_at),
        "note": original.note,
    }


def lists(original: Original, platform: Company) -> list[dict[str, Any]]:
    """payExchangeInfoLists: the one order that was asked for, with where each of its goods is shown."""
    return [
        {
            "orderNo": original.order_number,
            "goodsInfo": [{"gname": name, "itemLink": link} for name, link in original.goods],
            "recpAccount": original.account,
            "recpCode": platform.code,
            "recpName": platform.name,
        }
    ]


def missing(original: Original) -> list[str]:
    """The elements that must be there and are not."""
    wanted = {
        "initalRequest": original.request,
        "initalResponse": original.response,
        "goodsInfo": original.goods,
        "recpAccount": original.account,
    }
    return [name for name, value in wanted.items() if not value]


def compact(value: Any) -> str:
    """JSON without blanks, slashes and Chinese as they are, amounts as plain decimals."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{compact(name)}:{compact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
