"""What the platform tells a merchant: kept in its own table, read on its own page, never lost with a mail.

Kinds: `listing_closed_by_law` (data: day, edition, closures as {code, field, rule, source}), and `listing_published`,
`listing_draft`, `listing_withdrawn` (an operator's decision; data: reason), `lot_recall`, `lot_quarantine`,
`lot_released` (an operator's; data: lot, batch_no, reason), and what a company does to a request for quotation, from
`rfq_requested` to `rfq_message` (data: rfq, number). All name the listing's sku and title.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from catalog import merchants
from catalog.models import MerchantNotice
from core import clock, paging
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem

CLOSED_BY_LAW = "listing_closed_by_law"


def tell(session: Session, merchant_id: uuid.UUID, kind: str, object_id: uuid.UUID, data: dict[str, Any]) -> None:
    """Write a notice in the caller's transaction."""
    row = {"id": new_id(), "merchant_id": merchant_id, "at": clock.now(), "kind": kind}
    session.execute(insert(MerchantNotice).values(**row, object_id=object_id, data=data))


def own_page(merchant_id: uuid.UUID, unread: bool, limit: int, cursor: str | None) -> dict[str, Any]:
    """Notices of a merchant, newest first."""
    statement = select(MerchantNotice).where(MerchantNotice.merchant_id == merchant_id)
    if unread:
        statement = statement.where(MerchantNotice.read_at.is_(None))
    key = paging.decode(cursor, str)
    if key:
        statement = statement.where(MerchantNotice.id < merchants.paged_id(key[0]))
    found = db.session.scalars(statement.order_by(MerchantNotice.id.desc()).limit(limit + 1)).all()
    shown, after = paging.page(found, limit, lambda row: paging.encode(str(row.id)))
    return {"items": [_dump(row) for row in shown], "next": after}


def unread(merchant_id: uuid.UUID) -> int:
    """How many a merchant has not read."""
    waiting = select(func.count()).where(MerchantNotice.merchant_id == merchant_id, MerchantNotice.read_at.is_(None))
    return int(db.session.scalar(waiting) or 0)


def read(merchant_id: uuid.UUID, notice_id: uuid.UUID) -> dict[str, Any]:
    """Mark one own notice as read; the first time counts. Raises Problem `not_found`."""
    with transaction() as session:
        own = select(MerchantNotice).where(MerchantNotice.id == notice_id, MerchantNotice.merchant_id == merchant_id)
        row = session.scalars(own.with_for_update()).first()
        if row is None:
            raise Problem(NOT_FOUND, "no such notice")
        row.read_at = row.read_at or clock.now()
        return _dump(row)


def read_all(merchant_id: uuid.UUID) -> None:
    """Mark all own notices as read."""
    with transaction() as session:
        waiting = update(MerchantNotice).where(MerchantNotice.merchant_id == merchant_id)
        session.execute(waiting.where(MerchantNotice.read_at.is_(None)).values(read_at=clock.now()))


def _dump(row: MerchantNotice) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": clock.instant_text(row.at),
        "kind": row.kind,
        "listing_id": str(row.object_id) if row.object_id else None,
        "data": row.data,
        "read_at": clock.instant_text(row.read_at),
    }
