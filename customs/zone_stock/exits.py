"""Ways out of a zone other than a sale: to general trade, back abroad, to another zone, destroyed, expired.

Asked for by the merchant or the desk, allowed by customs under a paper's number (from then on claimed on the account
book and held in the lot), done by customs: duty, stock movement and account-book entry in one transaction. Damaged
goods that came back are destroyed the same way; they stand on the book, but in no lot.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import transaction
from core.errors import NOT_FOUND, Problem, invalid
from core.money import plain
from customs import consignments
from customs.consignments import Importer
from customs.models import Warehouse
from customs.zone_stock import book, entries, exit_rows, exit_views, moves
from customs.zone_stock.floors import Batch, LotFacts, floors
from customs.zone_stock.moves import Told
from customs.zone_stock_models import BookItem, ZoneEntryLine, ZoneExit

TRADE, TRANSFER, EXPIRED = "general_trade", "transfer", "expired"
_VALUED = (TRADE, TRANSFER)  # what is declared anew says what it is worth
_DESTROYED = ("destruction", EXPIRED)


def request(actor: str, owner: uuid.UUID | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Ask to take goods of a lot out of its zone.

    `values`: `kind`, `lot_id`, `quantity`, `reason`; to general trade `value` (fen), `origin_proof`, `documents`; to
    another zone `value` and `to_warehouse_id`. Raises Problem `not_found`, `invalid_input`, `account_book_short`.
    """
    kind, quantity = values["kind"], values["quantity"]
    with transaction() as session:
        lot = floors.stock.find(session, values["lot_id"], owner)
        item = _item(session, lot)
        _check(session, kind, lot, values)
        if quantity > item.on_book - item.reserved:
            raise Problem(book.SHORT, f"item {item.record_no}: {plain(item.on_book - item.reserved)} free")
        details = {
            "value": values.get("value"),
            "origin_proof": bool(values.get("origin_proof")),
            "documents": dict(values.get("documents") or {}),
        }
        to = values.get("to_warehouse_id")
        row = exit_rows.new_exit(
            item, lot.lot_id, kind, quantity, values["reason"], details=details, to_warehouse_id=to
        )
        session.add(row)
        audit.record(session, actor, "zone_exit_requested", "zone_exit", row.id, kind=kind, number=row.number)
        session.flush()
        return exit_views.detail(session, row)


def _item(session: Session, lot: LotFacts) -> BookItem:
    if lot.warehouse_id is not None and lot.record_no is not None:
        item = book.numbered(session, lot.warehouse_id, lot.record_no)
        if item is not None:
            return item
    raise invalid("lot_id", "is not on an account book")


def _check(session: Session, kind: str, lot: LotFacts, values: Mapping[str, Any]) -> None:
    quantity: Decimal = values["quantity"]
    if lot.goods.whole and quantity != quantity.to_integral_value():
        raise invalid("quantity", f"must be whole: the goods are counted by the {lot.goods.unit}")
    if (kind in _VALUED) != bool(values.get("value")):
        rule = "is required: what the goods are worth" if kind in _VALUED else f"is not asked in case of {kind}"
        raise invalid("value", rule)
    if kind != TRADE and (values.get("documents") or values.get("origin_proof")):
        raise invalid("documents", "belong to general trade")
    if kind == EXPIRED and (lot.expires_on is None or lot.expires_on >= clock.today()):
        raise invalid("kind", "the lot has not expired")
    to = values.get("to_warehouse_id")
    if (kind == TRANSFER) != (to is not None):
        raise invalid("to_warehouse_id", "is given for a transfer, and only then")
    if to is not None and entries.zone_of(session, to, "to_warehouse_id").id == lot.warehouse_id:
        raise invalid("to_warehouse_id", "must be another zone")


def take(
    actor: str, role: str, exit_id: uuid.UUID, step: str, told: Told, *, owner: uuid.UUID | None = None
) -> dict[str, Any]:
    """Take a step of an exit.

    Raises Problem `not_found`, `zone_step_refused`, `forbidden`, `invalid_input`, `account_book_short`,
    `stock_reserved`; to general trade also those of the assessment and `documents_missing`.
    """
    with transaction() as session:
        row = _locked(session, exit_id, owner)
        move = moves.allowed("exit", row.status, step, role)
        if row.return_id is not None and step in ("refuse", "withdraw"):
            raise Problem(moves.STEP_REFUSED, "what came back damaged is destroyed")
        day = moves.write(session, row.id, step, move, told, actor)
        if step == "approve":
            row.paper_no, row.paper_day = told.number, day
            if row.return_id is None:
                book.reserve(session, {row.item_id: row.quantity})
                floors.stock.hold(session, row.lot_id, row.quantity)
        elif step == "withdraw" and row.status == "approved":
            book.release(session, {row.item_id: row.quantity})
            floors.stock.let_go(session, row.lot_id, row.quantity)
        elif step == "complete":
            _complete(session, row, day)
        row.status = move.target
        audit.record(session, actor, f"zone_exit_{move.target}", "zone_exit", row.id, number=told.number)
        session.flush()
        return exit_views.detail(session, row)


def _locked(session: Session, exit_id: uuid.UUID, owner: uuid.UUID | None) -> ZoneExit:
    query = select(ZoneExit).where(ZoneExit.id == exit_id).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    if row is None or owner not in (None, row.merchant_id):
        raise Problem(NOT_FOUND, "no such exit")
    return row


def _complete(session: Session, row: ZoneExit, day: date) -> None:
    """Off the book, out of the lot, and whatever the kind asks for besides."""
    item = book.lock(session, {row.item_id})[row.item_id]
    if not book.draw(session, item.id, row.quantity, row.kind, row.number, claimed=True):
        raise RuntimeError("an approved exit is not claimed on the account book")
    place = session.get_one(Warehouse, item.warehouse_id)
    lot = floors.stock.find(session, row.lot_id, None)
    if row.return_id is None:
        moved = "destruction" if row.kind in _DESTROYED else "exit"
        floors.stock.take_out(session, row.lot_id, row.quantity, moved, f"exit {row.number}")
    if row.kind == TRADE:
        importer = Importer(row.merchant_id, row.merchant_name)
        row.declaration_id, answer = consignments.store_released(
            session, importer, place, _consignment(row, item, lot), day
        )
        row.taxes = answer.to_dict()
    elif row.kind == TRANSFER:
        _send_on(session, row, item, lot, place)


def _consignment(row: ZoneExit, item: BookItem, lot: LotFacts) -> dict[str, Any]:
    """The goods as a consignment of general trade: what the account book calls them, whatever their listing says since;
    what they are worth is told at the domestic sale, freight and insurance within it."""
    statutory = [plain(each * row.quantity) for each in lot.goods.statutory]
    line = {
        "hs": item.hs,
        "origin": item.origin,
        "name": item.name,
        "quantity": row.quantity,
        "unit": item.unit,
        "value": row.details["value"],
        "origin_proof": row.details["origin_proof"],
        "statutory": {f"unit{at}_quantity": quantity for at, quantity in enumerate(statutory, 1)} or None,
    }
    return {
        "incoterm": "CIF",
        "currency": "CNY",
        "exchange_rate": None,
        "freight": 0,
        "insurance": 0,
        "documents": row.details["documents"],
        "lines": [line],
    }


def _send_on(session: Session, row: ZoneExit, item: BookItem, lot: LotFacts, place: Warehouse) -> None:
    """The other zone gets an entry, submitted: its customs gives it numbers of its own."""
    to = session.get_one(Warehouse, row.to_warehouse_id)
    _check_batch(session, row, item, lot, to)
    head = {
        "traf_mode": to.traf_mode,
        "traf_no": place.name[:100],
        "bill_no": str(row.paper_no)[:37],
        "dispatch_country": "CN",
    }
    entry = entries.open_entry(session, to, row.merchant_id, head, status="submitted", from_exit_id=row.id)
    session.add(
        ZoneEntryLine(
            entry_id=entry.id,
            position=1,
            goods_id=item.goods_id,
            hs=item.hs,
            origin=item.origin,
            name=item.name,
            unit=item.unit,
            quantity=row.quantity,
            statutory=[plain(each * row.quantity) for each in lot.goods.statutory],
            value_fen=row.details["value"],
            currency="CNY",
            batch_no=lot.batch_no,
            produced_on=lot.produced_on,
            expires_on=lot.expires_on,
        )
    )


def _check_batch(session: Session, row: ZoneExit, item: BookItem, lot: LotFacts, to: Warehouse) -> None:
    """Goods that could not come in there must not leave here. Raises Problem `zone_step_refused`."""
    there = select(BookItem.record_no).where(BookItem.warehouse_id == to.id, BookItem.goods_id == item.goods_id)
    record_no = session.scalar(there) or ""  # a number that no lot has
    days = (lot.produced_on, lot.expires_on)
    clash = floors.stock.clash(
        session, Batch(item.goods_id, to.id, record_no, lot.batch_no, *days, row.quantity, row.number)
    )
    if clash is not None:
        raise Problem(moves.STEP_REFUSED, clash)
