"""Stock and allowance held for the orders of a purchase: taken at placement, given back exactly once.

Callers hold the lock on the purchase. Within one transaction stock comes before allowance, then promotions, then
coupons, everywhere, so two purchases never wait for each other in a ring.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from catalog import lots, reductions, stock_check
from core import clock
from core.database import write, write_with
from core.errors import Problem
from core.prepared import Prepared, Statement
from customs import allowance, edition
from customs.weight_caps import Weight
from shop import allowance_alerts, capped_weights, coupon_uses
from shop.destination import destination_of
from shop.models import Order, OrderAllocation, OrderLine, Purchase, table

# The states in which the goods of an order lie in the warehouse and are held for it.
UNSENT = ("awaiting_payment", "payment_review", "paid", "declared", "held", "rejected", "released")


def orders_of(session: Session, purchase_id: uuid.UUID) -> list[Order]:
    """The orders of a purchase as they are behind the lock, in id order."""
    statement = select(Order).where(Order.purchase_id == purchase_id).order_by(Order.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def lines_of(session: Session, order_ids: Sequence[uuid.UUID]) -> list[OrderLine]:
    statement = select(OrderLine).where(OrderLine.order_id.in_(order_ids))
    return list(session.scalars(statement.order_by(OrderLine.order_id, OrderLine.position)))


def allocations_of(session: Session, order_ids: Sequence[uuid.UUID]) -> list[lots.Allocation]:
    """Which lots serve what of these orders has not left."""
    statement = (
        select(OrderAllocation, OrderLine.listing_id)
        .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
        .where(OrderLine.order_id.in_(order_ids), OrderAllocation.quantity > OrderAllocation.sent)
        .order_by(OrderAllocation.lot_id)
    )
    return [
        lots.Allocation(
            row.lot_id,
            listing_id,
            row.quantity - row.sent,
            row.warehouse_id,
            row.item_record_no,
            row.batch_no,
            row.weight_kg,
        )
        for row, listing_id in session.execute(statement)
    ]


def take(
    session: Session,
    purchase_id: uuid.UUID,
    orders: Sequence[Order],
    lines: Sequence[OrderLine],
    rows: Prepared,
    others: Sequence[Statement],
) -> bool:
    """Write the `rows` of a purchase (its own first) and run `others`, and hold stock for every line and allowance for
    every retail order, or raise the first refusal. False when the attempt has stored a purchase before: the caller
    rolls back.

    The lots are locked and chosen first, so that all the rest is one statement, and short is the time they are locked.
    Raises Problem `out_of_stock`, `annual_limit`, `weight_cap`.
    """
    taken = lots.choose(session, *_wanted(purchase_id, orders, lines))
    shares = _shares(orders, lines)
    along = [share for share, weights in shares[:1] if share.fits and not weights]
    held = [lots.reserving(taken), *(share.reserving for share in along)]
    written = {**rows, table(OrderAllocation): _parts(taken, orders, lines)}
    for share in along:
        written |= share.rows()
    fresh, reserved, *room = write_with(session, written, [*held, *others], once="attempt_id")
    if not fresh:
        return False
    lots.check_reserved(taken, reserved)
    if along and not room[0]:
        raise along[0].refusal()
    for share, weights in shares[len(along) :]:
        allowance.hold_share(session, share, weights)
    return True


def _wanted(
    purchase_id: uuid.UUID, orders: Sequence[Order], lines: Sequence[OrderLine]
) -> tuple[list[lots.Want], str, int]:
    """What is asked of the lots, for what, and how much longer than to the standard zone it is on its way."""
    places: dict[uuid.UUID, uuid.UUID | None] = {order.id: order.warehouse_id for order in orders}
    wants = [lots.Want(line.listing_id, line.quantity, places[line.order_id]) for line in lines]
    return wants, f"purchase {purchase_id}", _extra_days(orders)


def _parts(
    taken: Sequence[lots.Allocation], orders: Sequence[Order], lines: Sequence[OrderLine]
) -> list[dict[str, Any]]:
    """Which lot serves which line, as it is kept."""
    places: dict[uuid.UUID, uuid.UUID | None] = {order.id: order.warehouse_id for order in orders}
    line_of = {(line.listing_id, places[line.order_id]): line.id for line in lines}
    return [
        {
            "line_id": line_of[part.listing_id, part.warehouse_id],
            "lot_id": part.lot_id,
            "quantity": part.quantity,
            "warehouse_id": part.warehouse_id,
            "item_record_no": part.item_record_no,
            "batch_no": part.batch_no,
        }
        for part in taken
    ]


def _extra_days(orders: Sequence[Order]) -> int:
    """How much longer than to the standard zone the goods are on their way: one address for all of a purchase."""
    return max((destination_of(order.address).extra_days for order in orders), default=0)


def _shares(orders: Sequence[Order], lines: Sequence[OrderLine]) -> list[tuple[allowance.Share, dict[str, Weight]]]:
    """What retail orders take of the Beijing year of the holding (rule A4), with the weights of their capped goods."""
    day, found = clock.today(), []
    limit = edition.tariff().retail_limits(day).annual_fen
    for order in orders:
        if order.person_id is not None:
            most = order.dutiable_value_fen if order.most_dutiable_fen is None else order.most_dutiable_fen
            share = allowance.Share(order.person_id, order.account_id, order.number, most, day.year, limit)
            own = [line for line in lines if line.order_id == order.id]
            found.append((share, capped_weights.of_lines(day, own)))
    return found


def use_allowance(session: Session, order: Order) -> None:
    """At payment, in the Beijing year of the payment. Raises Problem `annual_limit`, `weight_cap` when a new one is
    full; nothing of it has happened then."""
    day = clock.today()
    if allowance.use_of(session, order.number, day.year):
        return
    with session.begin_nested():
        allowance.use(session, order.number, day.year, edition.tariff().retail_limits(day).annual_fen)


def free(session: Session, orders: Sequence[Order], kind: str) -> None:
    """Give stock and allowance of these orders back; the caller has just moved them out of a living state."""
    free_stock(session, orders)
    free_allowance(session, orders, kind)
    free_reductions(session, orders)


def free_reductions(session: Session, orders: Sequence[Order]) -> None:
    """The units of limited promotions that these orders held."""
    lines = select(OrderLine.id).where(OrderLine.order_id.in_([order.id for order in orders]))
    reductions.give_back(session, lines)


def free_stock(session: Session, orders: Sequence[Order]) -> None:
    ids = [order.id for order in orders]
    lots.give_back(session, allocations_of(session, ids))
    lines = select(OrderLine.id).where(OrderLine.order_id.in_(ids))
    session.execute(delete(OrderAllocation).where(OrderAllocation.line_id.in_(lines)))


def free_allowance(session: Session, orders: Sequence[Order], kind: str) -> None:
    """`kind` stands in the allowance's statement: `cancelled`, `expired`, `rejected`."""
    for order in orders:
        if order.person_id is not None:
            allowance.give_back(session, order.number, kind=kind)


def free_promised(session: Session, orders: Sequence[Order], kind: str) -> None:
    """Give back allowance and coupons of orders that end unpaid; those of paid ones go back with their refunds."""
    free_allowance(session, orders, kind)
    free_reductions(session, orders)
    coupon_uses.give_back(session, orders)


def held_by_lot(session: Session) -> dict[uuid.UUID, Decimal]:
    """How much of each lot the orders hold that wait to be paid or sent."""
    statement = (
        select(OrderAllocation.lot_id, func.sum(OrderAllocation.quantity - OrderAllocation.sent))
        .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.status.in_(UNSENT))
        .group_by(OrderAllocation.lot_id)
    )
    return {lot_id: quantity for lot_id, quantity in session.execute(statement)}


stock_check.ask_also(held_by_lot)
allowance.subscribe(allowance_alerts.tell)


def take_again(session: Session, purchase: Purchase, orders: Sequence[Order]) -> bool:
    """Hold anew the stock that an expiry gave back, for a payment that came late; False when that cannot be done.

    The allowance was kept, since it is nobody else's, until Stripe said what became of the payment.
    """
    if purchase.status != "expired" or any(order.status != "awaiting_payment" for order in orders):
        return False
    try:
        with session.begin_nested():
            lines = lines_of(session, [order.id for order in orders])
            taken = lots.hold(session, *_wanted(purchase.id, orders, lines))
            write(session, {table(OrderAllocation): _parts(taken, orders, lines)})
    except Problem:
        return False
    return True
