"""Catch weight: pieces are charged at their nominal weight, weighed when they are picked, and the difference goes back.

Heavier costs nothing more: nobody is charged above what was agreed, or what a card was authorised for. The weight of
each lot's share is kept, so that the lot's own weight stays the sum of its movements.

Domestic goods charged at the nominal weight may be weighed again until they are sent; the difference goes back then.
Retail goods are weighed before they are filed, and goods that a card is authorised for before they are charged: there
the weight that completes an order settles its amounts for good (`real_weight`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import catch_weight, merchants
from core import audit, clock, jobs
from core.accounts import Actor
from core.database import db, end_read, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text, plain
from shop import holds, incidents, moves, real_weight, refunds
from shop.line_parts import discount_of
from shop.models import Order, OrderAllocation, OrderLine, Purchase

NOT_WEIGHED = declare("not_weighed", 409, "Goods priced by the kilogram are weighed before they are sent")

WEIGHED_WITHIN = timedelta(days=2)
WEIGHABLE = ("paid", "payment_review", "declared", "held", "released")


def weigh(actor: Actor, order_id: uuid.UUID, weights: Sequence[Mapping[str, Any]]) -> None:
    """Set the real weights of picked goods, {line, weight_kg, lot_id?}; until they are settled one may be set again.

    Raises Problem `not_found`, `order_state`, `invalid_input` for a line without catch weight, an unclear lot, or a
    weight beyond the tolerance that the buyer was told.
    """
    with transaction() as session:
        order = moves.lock_order(session, order_id)
        if not actor.has("operator") and merchants.merchant_of(session, actor.id) != order.merchant_id:
            raise Problem(NOT_FOUND, "no such order")
        purchase = session.get_one(Purchase, order.purchase_id)
        authorised = purchase.status == order.status == "awaiting_payment" and purchase.authorised_at is not None
        if not authorised and order.status not in WEIGHABLE:
            raise moves.refuse(order, "weighed")
        if order.quoted is not None:
            raise Problem(moves.MOVE_REFUSED, "all of it was weighed, and its amounts stand by that weight")
        lines = {line.position: line for line in holds.lines_of(session, [order.id])}
        shares = _shares(session, order.id)
        for number, entry in enumerate(weights):
            line = lines.get(entry["line"])
            if line is None or line.facts.get("priced_by") != "kg":
                raise invalid(f"weights.{number}.line", "must be a line of goods priced by the kg")
            share = _share(shares[line.id], entry.get("lot_id"), f"weights.{number}.lot_id")
            _check(line, share, entry["weight_kg"], f"weights.{number}.weight_kg")
            share.weight_kg = entry["weight_kg"]
        for line in lines.values():
            _value(line, shares.get(line.id, []))
        facts = [[entry["line"], plain(entry["weight_kg"])] for entry in weights]
        moves.note(session, [order.id], "weighed", order.status, str(actor.id))
        audit.record(session, str(actor.id), "order_weighed", "order", order_id, weights=facts)
        session.flush()
        if authorised:
            real_weight.settle_authorised(session, purchase)
        elif order.route == "cross_border_retail" and not real_weight.unweighed(list(lines.values())):
            real_weight.settle_retail(session, order, list(lines.values()))


def _shares(session: Session, order_id: uuid.UUID) -> dict[uuid.UUID, list[OrderAllocation]]:
    statement = (
        select(OrderAllocation)
        .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
        .where(OrderLine.order_id == order_id)
        .order_by(OrderAllocation.lot_id)
    )
    found: dict[uuid.UUID, list[OrderAllocation]] = {}
    for share in session.scalars(statement.execution_options(populate_existing=True)):
        found.setdefault(share.line_id, []).append(share)
    return found


def _share(shares: Sequence[OrderAllocation], lot_id: uuid.UUID | None, field: str) -> OrderAllocation:
    if lot_id is None and len(shares) == 1:
        return shares[0]
    share = next((each for each in shares if each.lot_id == lot_id), None)
    if share is None:
        lots = ", ".join(str(each.lot_id) for each in shares)
        raise invalid(field, f"must be one of the lots that serve the line: {lots}")
    return share


def _check(line: OrderLine, share: OrderAllocation, weight_kg: Decimal, field: str) -> None:
    piece, tolerance = Decimal(line.facts["piece_weight_kg"]), int(line.facts["weight_tolerance"])
    least, most = catch_weight.bounds(piece, tolerance, share.quantity)
    if not least <= weight_kg <= most:
        raise invalid(field, f"{plain(share.quantity)} pieces weigh {plain(least)} to {plain(most)} kg")


def _value(line: OrderLine, shares: Sequence[OrderAllocation]) -> None:
    """What a line is worth by its real weight, once all of it is weighed."""
    weights = [share.weight_kg for share in shares if share.weight_kg is not None]
    if shares and len(weights) == len(shares):
        line.weighed_kg = sum(weights, Decimal(0))
        worth = catch_weight.amount_fen(int(line.facts["kg_price_fen"]), line.weighed_kg)
        line.weighed_fen = min(line.goods_fen if line.most_goods_fen is None else line.most_goods_fen, worth)


def pay_difference(session: Session, order: Order) -> None:
    """At sending: promise back what the goods are lighter than was charged. Raises Problem `not_weighed`."""
    lines = [line for line in holds.lines_of(session, [order.id]) if catch_weight.is_priced(line.facts)]
    missing = real_weight.unweighed(lines)
    if missing:
        raise Problem(NOT_WEIGHED, f"line {missing[0]} is priced by the kg and was not weighed")
    difference = sum(line.goods_fen - (line.weighed_fen or 0) for line in lines)
    if difference:
        parts = {"goods": difference, "freight": 0, "tax": 0}
        discount = sum(discount_of(line, line.weighed_fen or 0, line.goods_fen) for line in lines)
        refunds.promise(session, order, {**parts, "discount": discount} if discount else parts, "lighter than ordered")


@jobs.task("shop.chase_weighing", schedule="23 * * * *")
def chase_weighing() -> None:
    """Paid orders that nobody weighs: they are neither filed nor sent, so a person asks the merchant."""
    waiting = select(OrderLine.order_id).where(
        OrderLine.facts["priced_by"].astext == "kg", OrderLine.weighed_fen.is_(None)
    )
    late = select(Order.id, Order.number).where(Order.status == "paid", Order.paid_at < clock.now() - WEIGHED_WITHIN)
    rows = db.session.execute(late.where(Order.id.in_(waiting)).order_by(Order.id).limit(100)).all()
    end_read()
    with transaction() as session:
        for order_id, number in rows:
            incidents.record(session, "weighing_overdue", "order", order_id, number=number)


def told(line: OrderLine) -> dict[str, Any] | None:
    """What an order's line says of its weight; `weighed` is the amount by the real weight, None before it is known."""
    quoted = line.quoted or {}
    found = catch_weight.told(line.facts, line.quantity)
    if found is None:
        return None
    return {
        **found,
        "weighed": None if line.weighed_fen is None else fen_text(line.weighed_fen),
        "weight_kg": None if line.weighed_kg is None else plain(line.weighed_kg),
        "quoted": {name.removesuffix("_fen"): fen_text(amount) for name, amount in quoted.items()} or None,
    }
