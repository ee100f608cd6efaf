"""Short supply: what a merchant cannot send of a paid order of domestic stock is paid back, and leaves the stock.

Its goods and taxes go back as stored, never computed anew; the freight only when nothing of the order is sent at all.
When nothing is left to send, the order is shipped, or, without any parcel, refunded whole. Once per attempt.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import lots
from core import audit, clock
from core.accounts import Actor
from core.database import db, new_id, transaction
from core.money import fen_text, plain
from shop import fulfilment, holds, ledger, moves, notify, parcels, refunds
from shop.line_parts import between, discount_of
from shop.models import Order, OrderAllocation, OrderLine
from shop.order_models import Shortage
from shop.parcels import Quantities

TAXES = ("duty_fen", "additional_duty_fen", "consumption_tax_fen", "vat_fen")


def report(
    actor: Actor, order_id: uuid.UUID, asked: Sequence[Mapping[str, Any]], reason: str, attempt: uuid.UUID
) -> dict[str, Any]:
    """Say that `asked` ({line, quantity}) of an order cannot be supplied, told by its merchant or an operator.

    Raises Problem `not_found`, `order_state`, `ships_whole`, `invalid_input` for more than is left to send.
    """
    with transaction() as session:
        order = fulfilment.own_order(session, actor, order_id, clock.now())
        mine = (Shortage.order_id == order.id, Shortage.attempt_id == attempt)
        known = session.scalars(select(Shortage).where(*mine)).first()
        if known is not None:
            return dump(known)
        lines = holds.lines_of(session, [order.id])
        parcels.refuse_parts(order, lines)
        if order.status != "paid":
            raise moves.refuse(order, "supplied short")
        shares = parcels.shares_of(session, lines)
        quantities = parcels.wanted(lines, parcels.left_of(shares), asked)
        taken = parcels.take(lines, shares, quantities)
        row = _store(session, order, lines, quantities, reason, str(actor.id), attempt)
        lots.write_off(session, [part for _, part in taken], f"{order.number} {row.id}")
        _finish(session, order, lines, taken, row)
        return dump(row)


def of_stopped_lots(session: Session, order: Order, lot_ids: Sequence[uuid.UUID], reason: str) -> None:
    """Pay back what a partly sent order would have had of recalled lots: it stays where it is. The caller holds the
    lock on the purchase."""
    lines = holds.lines_of(session, [order.id])
    shares = {
        place: [share for share in rows if share.lot_id in lot_ids]
        for place, rows in parcels.shares_of(session, lines).items()
    }
    quantities = {place: quantity for place, quantity in parcels.left_of(shares).items() if quantity > 0}
    taken = parcels.take(lines, shares, quantities)
    row = _store(session, order, lines, quantities, reason, "shop", new_id())
    lots.give_back(session, [part for _, part in taken])
    _finish(session, order, lines, taken, row)


def _store(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    quantities: Quantities,
    reason: str,
    actor: str,
    attempt: uuid.UUID,
) -> Shortage:
    """The row of it with its parts, before the freight is known to go back too."""
    before = quantities_of(session, order.id)
    parts = {"goods": 0, "freight": 0, "tax": 0}
    discount = 0
    for line in lines:
        first = before.get(line.position, Decimal(0))
        share = (line.quantity, first, first + quantities.get(line.position, Decimal(0)))
        goods_before, goods = between(line.goods_fen, line.quantity, 0, first), between(line.goods_fen, *share)
        parts["goods"] += goods
        discount += discount_of(line, goods_before, goods_before + goods)
        parts["tax"] += sum(between(getattr(line, name), *share) for name in TAXES)
    if discount:
        parts["discount"] = discount
    told = [[place, plain(quantity)] for place, quantity in sorted(quantities.items())]
    row = Shortage(id=new_id(), attempt_id=attempt, order_id=order.id, lines=told, parts=parts, reason=reason)
    row.actor, row.at = actor, clock.now()
    return row


def _finish(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    taken: Sequence[tuple[OrderAllocation, lots.Allocation]],
    row: Shortage,
) -> None:
    """Take the shares from the order, move it when nothing is left, promise the money, tell the buyer."""
    for share, part in taken:
        share.quantity -= part.quantity
        if not share.quantity:
            session.delete(share)
    session.flush()
    said = ", ".join(f"line {place}: {quantity}" for place, quantity in row.lines)
    moves.note(session, [order.id], "short_supply", order.status, row.actor, detail=row.reason)
    if not any(parcels.left_of(parcels.shares_of(session, lines)).values()):
        sent_at = parcels.last_sent(session, order.id)
        if sent_at is not None:
            moves.move(session, [order.id], "shipped", row.actor, happened_at=sent_at)
        else:
            moves.move(session, [order.id], "refunding", row.actor, detail=row.reason)
            holds.free_reductions(session, [order])
            row.parts = {**row.parts, "freight": order.freight_fen + order.insurance_fen}
    amount = refunds.cash_of(row.parts)
    if any(row.parts.values()):
        row.refund_id = refunds.promise(session, order, row.parts, f"not supplied: {row.reason}"[:200])
    session.add(row)
    notify.buyer(session, order, "order_short", amount=fen_text(amount), lines=said)
    facts = {"lines": row.lines, "amount_fen": amount}
    audit.record(session, row.actor, "order_short", "order", order.id, **facts)


def quantities_of(session: Session, order_id: uuid.UUID) -> Quantities:
    """How much of each line of an order was not supplied."""
    found: Quantities = {}
    for lines in session.scalars(select(Shortage.lines).where(Shortage.order_id == order_id)):
        for place, quantity in lines:
            found[place] = found.get(place, Decimal(0)) + Decimal(quantity)
    return found


def rest_of(session: Session, order: Order) -> dict[str, int]:
    """What of an order's parts has not been paid back for want of supply."""
    parts = ledger.parts_of(order)
    for gone in session.scalars(select(Shortage.parts).where(Shortage.order_id == order.id)):
        for name, amount in gone.items():
            parts[name] = parts.get(name, 0) - amount
    return parts


def page_of(order_id: uuid.UUID) -> list[dict[str, Any]]:
    """What was not supplied of an order, oldest first."""
    rows = db.session.scalars(select(Shortage).where(Shortage.order_id == order_id).order_by(Shortage.id))
    return [dump(row) for row in rows]


def dump(row: Shortage) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": clock.instant_text(row.at),
        "lines": [{"line": place, "quantity": quantity} for place, quantity in row.lines],
        "reason": row.reason,
        "amount": fen_text(refunds.cash_of(row.parts)),
        "refund": str(row.refund_id) if row.refund_id else None,
    }
