"""Receipts as plain values, and what a receipt does to the state of its document.

Receipts repeat and overtake each other: they are ordered by `returnTime`, a repeated one changes nothing, and no
document moves backwards (message specification 202205, status list; rules of `moves.csv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from core.clock import BEIJING
from customs.window.messages import Parsed
from customs.window.statuses import ERROR, may_move, state_after
from customs.window.tables import message_types
from customs.window.values import is_return_time

# What names the document a receipt speaks of; the first that is present is enough to find it.
_KEYS = {
    "312": ("ebpCode", "ebcCode", "orderNo"),
    "412": ("payCode", "payTransactionId"),
    "512": ("logisticsCode", "logisticsNo"),
    "514": ("logisticsCode", "logisticsNo", "logisticsStatus"),
    "622": ("copNo", "preNo", "invtNo"),
    "624": ("copNo", "preNo", "invtNo"),
    "626": ("copNo", "preNo", "invtNo"),
    "712": ("copNo", "preNo", "rkdNo"),
    "816": ("invtNo", "taxNo"),
    "818": ("invtNo", "taxNo"),
    "900": ("oriCopMsgId", "oriMessageType"),
}
_BILLS = ("816", "818")
_AMOUNT_BOUND = 10**12  # yuan: far above any bill; the sums of a bill of 9999 lines still go into a column


class ReceiptUnreadable(ValueError):
    """A receipt without what every receipt must say."""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One line of a tax bill; amounts in yuan, as customs wrote them."""

    gnum: int
    gcode: str
    tax_price: Decimal
    customs_tax: Decimal
    value_added_tax: Decimal
    consumption_tax: Decimal


@dataclass(frozen=True, slots=True)
class TaxBill:
    """The sums of a tax bill in yuan and its lines; empty lines and None sums in a mere change of state (818)."""

    tax_no: str
    customs_tax: Decimal | None
    value_added_tax: Decimal | None
    consumption_tax: Decimal | None
    ent_duty_no: str
    lines: tuple[TaxLine, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt for one document. `key` holds what customs calls it, under customs' element names.

    `status` is the code as text ("120", "-621018"); `return_time` has 17 digits of Beijing clock time.
    """

    kind: str
    family: str
    guid: str
    key: dict[str, str]
    status: str
    return_time: str
    return_info: str
    pre_no: str
    invt_no: str
    bill: TaxBill | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal for a repeated receipt: kind, key, status and time, whatever guid the repetition carries."""
        return (
            self.kind,
            *(f"{name}={value}" for name, value in sorted(self.key.items())),
            self.status,
            self.return_time,
        )


class State(NamedTuple):
    """Where a document stands, and since when by customs' clock."""

    status: str
    return_time: str


def read_receipts(parsed: Parsed) -> list[Receipt]:
    """The receipts of a message from customs. Raises ReceiptUnreadable."""
    if parsed.kind not in _KEYS:
        raise ReceiptUnreadable(f"CEB{parsed.kind}Message is not a receipt")
    return [_read(parsed.kind, document) for document in parsed.documents]


def _read(kind: str, document: dict[str, Any]) -> Receipt:
    key = {name: document[name] for name in _KEYS[kind] if document.get(name)}
    status = document.get("status" if kind in _BILLS else "returnStatus", "")
    return_time = document.get("returnTime", "")
    if not key or (kind != "900" and _KEYS[kind][0] not in key):
        raise ReceiptUnreadable(f"{_KEYS[kind][0]} is missing")
    if not _is_code(status):
        raise ReceiptUnreadable("returnStatus must be a whole number")
    if not is_return_time(return_time):
        raise ReceiptUnreadable("returnTime must be an existing time of 17 digits")
    return Receipt(
        kind=kind,
        family=_family(kind, document),
        guid=document.get("guid", ""),
        key=key,
        status=status,
        return_time=return_time,
        return_info=document.get("returnInfo", ""),
        pre_no=document.get("preNo", ""),
        invt_no=document.get("invtNo", ""),
        bill=_bill(document) if kind in _BILLS else None,
    )


def plain_receipt(kind: str, said: Mapping[str, Any], status: str, return_time: str, return_info: str) -> Receipt:
    """A receipt from what was kept of it: everything it says of whom and what it speaks of, under customs' names."""
    return Receipt(
        kind=kind,
        family=_family(kind, said),
        guid="",
        key={name: said[name] for name in _KEYS[kind] if said.get(name)},
        status=status,
        return_time=return_time,
        return_info=return_info,
        pre_no=said.get("preNo", ""),
        invt_no=said.get("invtNo", ""),
    )


def _family(kind: str, document: Mapping[str, Any]) -> str:
    """The family of the document spoken of; a format check (900) names the type of the message it checked."""
    checked = document.get("oriMessageType", "")[3:6] if kind == "900" else kind
    return message_types()[checked if checked in message_types() else kind].family


def _is_code(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(text) <= 10


def _bill(document: dict[str, Any]) -> TaxBill:
    return TaxBill(
        tax_no=document.get("taxNo", ""),
        customs_tax=_amount(document, "customsTax", required=False),
        value_added_tax=_amount(document, "valueAddedTax", required=False),
        consumption_tax=_amount(document, "consumptionTax", required=False),
        ent_duty_no=document.get("entDutyNo", ""),
        lines=tuple(_tax_line(line) for line in document.get("lines", ())),
    )


def _tax_line(line: dict[str, str]) -> TaxLine:
    number = line.get("gnum", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise ReceiptUnreadable("gnum must be a line number")
    amounts = [_amount(line, name) for name in ("taxPrice", "customsTax", "valueAddedTax", "consumptionTax")]
    price, duty, vat, consumption = (amount or Decimal(0) for amount in amounts)
    return TaxLine(int(number), line.get("gcode", ""), price, duty, vat, consumption)


def _amount(values: dict[str, Any], name: str, required: bool = True) -> Decimal | None:
    text = values.get(name, "")
    if not text and not required:
        return None
    plain = text.replace(".", "", 1)
    try:
        if not (plain.isascii() and plain.isdigit() and len(plain) <= 19 and Decimal(text) < _AMOUNT_BOUND):
            raise InvalidOperation
        return Decimal(text)
    except InvalidOperation as fault:
        raise ReceiptUnreadable(f"{name} must be a plain amount") from fault


def return_instant(return_time: str) -> datetime:
    """The instant, in UTC, of a valid `returnTime`."""
    local = datetime.strptime(return_time[:14], "%Y%m%d%H%M%S").replace(
        microsecond=int(return_time[14:]) * 1000, tzinfo=BEIJING
    )
    return local.astimezone(UTC)


def apply(status_now: str, return_time_now: str | None, receipt: Receipt, reached: str | None = None) -> State | None:
    """The new state of the document, or None when the receipt changes nothing.

    `status_now` is one of our state words (`filed` at first), `return_time_now` the time of the receipt that led there,
    `reached` where it stood before it was `pending`. None: a repetition, an older receipt, a document at its end, or a
    fault that only says customs has it already. A receipt at the same millisecond counts when it is an allowed move.
    A bill's first receipt has `status_now` "".
    """
    # A format check only ever reports a message that did not pass it.
    asked = ERROR if receipt.kind == "900" else state_after(receipt.family, receipt.status)
    if asked is None or asked == status_now:
        return None
    if return_time_now and receipt.return_time < return_time_now:
        return None
    if status_now and not may_move(receipt.family, status_now, asked, reached):
        return None
    return State(asked, receipt.return_time)
