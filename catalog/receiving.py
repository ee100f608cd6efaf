"""Goods in: lots are received into a warehouse, counted, and kept from sale when something may be wrong with them."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog import cards, catch_weight, merchants, quality
from catalog.lots import MEASURES, least_life
from catalog.models import GENERAL, SERVICES, STOPPED, Listing, Lot, StockMovement
from core import audit, clock, config, paging
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import plain
from customs.models import DeclarationLine, Warehouse
from customs.zone_stock import book

LOT_EXISTS = declare("lot_exists", 409, "This batch is already in that warehouse")
WAREHOUSE_WRONG = declare("warehouse_wrong", 422, "The warehouse does not fit the listing")
CONSIGNMENT_WRONG = declare("consignment_wrong", 422, "The consignment line does not fit the listing")
STOCK_RESERVED = declare("stock_reserved", 409, "Orders hold more than that")
UNDER_BOOK = declare("under_account_book", 409, "Goods on an account book move by entries and exits only")

_FOOD_CHAPTERS = range(2, 23)  # HS chapters 02 to 22: what is eaten or drunk carries a date


def divisible(unit: str) -> bool:
    """Whether parts of a sales unit can be sold."""
    return unit in MEASURES


def create(
    actor: str, merchant_id: uuid.UUID, values: dict[str, Any], lot_id: uuid.UUID | None = None
) -> dict[str, Any]:
    """Receive a lot of an own listing.

    Raises Problem `not_found` for another merchant's listing, `invalid_input`, `warehouse_wrong`, `consignment_wrong`,
    `under_account_book`, `lot_exists`.
    """
    try:
        with transaction() as session:
            listing = _own_listing(session, merchant_id, values["listing_id"])
            _check_dates(listing, values)
            _check_weight(listing, values["quantity"], values.get("weight_kg"))
            warehouse = _warehouse(session, listing, values)
            _check_consignment(session, listing, values.get("consignment_line_id"))
            row = _new_lot(listing, warehouse, values, lot_id or new_id())
            session.add(row)
            session.flush()  # a batch that is there already is told before the movement is written
            move(session, row, "receipt", row.on_hand, f"lot {row.id}", row.weight_kg)
            audit.record(
                session, actor, "lot_received", "lot", row.id, listing=str(listing.id), quantity=plain(row.on_hand)
            )
            show(session, listing)
            return dump(row)
    except IntegrityError as fault:
        if "uq_lot_" not in str(fault.orig):
            raise
        raise Problem(LOT_EXISTS, errors={"batch_no": ["is in that warehouse already"]}) from None


def _new_lot(listing: Listing, warehouse: Warehouse | None, values: dict[str, Any], lot_id: uuid.UUID) -> Lot:
    same = ("batch_no", "produced_on", "expires_on", "item_record_no", "consignment_line_id", "weight_kg")
    rule = (listing.least_life_days, listing.least_life_percent)
    return Lot(
        id=lot_id,
        listing_id=listing.id,
        warehouse_id=None if warehouse is None else warehouse.id,
        on_hand=values["quantity"],
        reserved=Decimal(0),
        blocked=False,
        created_at=clock.now(),
        least_life_days=least_life(values.get("produced_on"), values.get("expires_on"), *rule),
        **{name: values.get(name) for name in same},
    )


def _own_listing(session: Session, merchant_id: uuid.UUID, listing_id: uuid.UUID) -> Listing:
    merchants.hold_still(session, [merchant_id])
    statement = select(Listing).where(Listing.id == listing_id, Listing.merchant_id == merchant_id).with_for_update()
    row = session.scalars(statement.execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such listing")
    return row


def locked_listing(session: Session, listing_id: uuid.UUID) -> Listing:
    """A listing behind its merchant's lock and its own. Raises Problem `not_found`."""
    owner = session.scalar(select(Listing.merchant_id).where(Listing.id == listing_id))
    if owner is None:
        raise Problem(NOT_FOUND, "no such listing")
    return _own_listing(session, owner, listing_id)


def is_food(listing: Listing) -> bool:
    """Whether the goods carry a day on which they expire."""
    return listing.hs is not None and int(listing.hs[:2]) in _FOOD_CHAPTERS


def _check_dates(listing: Listing, values: dict[str, Any]) -> None:
    produced_on: date | None = values.get("produced_on")
    expires_on: date | None = values.get("expires_on")
    if produced_on is not None and produced_on > clock.today():
        raise invalid("produced_on", "must not be in the future")
    if expires_on is None and is_food(listing):
        raise invalid("expires_on", "is required for food")
    if expires_on is not None and expires_on <= clock.today():
        raise invalid("expires_on", "must be after today")
    if produced_on is not None and expires_on is not None and produced_on >= expires_on:
        raise invalid("expires_on", "must be after produced_on")
    quantity: Decimal = values["quantity"]
    if not divisible(listing.unit) and quantity != quantity.to_integral_value():
        raise invalid("quantity", f"must be whole: the listing is sold by the {listing.unit}")


def _check_weight(listing: Listing, pieces: Decimal, weight_kg: Decimal | None) -> None:
    """What is priced by the kilogram comes in with its weight, and a piece weighs what the listing says."""
    if listing.priced_by != "kg":
        if weight_kg is not None:
            raise invalid("weight_kg", "is of goods priced by the kg only")
        return
    if weight_kg is None:
        raise invalid("weight_kg", "is required: the listing is priced by the kg")
    least, most = catch_weight.bounds(listing.piece_weight_kg or Decimal(0), listing.weight_tolerance or 0, pieces)
    if not least <= weight_kg <= most:
        raise invalid(
            "weight_kg", f"must be {plain(least)} to {plain(most)} kg for {plain(pieces)} pieces of this listing"
        )


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
    if mode == "1210":
        _check_record(session, row, values.get("item_record_no"))
    return row


def _check_record(session: Session, place: Warehouse, record_no: str | None) -> None:
    """Bonded goods have a record number; those the account book has come in by an entry over the first line only.

    In production all do, since a list of goods that the book does not have is refused there.
    """
    if not record_no:
        raise invalid("item_record_no", "is required in a bonded warehouse: the account book lists goods by it")
    if config.current().production or book.keeps(session, place.id, record_no):
        raise Problem(UNDER_BOOK, f"item {record_no} comes in by an entry into the zone")


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


def move(
    session: Session, lot: Lot, kind: str, quantity: Decimal, reference: str, weight_kg: Decimal | None = None
) -> None:
    """Write a movement; the caller has changed what is on hand by as much, in the same transaction."""
    facts = {"kind": kind, "quantity": quantity, "weight_kg": weight_kg, "reference": reference}
    session.add(StockMovement(lot_id=lot.id, at=clock.now(), **facts))


def show(session: Session, listing: Listing) -> None:
    """Borne duty and quality rest on the lots."""
    if listing.status == "published":
        cards.compose(session, [listing], new_words=False)
        session.flush()
        quality.reckon(session, listing.id)


def adjust(
    actor: str,
    merchant_id: uuid.UUID,
    lot_id: uuid.UUID,
    counted: Decimal,
    reason: str,
    weight_kg: Decimal | None = None,
) -> dict[str, Any]:
    """Set what is on hand to what was counted, and to what it weighs when it is priced by the kilogram.

    Raises Problem `not_found`, `stock_reserved`, `invalid_input`, `under_account_book` for more than that holds.
    """
    with transaction() as session:
        lot, listing = own_lot(session, merchant_id, lot_id)
        if counted < lot.reserved:
            raise Problem(STOCK_RESERVED, f"orders hold {plain(lot.reserved)}")
        _check_counted(listing, counted, weight_kg)
        difference = counted - lot.on_hand
        if difference > 0:
            _check_book(session, lot, difference)
        heavier = None if weight_kg is None else weight_kg - (lot.weight_kg or Decimal(0))
        if difference or heavier:
            lot.on_hand = counted
            lot.weight_kg = lot.weight_kg if weight_kg is None else weight_kg
            move(session, lot, "adjustment", difference, f"count {new_id()}", heavier)
            audit.record(session, actor, "lot_counted", "lot", lot.id, difference=plain(difference), reason=reason)
            show(session, listing)
        return dump(lot)


def _check_book(session: Session, lot: Lot, more: Decimal) -> None:
    """A count may find again what an earlier one missed, never more than the account book has."""
    held = book.balance(session, lot.warehouse_id, lot.item_record_no)
    if held is None:
        return
    same = (Lot.warehouse_id == lot.warehouse_id, Lot.item_record_no == lot.item_record_no)
    there = session.scalar(select(func.sum(Lot.on_hand)).where(*same)) or Decimal(0)
    if there + more > held:
        raise Problem(UNDER_BOOK, f"the account book has {plain(held)} of item {lot.item_record_no}")


def _check_counted(listing: Listing, counted: Decimal, weight_kg: Decimal | None) -> None:
    if not divisible(listing.unit) and counted != counted.to_integral_value():
        raise invalid("counted", f"must be whole: the listing is sold by the {listing.unit}")
    if weight_kg is not None and listing.priced_by != "kg":
        raise invalid("weight_kg", "is of goods priced by the kg only")


def block(actor: str, merchant_id: uuid.UUID, lot_id: uuid.UUID, reason: str | None) -> dict[str, Any]:
    """Stop the sale of an own lot, or with no reason allow it again.

    A lot that is recalled or in quarantine stays so. Raises Problem `not_found`, `wrong_state`.
    """
    with transaction() as session:
        lot, listing = own_lot(session, merchant_id, lot_id)
        if lot.block_kind in STOPPED:
            if reason is None:
                raise Problem(merchants.WRONG_STATE, f"the lot is under {lot.block_kind}, which you cannot lift")
            return dump(lot)
        set_block(lot, None if reason is None else "hold", reason)
        audit.record(session, actor, "lot_blocked" if reason else "lot_unblocked", "lot", lot.id, reason=reason)
        session.flush()
        show(session, listing)
        return dump(lot)


def set_block(lot: Lot, kind: str | None, reason: str | None) -> None:
    """Block a lot for a kind of reason, or with None free it."""
    lot.blocked, lot.block_kind, lot.block_reason = kind is not None, kind, reason
    lot.blocked_at = None if kind is None else clock.now()


def own_lot(session: Session, merchant_id: uuid.UUID | None, lot_id: uuid.UUID) -> tuple[Lot, Listing]:
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


def see(merchant_id: uuid.UUID | None, lot_id: uuid.UUID) -> None:
    """Raises Problem `not_found` unless the lot is there and, where a merchant asks, its own."""
    owner = db.session.scalar(
        select(Listing.merchant_id).join(Lot, Lot.listing_id == Listing.id).where(Lot.id == lot_id)
    )
    if owner is None or merchant_id not in (None, owner):
        raise Problem(NOT_FOUND, "no such lot")


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
        "weight_kg": plain(row.weight_kg) if row.weight_kg is not None else None,
        "least_life_days": row.least_life_days,
        "blocked": row.blocked,
        "block_kind": row.block_kind,
        "block_reason": row.block_reason,
        "blocked_at": clock.instant_text(row.blocked_at),
        "consignment_line_id": str(row.consignment_line_id) if row.consignment_line_id else None,
    }
