"""Stopping lots for good reasons: a recall, or a quarantine after a broken cold chain.

From the moment it is committed nothing of the lot is sold and nothing leaves the warehouse: selling and shipping lock
the lot and look. What becomes of the orders is the shop's business; it hears of it in the same transaction (`on_stop`).
What an operator does to a lot, its merchant is told by a notice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import merchants, notices, receiving
from catalog.merchants import WRONG_STATE
from catalog.models import QUARANTINE, RECALL, STOPPED, Listing, Lot, Merchant
from core import audit, clock, paging
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem, invalid
from core.money import plain

_listeners: list[Callable[[Session, uuid.UUID], None]] = []


def on_stop(listener: Callable[[Session, uuid.UUID], None]) -> None:
    """Tell `listener` of each lot that is stopped, in the transaction that stops it."""
    _listeners.append(listener)


def recall(actor: str, merchant_id: uuid.UUID | None, lot_id: uuid.UUID, reason: str) -> dict[str, Any]:
    """Recall a lot; an operator (merchant None) may recall any. Done again it changes nothing.

    Raises Problem `not_found`.
    """
    with transaction() as session:
        lot, listing = receiving.own_lot(session, merchant_id, lot_id)
        _stop(session, actor, lot, listing, RECALL, reason, told=merchant_id is None)
        return receiving.dump(lot)


def recall_batch(actor: str, batch_no: str, merchant_id: uuid.UUID | None, reason: str) -> dict[str, Any]:
    """For operators: recall every lot of a batch, in one transaction, of one merchant or of all.

    Raises Problem `not_found`.
    """
    with transaction() as session:
        lots = _of_batch(session, batch_no, merchant_id)
        if not lots:
            raise Problem(NOT_FOUND, "no lot has this batch number")
        for lot, listing in lots:
            _stop(session, actor, lot, listing, RECALL, reason, told=True)
        return {"items": [receiving.dump(lot) for lot, _ in lots]}


def _of_batch(session: Session, batch_no: str, merchant_id: uuid.UUID | None) -> list[tuple[Lot, Listing]]:
    """The lots of a batch, all locked, in the order kept everywhere: merchants, listings, lots, each in id order."""
    named = [Lot.batch_no == batch_no, *([] if merchant_id is None else [Listing.merchant_id == merchant_id])]
    joined = select(Listing.id, Listing.merchant_id).join(Lot, Lot.listing_id == Listing.id).where(*named)
    found = session.execute(joined).all()
    merchants.hold_still(session, {row.merchant_id for row in found})
    own = select(Listing).where(Listing.id.in_({row.id for row in found})).order_by(Listing.id)
    fresh = {"populate_existing": True}
    listings = {row.id: row for row in session.scalars(own.with_for_update().execution_options(**fresh))}
    statement = select(Lot).where(Lot.batch_no == batch_no, Lot.listing_id.in_(listings)).order_by(Lot.id)
    lots = session.scalars(statement.with_for_update().execution_options(**fresh))
    return [(lot, listings[lot.listing_id]) for lot in lots]


def quarantine(actor: str, lot_id: uuid.UUID, reason: str) -> dict[str, Any]:
    """An operator has doubts: the lot is stopped until an operator has looked. Raises Problem `not_found`."""
    with transaction() as session:
        lot, listing = receiving.own_lot(session, None, lot_id)
        _stop(session, actor, lot, listing, QUARANTINE, reason, told=True)
        return receiving.dump(lot)


def _stop(session: Session, actor: str, lot: Lot, listing: Listing, kind: str, reason: str, *, told: bool) -> None:
    """A recall goes further than a quarantine, and neither is taken back by the other. `told`: tell the merchant."""
    if lot.block_kind in (RECALL, kind):
        return
    receiving.set_block(lot, kind, reason)
    audit.record(session, actor, f"lot_{kind}", "lot", lot.id, batch=lot.batch_no, reason=reason)
    if told:
        _tell(session, lot, listing, f"lot_{kind}", reason)
    session.flush()
    receiving.show(session, listing)
    for listener in _listeners:
        listener(session, lot.id)


def _tell(session: Session, lot: Lot, listing: Listing, kind: str, reason: str) -> None:
    about = {"sku": listing.sku, "title": {"zh": listing.title_zh, "en": listing.title_en}}
    batch = {"lot": str(lot.id), "batch_no": lot.batch_no, "reason": reason}
    notices.tell(session, listing.merchant_id, kind, listing.id, {**about, **batch})


def report_temperature(
    actor: str, merchant_id: uuid.UUID | None, lot_id: uuid.UUID, values: dict[str, Any]
) -> dict[str, Any]:
    """The cold chain of a lot was broken: it goes into quarantine until an operator has looked.

    Raises Problem `not_found`, `invalid_input` for an instant in the future.
    """
    if values["at"] > clock.now():
        raise invalid("at", "lies in the future")
    measured, allowed = plain(values["celsius"]), plain(values["allowed_celsius"])
    at = clock.instant_text(values["at"])
    reason = f"{measured} °C at {at}, at most {allowed} °C allowed. {values['note']}".strip()
    with transaction() as session:
        lot, listing = receiving.own_lot(session, merchant_id, lot_id)
        audit.record(session, actor, "temperature_broken", "lot", lot.id, at=at, celsius=measured, allowed=allowed)
        _stop(session, actor, lot, listing, QUARANTINE, reason, told=merchant_id is None)
        return receiving.dump(lot)


def release(actor: str, lot_id: uuid.UUID, reason: str) -> dict[str, Any]:
    """An operator has looked and found the goods good: the lot is sold again. A recall is never lifted.

    Raises Problem `not_found`, `wrong_state`.
    """
    with transaction() as session:
        lot, listing = receiving.own_lot(session, None, lot_id)
        if lot.block_kind != QUARANTINE:
            raise Problem(WRONG_STATE, "the lot is not in quarantine")
        receiving.set_block(lot, None, None)
        audit.record(session, actor, "lot_released", "lot", lot.id, reason=reason)
        _tell(session, lot, listing, "lot_released", reason)
        session.flush()
        receiving.show(session, listing)
        return receiving.dump(lot)


def find(batch_no: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """For operators: the lots of a batch, or without one those that are stopped; newest first."""
    return _page(Lot.block_kind.in_(STOPPED) if batch_no is None else Lot.batch_no == batch_no, limit, cursor)


def own_page(merchant_id: uuid.UUID, limit: int, cursor: str | None, *, recorded: bool = False) -> dict[str, Any]:
    """Own lots with what they are of, newest first; `recorded`: what lies there under a number of an account book."""
    own = Listing.merchant_id == merchant_id
    return _page(own & Lot.item_record_no.is_not(None) & (Lot.on_hand > 0) if recorded else own, limit, cursor)


def one(merchant_id: uuid.UUID | None, lot_id: uuid.UUID) -> dict[str, Any]:
    """A lot with what it is of; an operator (merchant None) sees any. Raises Problem `not_found`."""
    receiving.see(merchant_id, lot_id)
    found: dict[str, Any] = _page(Lot.id == lot_id, 1, None)["items"][0]
    return found


def _page(which: Any, limit: int, cursor: str | None) -> dict[str, Any]:
    key = paging.decode(cursor, str)
    statement = (
        select(Lot, Listing.title_zh, Listing.title_en, Listing.unit, Merchant.id, Merchant.registered_name)
        .join(Listing, Listing.id == Lot.listing_id)
        .join(Merchant, Merchant.id == Listing.merchant_id)
        .where(which)
    )
    if key:
        statement = statement.where(Lot.id < merchants.paged_id(key[0]))
    found: Sequence[Any] = db.session.execute(statement.order_by(Lot.id.desc()).limit(limit + 1)).all()
    rows, after = paging.page(found, limit, lambda row: paging.encode(str(row[0].id)))
    return {"items": [_named(*row) for row in rows], "next": after}


def _named(lot: Lot, title_zh: str, title_en: str, unit: str, merchant_id: uuid.UUID, name: str) -> dict[str, Any]:
    listing = {"id": str(lot.listing_id), "title": {"zh": title_zh, "en": title_en}, "unit": unit}
    return {**receiving.dump(lot), "listing": listing, "merchant": {"id": str(merchant_id), "name": name}}
