"""Plain facts a filing is made of, and who supplies each: nothing here knows the database.

Money is integer fen; quantities and weights are Decimal; countries, units and offices are customs' own codes; instants
are aware. Codes of enterprises are customs codes or unified social credit codes, at most 18 characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

Role = Literal["platform", "merchant", "logistics"]


@dataclass(frozen=True, slots=True)
class Company:
    """An enterprise as customs registered it; the days bound its registration where they are known, both included."""

    code: str
    name: str
    first_day: date | None = None
    last_day: date | None = None

    def registered_on(self, day: date) -> bool:
        """Whether the registration is not known to be over, or still to come, on a day."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Person:
    """A buyer or payer: name and number as on the resident identity card."""

    name: str
    id_number: str
    phone: str


@dataclass(frozen=True, slots=True)
class Consignee:
    """Who receives the parcel; `address` is the one canonical line stored on the order, at most 200 characters."""

    name: str
    phone: str
    address: str
    district_code: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentService:
    """How the payment enterprise takes declarations through an interface of its own (`payment_port`).

    `key_file` signs our questions, `provider_key_file` proves its answers; both are PEM.
    """

    adapter: str
    url: str
    client_id: str
    key_file: Path
    provider_key_file: Path


@dataclass(frozen=True, slots=True)
class Parties:
    """The enterprises the platform files for or with, from the parties file; a warehouse may name its own."""

    platform: Company
    payment: Company
    logistics: Company
    declarant: Company
    transmitter: Company
    guarantor: Role
    dxp_id: str
    receiver_id: str
    payment_service: PaymentService | None = None
    subscribers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where the goods leave customs' care. Bonded (1210) needs `ems_no` and `area`; None falls back to the parties."""

    mode: str
    customs_code: str
    port_code: str
    traf_mode: str
    loct_no: str | None = None
    ems_no: str | None = None
    area: Company | None = None
    agent: Company | None = None
    logistics: Company | None = None
    guarantor: Role | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """The border crossing of a direct purchase (9610); `dispatch_country` is a number of customs' list."""

    traf_mode: str
    traf_no: str
    voyage_no: str
    bill_no: str
    dispatch_country: str
    entry_day: date | None = None


@dataclass(frozen=True, slots=True)
class FilingLine:
    """One line of the order; `total_fen` is its price after merchant reductions, before platform coupons.

    `elements` are the declaration elements of its goods code in their order, as (name, value).
    """

    item_no: str
    name_zh: str
    gcode: str
    elements: tuple[tuple[str, str], ...]
    origin_country: str
    unit: str
    quantity: Decimal
    total_fen: int
    unit1: str
    quantity1: Decimal
    unit2: str | None = None
    quantity2: Decimal | None = None
    price: Decimal | None = None
    bar_code: str | None = None
    item_record_no: str | None = None
    licence_no: str | None = None


@dataclass(frozen=True, slots=True)
class FilingOrder:
    """All that the four documents of one order say.

    `number` is orderNo and copNo; `buyer_account` the buyer's account on the platform; `payment_no` the order's own
    payment number at the payment enterprise, `payer` who paid it; `waybill_no` is taken when the order is paid.
    """

    number: str
    merchant: Company
    buyer: Person
    buyer_account: str
    consignee: Consignee
    lines: tuple[FilingLine, ...]
    goods_fen: int
    freight_fen: int
    insurance_fen: int
    tax_fen: int
    discount_fen: int
    paid_fen: int
    gross_weight_kg: Decimal
    net_weight_kg: Decimal
    payer: Person
    payment_no: str
    paid_at: datetime
    waybill_no: str
    warehouse: Warehouse
    shipment: Shipment | None = None
