"""Exits as rows: asked for by somebody, or made for damaged goods that came back."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import new_id
from customs.reports import access
from customs.zone_stock_models import BookItem, ZoneExit


def new_exit(
    item: BookItem,
    lot_id: uuid.UUID,
    kind: str,
    quantity: Decimal,
    reason: str,
    *,
    details: dict[str, Any],
    **more: Any,
) -> ZoneExit:
    """An exit that is asked for."""
    identity = new_id()
    return ZoneExit(
        id=identity,
        number=f"X{identity.hex[:8].upper()}{identity.hex[-11:].upper()}",
        kind=kind,
        item_id=item.id,
        lot_id=lot_id,
        merchant_id=item.merchant_id,
        merchant_name=access.merchant_name(item.merchant_id) or "",
        quantity=quantity,
        reason=reason,
        status="requested",
        details=details,
        **more,
    )


def open_destruction(
    session: Session, item: BookItem, lot_id: uuid.UUID, quantity: Decimal, why: str, return_id: uuid.UUID
) -> None:
    """Goods that came back damaged wait to be destroyed; the book has claimed them already."""
    reason = f"came back damaged: {why}"[:300]
    session.add(new_exit(item, lot_id, "destruction", quantity, reason, details={}, return_id=return_id))


def held_by_lot(session: Session) -> dict[uuid.UUID, Decimal]:
    """How much of each lot is held for exits that customs has allowed; what came back damaged is in no lot."""
    query = select(ZoneExit.lot_id, func.sum(ZoneExit.quantity)).where(
        ZoneExit.status == "approved", ZoneExit.return_id.is_(None)
    )
    return {lot_id: quantity for lot_id, quantity in session.execute(query.group_by(ZoneExit.lot_id))}
