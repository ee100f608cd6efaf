"""What bonded stock asks of the floors above: goods and lots of the catalogue, and which orders they went out with.

The composition root sets `stock` and `orders` once; here nothing knows a listing or an order. All calls but `goods` run
in the caller's transaction, after the account book is locked.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from sqlalchemy.orm import Session

Place = tuple[uuid.UUID, str]  # a warehouse and an item record number


@dataclass(frozen=True, slots=True)
class Goods:
    """Goods as they are declared; `statutory` are the quantities of one unit in the code's statutory units.

    `whole`: no parts of a unit; `dated`: what is eaten or drunk carries the day on which it expires.
    """

    goods_id: uuid.UUID
    merchant_id: uuid.UUID
    hs: str
    origin: str
    name: str
    unit: str
    whole: bool
    dated: bool
    statutory: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that comes into a zone."""

    goods_id: uuid.UUID
    warehouse_id: uuid.UUID
    record_no: str
    batch_no: str
    produced_on: date | None
    expires_on: date | None
    quantity: Decimal
    reference: str


@dataclass(frozen=True, slots=True)
class LotFacts:
    """A lot in a zone; `free` is what no order holds."""

    lot_id: uuid.UUID
    goods: Goods
    warehouse_id: uuid.UUID | None
    record_no: str | None
    batch_no: str
    produced_on: date | None
    expires_on: date | None
    free: Decimal


class Stock(Protocol):
    """The catalogue's side."""

    def goods(self, session: Session, goods_id: uuid.UUID, owner: uuid.UUID | None) -> Goods:
        """Goods sold from bonded warehouses. Raises Problem `not_found` unless the owner's, `invalid_input`."""

    def admit(self, session: Session, goods_id: uuid.UUID, day: date) -> None:
        """Whether they may be imported bonded on a day. Raises the Problem of the rule that refuses."""

    def clash(self, session: Session, batch: Batch) -> str | None:
        """Why a batch cannot join the lot of its name that is there, in words; None when it can or there is none."""

    def receive(self, session: Session, batches: Sequence[Batch]) -> list[uuid.UUID]:
        """Lots of these batches: a new one each, or the one that is there, with as much more on hand."""

    def find(self, session: Session, lot_id: uuid.UUID, owner: uuid.UUID | None) -> LotFacts:
        """Raises Problem `not_found` unless the lot is there and the owner's."""

    def hold(self, session: Session, lot_id: uuid.UUID, quantity: Decimal) -> None:
        """Keep free goods of a lot from sale, as they are to leave otherwise. Raises Problem `stock_reserved`."""

    def let_go(self, session: Session, lot_id: uuid.UUID, quantity: Decimal) -> None:
        """They stay after all and can be sold."""

    def take_out(self, session: Session, lot_id: uuid.UUID, quantity: Decimal, kind: str, reference: str) -> None:
        """Take goods that are held off a lot."""

    def put_back(self, session: Session, lot_id: uuid.UUID, quantity: Decimal, reference: str) -> None:
        """Put returned goods back into a lot."""

    def on_hand(self, session: Session) -> Mapping[Place, Decimal]:
        """What lies in the bonded warehouses, by item record number."""


class Orders(Protocol):
    """The shop's side."""

    def cleared(self, session: Session) -> Mapping[Place, Decimal]:
        """What customs has released and has not left the warehouse yet."""

    def lot_of(self, session: Session, order_number: str, line: int) -> uuid.UUID | None:
        """The lot that a line of an order went out from."""

    def never_left(self, session: Session, number: str) -> bool:
        """Whether a return is of goods that were never sent."""


class _Floors:
    stock: Stock
    orders: Orders


floors = _Floors()
