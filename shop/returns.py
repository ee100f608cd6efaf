"""Goods sent back: granted by customs (625) within 30 days of release, paid back when they have arrived.

Within 45 days of release goods and their tax are refunded as stored and the allowance is restored; later the goods only
(GACC 2020 No.45; rule A18: day 30 and day 45 still count; the days are parameters of the law on the day of release).
The freight was spent and stays paid. Domestic stock goes back without customs, within the same days of its shipping.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import merchants
from catalog.receiving import divisible
from core import audit, clock
from core.accounts import Actor
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text, plain
from customs import allowance, declarations, edition
from shop import capped_weights, cursors, holds, incidents, moves, notify, refunds, shortages
from shop.line_parts import between, discount_of
from shop.models import Order, OrderEvent, OrderLine, Return

RETURNABLE = ("released", "shipped", "delivered", "completed")
TAXES = ("duty_fen", "additional_duty_fen", "consumption_tax_fen", "vat_fen")

TOO_LATE = declare("return_too_late", 409, "The time in which goods can be sent back is over")


def request_return(
    actor: Actor, order_id: uuid.UUID, lines: Sequence[Mapping[str, Any]], reason: str, attempt: uuid.UUID
) -> dict[str, Any]:
    """Ask to send `lines` ({line, quantity}) of an own order back; the same attempt is one return.

    Raises Problem `not_found`, `order_state`, `return_too_late`, `invalid_input` for lines that are not there.
    """
    with transaction() as session:
        order = moves.lock_order(session, order_id)
        if order.account_id != actor.id:
            raise Problem(NOT_FOUND, "no such order")
        known = session.scalars(select(Return).where(Return.attempt_id == attempt)).first()
        if known is not None:
            return dump(known)
        if order.status not in RETURNABLE:
            raise moves.refuse(order, "sent back")
        pairs = _checked(session, order, lines)
        begun = _counted_from(session, order)
        days = declarations.return_days(begun)
        if clock.today() > begun + timedelta(days=days):
            raise Problem(TOO_LATE, f"goods can be sent back within {days} days")
        return dump(_store(session, order, pairs, reason, attempt))


def _store(
    session: Session,
    order: Order,
    pairs: list[tuple[int, Decimal]],
    reason: str,
    attempt: uuid.UUID,
    *,
    unsent: bool = False,
) -> Return:
    retail = order.route == "cross_border_retail"
    row = Return(
        id=new_id(),
        attempt_id=attempt,
        order_id=order.id,
        account_id=order.account_id,
        number=declarations.file_return(session, order.number, pairs, reason) if retail else None,
        status="requested",
        lines=[[line, plain(quantity)] for line, quantity in pairs],
        reason=reason,
        unsent=unsent,
        requested_at=clock.now(),
    )
    session.add(row)
    session.flush()  # what is granted is counted from the table
    actor = "shop" if unsent else str(order.account_id)
    moves.note(session, [order.id], "return_requested", order.status, actor, detail=reason)
    audit.record(session, actor, "return_requested", "return", row.id, order=order.number, lines=row.lines)
    if not retail:
        _grant(session, order, row)
    return row


def take_back(session: Session, order: Order, reason: str) -> bool:
    """Ask customs to take back what it released and what is not sent any more; False when nothing is left to go back.

    The caller holds the lock on the purchase. Raises Problem `declaration_state` when customs cannot be asked any more.
    """
    gone = _quantities(session, order.id, ("requested", "accepted", "settled"))
    left = {
        line.position: line.quantity - gone.get(line.position, Decimal(0))
        for line in holds.lines_of(session, [order.id])
    }
    pairs = sorted((position, quantity) for position, quantity in left.items() if quantity > 0)
    if not pairs:
        return False
    row = _store(session, order, pairs, reason, new_id(), unsent=True)
    row.received_at = row.recorded_at = row.requested_at  # it has never left the warehouse
    return True


def _checked(session: Session, order: Order, lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, Decimal]]:
    """Each line once, and never more back than was bought, open returns included."""
    bought = {line.position: line for line in holds.lines_of(session, [order.id])}
    gone = _quantities(session, order.id, ("requested", "accepted", "settled"))
    pairs: dict[int, Decimal] = {}
    for number, wish in enumerate(lines):
        place, quantity = wish["line"], wish["quantity"]
        line = bought.get(place)
        if line is None or place in pairs:
            raise invalid(f"lines.{number}.line", "must be a line of the order, named once")
        if not divisible(line.unit) and quantity != quantity.to_integral_value():
            raise invalid(f"lines.{number}.quantity", "must be a whole number")
        left = line.quantity - gone.get(place, Decimal(0))
        if quantity > left:
            raise invalid(f"lines.{number}.quantity", f"at most {plain(left)} can still go back")
        pairs[place] = quantity
    return sorted(pairs.items())


def _quantities(session: Session, order_id: uuid.UUID, statuses: Sequence[str]) -> dict[int, Decimal]:
    """How much of each line went or goes back, or was never supplied: that was paid back before the rest was sent."""
    found = shortages.quantities_of(session, order_id)
    rows = session.scalars(select(Return).where(Return.order_id == order_id, Return.status.in_(statuses)))
    for row in rows:
        for line, quantity in row.lines:
            found[line] = found.get(line, Decimal(0)) + Decimal(quantity)
    return found


def _counted_from(session: Session, order: Order) -> date:
    """The day from which the days count: release at customs, or shipping of domestic stock."""
    if order.released_on is not None:
        return order.released_on
    shipped = select(OrderEvent.at).where(OrderEvent.order_id == order.id, OrderEvent.event == "shipped")
    return clock.beijing_day(session.scalars(shipped).one())


def _arrives_until(begun: date) -> date:
    """The last day on which goods that arrive bring their tax back."""
    return begun + timedelta(days=int(edition.tariff().parameter("return_arrive_days", begun)["value"]))


def granted(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Customs takes the goods back (399)."""
    row = _numbered(session, info)
    if row is not None:
        _grant(session, order, row)


def refused(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Customs does not: the goods stay sold."""
    row = _numbered(session, info)
    if row is not None and row.status == "requested":
        row.status = "refused"
        moves.note(session, [order.id], "return_refused", order.status, "customs", detail=info.get("detail"))
        if not row.unsent:
            notify.both(session, order, "return_refused")
        else:
            incidents.record(session, "recalled_not_taken_back", "order", order.id, number=order.number)


def _numbered(session: Session, info: dict[str, Any]) -> Return | None:
    return session.scalars(select(Return).where(Return.number == info.get("number"))).first()


def _grant(session: Session, order: Order, row: Return) -> None:
    if row.status != "requested":
        return
    row.parts = _parts(session, order, row)
    row.status, row.accepted_at = "accepted", clock.now()
    moves.note(session, [order.id], "return_granted", order.status, "customs" if row.number else "shop")
    if not row.unsent:
        notify.both(session, order, "return_granted")
    _settle(session, order, row)


def _parts(session: Session, order: Order, row: Return) -> dict[str, int]:
    """Goods, tax, dutiable value and the coupon's share of what goes back, in fen."""
    before = _quantities(session, order.id, ("accepted", "settled"))
    lines = {line.position: line for line in holds.lines_of(session, [order.id])}
    parts = {"goods": 0, "tax": 0, "value": 0, "discount": 0}
    for place, text in row.lines:
        line, first = lines[place], before.get(place, Decimal(0))
        share = (line, first, first + Decimal(text))
        goods_before, goods = _part("goods_fen", line, Decimal(0), first), _part("goods_fen", *share)
        parts["goods"] += goods
        parts["discount"] += discount_of(line, goods_before, goods_before + goods)
        parts["tax"] += sum(_part(name, *share) for name in TAXES)
        parts["value"] += _part("dutiable_value_fen", *share)
    return parts


def _part(name: str, line: OrderLine, first: Decimal, last: Decimal) -> int:
    """What lies between two quantities of a line, each rounded from the whole, so that all parts are the whole."""
    amount = getattr(line, name)
    if name == "goods_fen" and line.weighed_fen is not None:
        amount = line.weighed_fen  # what it was lighter was paid back when it was sent
    return between(amount, line.quantity, first, last)


def receive(actor: Actor, return_id: uuid.UUID, at: datetime) -> dict[str, Any]:
    """The goods have arrived, told by the merchant or an operator; the refund follows once customs has granted it.

    Raises Problem `not_found`, `invalid_input` for an instant in the future, `order_state` when refused.
    """
    if at > clock.now():
        raise invalid("at", "lies in the future")
    with transaction() as session:
        order, row = _of_merchant(session, actor, return_id)
        if row.status == "refused":
            raise Problem(moves.MOVE_REFUSED, "customs did not grant this return")
        if at < row.requested_at:
            raise invalid("at", "the return was asked for later than that")
        if row.received_at is None:
            row.received_at, row.recorded_at = at, clock.now()
            moves.note(session, [order.id], "return_received", order.status, str(actor.id), happened_at=at)
            audit.record(session, str(actor.id), "return_received", "return", row.id, at=clock.instant_text(at))
            _settle(session, order, row)
        return dump(row)


def _of_merchant(session: Session, actor: Actor, return_id: uuid.UUID) -> tuple[Order, Return]:
    order_id = session.scalar(select(Return.order_id).where(Return.id == return_id))
    if order_id is None:
        raise Problem(NOT_FOUND, "no such return")
    order = moves.lock_order(session, order_id)
    if not actor.has("operator") and merchants.merchant_of(session, actor.id) != order.merchant_id:
        raise Problem(NOT_FOUND, "no such return")
    return order, session.get_one(Return, return_id, populate_existing=True)


def _settle(session: Session, order: Order, row: Return) -> None:
    """Granted and arrived: the money goes back, once."""
    if row.accepted_at is None or row.received_at is None or row.refund_id is not None:
        return
    parts = row.parts or {}
    in_time = clock.beijing_day(row.received_at) <= _arrives_until(_counted_from(session, order))
    freight = order.freight_fen + order.insurance_fen if row.unsent else 0
    back = {"goods": parts["goods"], "freight": freight, "tax": parts["tax"] if in_time else 0}
    if parts.get("discount"):
        back["discount"] = parts["discount"]
    row.status = "settled"
    session.flush()  # the sum of what went back is read below
    everything = {line.position: line.quantity for line in holds.lines_of(session, [order.id])}
    if _quantities(session, order.id, ("settled",)) == everything:
        unsent = order.status == "released"
        if moves.move(session, [order.id], "returned", "shop") and unsent:
            holds.free_stock(session, [order])
    if in_time and order.person_id is not None:
        weights = capped_weights.of_part(order.tariff_day, holds.lines_of(session, [order.id]), row.lines)
        allowance.give_back(session, order.number, parts["value"], "returned", weights)
    if any(back.values()):  # last: stock and allowance come before coupons everywhere
        row.refund_id = refunds.promise(session, order, back, "goods sent back" if in_time else "sent back, tax not")


def dump(row: Return) -> dict[str, Any]:
    """A return as its buyer and its merchant see it."""
    parts = row.parts
    return {
        "id": str(row.id),
        "order": str(row.order_id),
        "number": row.number,
        "status": row.status,
        "lines": [{"line": line, "quantity": quantity} for line, quantity in row.lines],
        "reason": row.reason,
        "goods": fen_text(parts["goods"]) if parts else None,
        "tax": fen_text(parts["tax"]) if parts else None,
        "discount": fen_text(parts.get("discount", 0)) if parts else None,
        "requested_at": clock.instant_text(row.requested_at),
        "accepted_at": clock.instant_text(row.accepted_at),
        "received_at": clock.instant_text(row.received_at),
        "recorded_at": clock.instant_text(row.recorded_at),
        "refund": str(row.refund_id) if row.refund_id else None,
    }


def page_of(actor: Actor, limit: int, cursor: str | None) -> dict[str, Any]:
    """Own returns, newest first; a merchant's person sees those of its orders too."""
    merchant_id = merchants.merchant_of(db.session(), actor.id)
    mine = Return.account_id == actor.id
    if merchant_id is not None:
        mine |= Return.order_id.in_(select(Order.id).where(Order.merchant_id == merchant_id))
    statement = select(Return).where(mine).order_by(Return.id.desc()).limit(limit + 1)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Return.id < seen)
    rows, following = cursors.page(db.session.scalars(statement).all(), limit)
    return {"items": [dump(row) for row in rows], "next": following}


def one(actor: Actor, return_id: uuid.UUID) -> dict[str, Any]:
    """A return, for its buyer, its merchant or an operator. Raises Problem `not_found`."""
    statement = select(Return, Order.merchant_id).join(Order, Order.id == Return.order_id)
    found = db.session.execute(statement.where(Return.id == return_id)).first()
    if found is None:
        raise Problem(NOT_FOUND, "no such return")
    row, merchant_id = found
    if row.account_id == actor.id or actor.has("operator"):
        return dump(row)
    if merchants.merchant_of(db.session(), actor.id) != merchant_id:
        raise Problem(NOT_FOUND, "no such return")
    return dump(row)
