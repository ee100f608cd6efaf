"""Lots in bonded zones, for the account book of the floor below: what `customs.zone_stock.floors.Stock` asks.

The account book is locked before; here the order is that kept everywhere: merchant, listing, lot, each by its id.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog import compliance, receiving, stock_check
from catalog.lots import LOT_STOPPED, least_life
from catalog.models import RETAIL, STOPPED, Listing, Lot
from catalog.movements import MOST
from core import clock
from core.database import new_id
from core.errors import NOT_FOUND, Problem, invalid
from core.money import plain
from customs.models import Warehouse
from customs.zone_stock import exit_rows
from customs.zone_stock.floors import Batch, Goods, LotFacts, Place

BONDED = "1210"


class BondedLots:
    """The catalogue's side of the account book."""

    def goods(self, session: Session, goods_id: uuid.UUID, owner: uuid.UUID | None) -> Goods:
        row = session.get(Listing, goods_id)
        if row is None or owner not in (None, row.merchant_id):
            raise Problem(NOT_FOUND, "no such listing")
        if row.route != RETAIL or row.mode != BONDED or row.hs is None:
            raise invalid("listing_id", "is not sold from a bonded warehouse")
        if row.priced_by == "kg":
            raise invalid("listing_id", "goods priced by the kg are received with their weight, not by an entry")
        return _goods(row)

    def admit(self, session: Session, goods_id: uuid.UUID, day: date) -> None:
        compliance.check_law(session.get_one(Listing, goods_id), day)

    def receive(self, session: Session, batches: Sequence[Batch]) -> list[uuid.UUID]:
        """All listings are locked by id, then all lots that are there by id, as a checkout of several goods locks."""
        goods = sorted({batch.goods_id for batch in batches})
        listings = {goods_id: receiving.locked_listing(session, goods_id) for goods_id in goods}
        places, numbers = {batch.warehouse_id for batch in batches}, {batch.batch_no for batch in batches}
        there = select(Lot.id).where(Lot.listing_id.in_(goods), Lot.warehouse_id.in_(places), Lot.batch_no.in_(numbers))
        session.execute(there.order_by(Lot.id).with_for_update()).all()
        return [self._receive(session, listings[batch.goods_id], batch) for batch in batches]

    def clash(self, session: Session, batch: Batch) -> str | None:
        lot = _there(session, batch)
        return None if lot is None else _clash(lot, batch)

    def _receive(self, session: Session, listing: Listing, batch: Batch) -> uuid.UUID:
        lot = _there(session, batch)
        if lot is None:
            lot = _new_lot(listing, batch)
            session.add(lot)
        elif clash := _clash(lot, batch):
            raise invalid("batch_no", clash)
        elif lot.on_hand + batch.quantity >= MOST:
            raise invalid("quantity", "is more than a lot can hold")
        else:
            lot.on_hand += batch.quantity
        session.flush()
        receiving.move(session, lot, "receipt", batch.quantity, batch.reference)
        session.flush()
        receiving.show(session, listing)
        return lot.id

    def find(self, session: Session, lot_id: uuid.UUID, owner: uuid.UUID | None) -> LotFacts:
        query = select(Lot, Listing).join(Listing, Listing.id == Lot.listing_id).where(Lot.id == lot_id)
        found = session.execute(query).first()
        if found is None or owner not in (None, found[1].merchant_id):
            raise Problem(NOT_FOUND, "no such lot")
        lot, listing = found
        if listing.hs is None:
            raise invalid("lot_id", "is of services")
        facts = (lot.warehouse_id, lot.item_record_no, lot.batch_no, lot.produced_on, lot.expires_on)
        return LotFacts(lot.id, _goods(listing), *facts, lot.on_hand - lot.reserved)

    def hold(self, session: Session, lot_id: uuid.UUID, quantity: Decimal) -> None:
        lot, _ = receiving.own_lot(session, None, lot_id)
        if quantity > lot.on_hand - lot.reserved:
            raise Problem(receiving.STOCK_RESERVED, f"{plain(lot.on_hand - lot.reserved)} are free of orders")
        lot.reserved += quantity
        session.flush()

    def let_go(self, session: Session, lot_id: uuid.UUID, quantity: Decimal) -> None:
        lot, _ = receiving.own_lot(session, None, lot_id)
        lot.reserved -= quantity
        session.flush()

    def take_out(self, session: Session, lot_id: uuid.UUID, quantity: Decimal, kind: str, reference: str) -> None:
        lot, listing = receiving.own_lot(session, None, lot_id)
        if kind == "exit" and lot.block_kind in STOPPED:
            raise Problem(LOT_STOPPED, f"batch {lot.batch_no} is recalled or in quarantine: it can be destroyed only")
        lot.reserved -= quantity
        self._change(session, lot, listing, -quantity, kind, reference)

    def put_back(self, session: Session, lot_id: uuid.UUID, quantity: Decimal, reference: str) -> None:
        lot, listing = receiving.own_lot(session, None, lot_id)
        self._change(session, lot, listing, quantity, "return", reference)

    def _change(
        self, session: Session, lot: Lot, listing: Listing, quantity: Decimal, kind: str, reference: str
    ) -> None:
        lot.on_hand += quantity
        receiving.move(session, lot, kind, quantity, reference)
        session.flush()
        receiving.show(session, listing)

    def on_hand(self, session: Session) -> dict[Place, Decimal]:
        query = (
            select(Lot.warehouse_id, Lot.item_record_no, func.sum(Lot.on_hand))
            .join(Warehouse, Warehouse.id == Lot.warehouse_id)
            .where(Warehouse.mode == BONDED, Lot.item_record_no.is_not(None))
            .group_by(Lot.warehouse_id, Lot.item_record_no)
        )
        return {(place, number): quantity for place, number, quantity in session.execute(query) if place and number}


stock_check.ask_also(exit_rows.held_by_lot)


def _goods(row: Listing) -> Goods:
    given = row.statutory or {}
    statutory = [given[name] for name in ("unit1_quantity", "unit2_quantity") if given.get(name) is not None]
    return Goods(
        goods_id=row.id,
        merchant_id=row.merchant_id,
        hs=str(row.hs),
        origin=row.origin,
        name=row.title_zh,
        unit=row.unit,
        whole=not receiving.divisible(row.unit),
        dated=receiving.is_food(row),
        statutory=tuple(Decimal(str(quantity)) for quantity in statutory),
    )


def _there(session: Session, batch: Batch) -> Lot | None:
    query = select(Lot).where(
        Lot.listing_id == batch.goods_id, Lot.warehouse_id == batch.warehouse_id, Lot.batch_no == batch.batch_no
    )
    return session.scalars(query.execution_options(populate_existing=True)).first()


def _clash(lot: Lot, batch: Batch) -> str | None:
    if (lot.item_record_no, lot.expires_on) == (batch.record_no, batch.expires_on):
        return None
    return f"{batch.batch_no} is in that warehouse under another number or day"


def _new_lot(listing: Listing, batch: Batch) -> Lot:
    rule = (listing.least_life_days, listing.least_life_percent)
    return Lot(
        id=new_id(),
        listing_id=listing.id,
        warehouse_id=batch.warehouse_id,
        batch_no=batch.batch_no,
        produced_on=batch.produced_on,
        expires_on=batch.expires_on,
        item_record_no=batch.record_no,
        on_hand=batch.quantity,
        reserved=Decimal(0),
        blocked=False,
        created_at=clock.now(),
        least_life_days=least_life(batch.produced_on, batch.expires_on, *rule),
    )
