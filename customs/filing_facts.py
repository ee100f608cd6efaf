"""What an order tells customs, as plain values: filled in by the shop, kept by the declaration as its own copy.

Money is fen, quantities and weights are Decimal, countries ISO alpha-2, units our words or customs' codes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.money import plain

_PRIVATE = ("consignee_name", "consignee_phone", "consignee_address", "payer_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingLine:
    """One order line. `goods_fen` is price x quantity after merchant reductions, before platform coupons (A13).

    `freight_fen`, `insurance_fen` and the taxes are the line's own, as quoted; `assessment` is the engine's line with
    its explanation. `elements` are the declaration elements in the order of the goods code. `statutory` holds one or
    two quantities of the whole line in the code's statutory units: those of `statutory_units`, else the tariff's.
    """

    sku: str
    title_zh: str
    hs: str
    origin: str
    elements: tuple[tuple[str, str], ...]
    unit: str
    quantity: Decimal
    goods_fen: int
    freight_fen: int
    insurance_fen: int
    dutiable_value_fen: int
    duty_fen: int
    additional_duty_fen: int
    consumption_tax_fen: int
    vat_fen: int
    statutory: tuple[Decimal, ...]
    assessment: Mapping[str, Any] = field(default_factory=dict)
    price: Decimal | None = None
    statutory_units: tuple[str, ...] = ()
    net_content: Mapping[str, str] | None = None
    gtin: str | None = None
    item_record_no: str | None = None
    licence_no: str | None = None

    @property
    def tax_fen(self) -> int:
        return self.duty_fen + self.additional_duty_fen + self.consumption_tax_fen + self.vat_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingRequest:
    """All that order, payment, waybill and list of one cross-border retail order say.

    The buyer's name, number and telephone come from the identity of `account_id` when the declaration is opened.
    `payer_name` is who paid, as the payment enterprise knows it (None: not told); payer and buyer must be one person.
    `seller_name` is to whom `merchant_code` belongs where that is not the merchant: a foreign one's domestic agent.
    `payment_id` and `payment_fen` are the payment enterprise's number and sum of the whole payment.
    `assessed_on` and `edition` are day and law of the quote whose taxes the lines carry; `tax_fen` is what was charged.
    """

    order_number: str
    account_id: uuid.UUID
    person_id: uuid.UUID
    merchant_id: uuid.UUID
    merchant_name: str
    merchant_code: str
    warehouse_id: uuid.UUID
    consignee_name: str
    consignee_phone: str
    consignee_address: str
    lines: tuple[FilingLine, ...]
    freight_fen: int
    insurance_fen: int
    discount_fen: int
    tax_fen: int
    paid_fen: int
    payment_no: str
    paid_at: datetime
    waybill_no: str
    gross_weight_kg: Decimal
    net_weight_kg: Decimal
    edition: str
    assessed_on: date
    standing: str = "assumed"
    consignee_district_code: str | None = None
    payer_name: str | None = None
    seller_name: str | None = None
    payment_id: str | None = None
    payment_fen: int | None = None

    @property
    def goods_fen(self) -> int:
        return sum(line.goods_fen for line in self.lines)

    @property
    def buyer_account(self) -> str:
        """The buyer's registration number on the platform, as the order message wants it."""
        return self.account_id.hex


def split(request: FilingRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request as JSON in two parts: what may be read, and what must be sealed (names, telephones, addresses)."""
    names = [name for name in FilingRequest.__dataclass_fields__ if name != "lines"]
    values = {name: _json(getattr(request, name)) for name in names}
    private = {name: values.pop(name) for name in _PRIVATE}
    values["lines"] = [
        {name: _json(getattr(line, name)) for name in FilingLine.__dataclass_fields__} for line in request.lines
    ]
    return values, private


def join(snapshot: Mapping[str, Any], private: Mapping[str, Any]) -> FilingRequest:
    """The request back from its two parts."""
    values = {name: value for name, value in snapshot.items() if name != "lines"}
    for name in ("account_id", "person_id", "merchant_id", "warehouse_id"):
        values[name] = uuid.UUID(values[name])
    for name in ("gross_weight_kg", "net_weight_kg"):
        values[name] = Decimal(values[name])
    values["paid_at"] = datetime.fromisoformat(values["paid_at"])
    values["assessed_on"] = date.fromisoformat(values["assessed_on"])
    lines = tuple(_line(line) for line in snapshot["lines"])
    return FilingRequest(**values, **{name: private[name] for name in _PRIVATE}, lines=lines)


def _line(values: Mapping[str, Any]) -> FilingLine:
    changed = {
        "quantity": Decimal(values["quantity"]),
        "price": None if values["price"] is None else Decimal(values["price"]),
        "statutory": tuple(map(Decimal, values["statutory"])),
        "statutory_units": tuple(values["statutory_units"]),
        "elements": tuple((name, text) for name, text in values["elements"]),
    }
    return FilingLine(**{**values, **changed})


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (uuid.UUID,)):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_json(part) for part in value]
    if isinstance(value, Mapping):
        return json.loads(json.dumps(dict(value), default=str))
    return value
