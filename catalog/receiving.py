"""Goods in: lots are received into a warehouse, counted, and blocked when something is wrong with them."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog import cards, merchants, ranking
from catalog.models import GENERAL, SERVICES, Listing, Lot, StockMovement
from core import audit, clock, paging
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import plain
from customs.models import DeclarationLine, Warehouse

LOT_EXISTS = declare("lot_exists", 409, "This batch is already in that warehouse")
WAREHOUSE_WRONG = declare("warehouse_wrong", 422, "The warehouse does not fit the listing")
CONSIGNMENT_WRONG = declare("consignment_wrong", 422, "The consignment line does not fit the listing")
STOCK_RESERVED = declare("stock_reserved", 409, "Orders hold more than that")

_DIVISIBLE = ("kg", "t", "g", "l", "ml", "m", "hour")
_FOOD_CHAPTERS = range(2, 23)  # HS chapters 02 to 22: what is eaten or drunk carries a date


def divisible(unit: str) -> bool:
    """Whether parts of a sales unit can be sold."""
    return unit in _DIVISIBLE


def create(
    actor: str, merchant_id: uuid.UUID, values: dict[str, Any], lot_id: uuid.UUID | None = None
) -> dict[str, Any]:
    """Receive a lot of an own listing.

    Raises Problem `not_found` for another merchant's listing, `invalid_input`, `warehouse_wrong`, `consignment_wrong`,
    `lot_exists`.
    """
    try:
        with transaction() as session:
            listing = _own_listing(session, merchant_id, values["listing_id"])
            _check_dates(listing, values)
            warehouse = _warehouse(session, listing, values)
            _check_consignment(session, listing, values.get("consignment_line_id"))
            row = _new_lot(listing, warehouse, values, lot_id or new_id())
            session.add(row)
            session.flush()  # a batch that is there already is told before the movement is written
            _move(session, row, "receipt", row.on_hand, f"lot {row.id}")
            audit.record(
                session, actor, "lot_received", "lot", row.id, listing=str(listing.id), quantity=plain(row.on_hand)
            )
            _show(session, listing)
            return dump(row)
    except IntegrityError as fault:
        if "uq_lot_" not in str(fault.orig):
            raise
        raise Problem(LOT_EXISTS, errors={"batch_no": ["is in that warehouse already"]}) from None


def _new_lot(listing: Listing, warehouse: Warehouse | None, values: dict[str, Any], lot_id: uuid.UUID) -> Lot:
    same = ("batch_no", "produced_on", "expires_on", "item_record_no", "consignment_line_id")
    return Lot(
        id=lot_id,
        listing_id=listing.id,
        warehouse_id=None if warehouse is None else warehouse.id,
        on_hand=values["quantity"],
        reserved=Decimal(0),
        blocked=False,
        created_at=clock.now(),
        **{name: values.get(name) for name in same},
    )


def _own_listing(session: Session, merchant_id: uuid.UUID, listing_id: uuid.UUID) -> Listing:
    merchants.hold_still(session, [merchant_id])
    statement = select(Listing).where(Listing.id == listing_id, Listing.merchant_id == merchant_id).with_for_update()
    row = session.scalars(statement.execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such listing")
    return row


def _check_dates(listing: Listing, values: dict[str, Any]) -> None:
    produced_on: date | None = values.get("produced_on")
    expires_on: date | None = values.get("expires_on")
    if produced_on is not None and produced_on > clock.today():
        raise invalid("produced_on", "must not be in the future")
    if expires_on is None and listing.hs is not None and int(listing.hs[:2]) in _FOOD_CHAPTERS:
        raise invalid("expires_on", "is required for food")
    if expires_on is not None and expires_on <= clock.today():
        raise invalid("expires_on", "must be after today")
    if produced_on is not None and expires_on is not None and produced_on >= expires_on:
        raise invalid("expires_on", "must be after produced_on")
    quantity: Decimal = values["quantity"]
    if not divisible(listing.unit) and quantity != quantity.to_integral_value():
        raise invalid("quantity", f"must be whole: the listing is sold by the {listing.unit}")


def _warehouse(session: Session, listing: Listing, values: dict[str, Any]) -> Warehouse | None:
    """The warehouse named by identifier or name; its mode must be the one the listing is sold in."""
    named = values.get("warehouse")
    if listing.route == SERVICES:
        if named is not None:
            raise invalid("warehouse", "services are kept in no warehouse", WAREHOUSE_WRONG)
        return None
    if named is None:
        raise invalid("warehouse", "is required for goods", WAREHOUSE_WRONG)
    row = session.scalars(select(Warehouse).where(_is_named(named))).first()
    if row is None:
        raise invalid("warehouse", "there is no such warehouse", WAREHOUSE_WRONG)
    mode = listing.mode or "0110"
    if row.mode != mode:
        raise invalid("warehouse", f"is of mode {row.mode}, the listing is sold in mode {mode}", WAREHOUSE_WRONG)
    if mode == "1210" and not values.get("item_record_no"):
        raise invalid("item_record_no", "is required in a bonded warehouse: the account book lists goods by it")
    return row


def _is_named(named: str) -> Any:
    try:
        return Warehouse.id == uuid.UUID(named)
    except ValueError:
        return Warehouse.name == named


def _check_consignment(session: Session, listing: Listing, line_id: uuid.UUID | None) -> None:
    if line_id is None:
        return
    line = session.get(DeclarationLine, line_id)
    if line is None or line.merchant_id != listing.merchant_id or listing.route != GENERAL:
        raise invalid("consignment_line_id", "is no line of a consignment of yours", CONSIGNMENT_WRONG)
    if line.released_on is None:
        raise invalid("consignment_line_id", "customs has not released this line", CONSIGNMENT_WRONG)
    if line.hs[:8] != (listing.hs or "")[:8] or line.origin != listing.origin:
        raise invalid("consignment_line_id", "was declared under another code or origin", CONSIGNMENT_WRONG)


def _move(session: Session, lot: Lot, kind: str, quantity: Decimal, reference: str) -> None:
    session.add(StockMovement(lot_id=lot.id, at=clock.now(), kind=kind, quantity=quantity, reference=reference))


def _show(session: Session, listing: Listing) -> None:
    """Borne duty and quality rest on the lots."""
    if listing.status == "published":
        cards.compose(session, [listing], new_words=False)
        session.flush()
        ranking.reckon(session, listing.id)


def adjust(actor: str, merchant_id: uuid.UUID, lot_id: uuid.UUID, counted: Decimal, reason: str) -> dict[str, Any]:
    """Set what is on hand to what was counted. Raises Problem `not_found`, `stock_reserved`."""
    with transaction() as session:
        lot, listing = _own_lot(session, merchant_id, lot_id)
        if counted < lot.reserved:
            raise Problem(STOCK_RESERVED, f"orders hold {plain(lot.reserved)}")
        difference = counted - lot.on_hand
        if difference:
            lot.on_hand = counted
            _move(session, lot, "adjustment", difference, f"count {new_id()}")
            audit.record(session, actor, "lot_counted", "lot", lot.id, difference=plain(difference), reason=reason)
            _show(session, listing)
        return dump(lot)


def block(actor: str, merchant_id: uuid.UUID | None, lot_id: uuid.UUID, reason: str | None) -> dict[str, Any]:
    """Stop the sale of a lot, or with no reason allow it again; an operator (merchant None) may block any.

    Raises Problem `not_found`.
    """
    with transaction() as session:
        lot, listing = _own_lot(session, merchant_id, lot_id)
        lot.blocked, lot.block_reason = reason is not None, reason
        audit.record(session, actor, "lot_blocked" if reason else "lot_unblocked", "lot", lot.id, reason=reason)
        session.flush()
        _show(session, listing)
        return dump(lot)


def _own_lot(session: Session, merchant_id: uuid.UUID | None, lot_id: uuid.UUID) -> tuple[Lot, Listing]:
    """Both locked, in the order kept everywhere: merchant, listing, lot."""
    owned = select(Listing.id, Listing.merchant_id).join(Lot, Lot.listing_id == Listing.id).where(Lot.id == lot_id)
    found = session.execute(owned).first()
    if found is None or merchant_id not in (None, found.merchant_id):
        raise Problem(NOT_FOUND, "no such lot")
    listing = _own_listing(session, found.merchant_id, found.id)
    lot = session.scalars(
        select(Lot).where(Lot.id == lot_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    return lot, listing


def own_page(merchant_id: uuid.UUID, listing_id: uuid.UUID | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """Own lots, newest first."""
    key = paging.decode(cursor, str)
    statement = select(Lot).join(Listing, Listing.id == Lot.listing_id).where(Listing.merchant_id == merchant_id)
    if listing_id is not None:
        statement = statement.where(Lot.listing_id == listing_id)
    if key:
        statement = statement.where(Lot.id < merchants.paged_id(key[0]))
    found = db.session.scalars(statement.order_by(Lot.id.desc()).limit(limit + 1)).all()
    rows, after = paging.page(found, limit, lambda row: paging.encode(str(row.id)))
    return {"items": [dump(row) for row in rows], "next": after}


def own_one(merchant_id: uuid.UUID, lot_id: uuid.UUID) -> dict[str, Any]:
    """One own lot. Raises Problem `not_found`."""
    statement = select(Lot).join(Listing, Listing.id == Lot.listing_id)
    row = db.session.scalars(statement.where(Lot.id == lot_id, Listing.merchant_id == merchant_id)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such lot")
    return dump(row)


def dump(row: Lot) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "listing_id": str(row.listing_id),
        "batch_no": row.batch_no,
        "produced_on": row.produced_on.isoformat() if row.produced_on else None,
        "expires_on": row.expires_on.isoformat() if row.expires_on else None,
        "warehouse": str(row.warehouse_id) if row.warehouse_id else None,
        "item_record_no": row.item_record_no,
        "on_hand": plain(row.on_hand),
        "reserved": plain(row.reserved),
        "available": plain(row.on_hand - row.reserved) if not row.blocked else "0",
        "blocked": row.blocked,
        "block_reason": row.block_reason,
        "consignment_line_id": str(row.consignment_line_id) if row.consignment_line_id else None,
    }
