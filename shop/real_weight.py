"""The amounts of an order by its real weight: goods, taxes and dutiable value set once all of it is weighed.

What was quoted is kept beside them. The law is asked again for the order's own day, so tax, declaration and charge rest
on one rate set; freight and insurance stay as they were charged. Nothing is ever above what was agreed or authorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import catch_weight
from core import audit, clock, jobs
from core.errors import Problem
from core.money import fen_text
from customs import allowance, edition
from shop import coupon_uses, holds, moves, notify, refunds, taxing
from shop.models import Order, OrderLine, Payment, Purchase
from shop.offers import Offer, OfferLine, OfferOrder

LINE = ("goods_fen", "discount_fen", "dutiable_value_fen", *taxing.AMOUNTS)
ORDER = (*LINE, "total_fen")


def is_catch_weight(lines: Sequence[OrderLine]) -> bool:
    return any(catch_weight.is_priced(line.facts) for line in lines)


def unweighed(lines: Sequence[OrderLine]) -> list[int]:
    """The positions of lines that are priced by the kg and whose weight is not known."""
    return [line.position for line in lines if catch_weight.is_priced(line.facts) and line.weighed_fen is None]


def settle_retail(session: Session, order: Order, lines: Sequence[OrderLine]) -> None:
    """Charged at its nominal weight: goods and tax that it is lighter go back, then it is filed by the real weight."""
    before, discount = {"goods": order.goods_fen, "freight": 0, "tax": order.tax_fen}, order.discount_fen
    _settle(session, order, lines)
    parts = {**before, "goods": before["goods"] - order.goods_fen, "tax": before["tax"] - order.tax_fen}
    if discount:
        parts["discount"] = discount - order.discount_fen
    if any(parts.values()):
        refunds.promise_beside(session, order, parts, "lighter than ordered: goods and their tax")
    jobs.defer(session, "shop.file_order", order_id=str(order.id))


def settle_authorised(session: Session, purchase: Purchase) -> None:
    """All goods of a purchase are weighed: what they cost is captured of what the card holds, the rest released.

    The caller holds the lock on the purchase.
    """
    orders = holds.orders_of(session, purchase.id)
    lines = {order.id: holds.lines_of(session, [order.id]) for order in orders}
    if any(unweighed(each) for each in lines.values()):
        return
    for order in orders:
        if is_catch_weight(lines[order.id]):
            _settle(session, order, lines[order.id])
    purchase.total_fen = sum(order.total_fen for order in orders)
    payment = session.scalars(select(Payment).where(Payment.purchase_id == purchase.id)).one()
    payment.capture_fen = purchase.total_fen
    session.flush()
    for order in orders:
        if order.quoted is not None:
            coupon_uses.restore(session, purchase.id, order.quoted["discount_fen"] - order.discount_fen)
    jobs.defer(session, "shop.capture_payment", purchase_id=str(purchase.id))


def _settle(session: Session, order: Order, lines: Sequence[OrderLine]) -> None:
    order.quoted = {name: getattr(order, name) for name in ORDER}
    held = order.dutiable_value_fen if order.most_dutiable_fen is None else order.most_dutiable_fen
    offered = [_offer_line(line) for line in lines]
    _assess(order, offered)
    for line, now in zip(lines, offered, strict=True):
        line.quoted = {name: getattr(line, name) for name in LINE}
        for name in LINE:
            setattr(line, name, getattr(now, name))
        line.facts, line.assessment = now.facts, now.assessment
    for name in LINE:
        setattr(order, name, sum(getattr(line, name) for line in lines))
    order.total_fen = order.goods_fen + order.freight_fen + order.insurance_fen - order.discount_fen + order.tax_fen
    session.flush()
    if order.person_id is not None and held > order.dutiable_value_fen:
        allowance.give_back(session, order.number, held - order.dutiable_value_fen, "weighed")
    quoted, final = fen_text(order.quoted["total_fen"]), fen_text(order.total_fen)
    detail = f"{quoted} → {final} CNY"
    moves.note(session, [order.id], "priced_by_weight", order.status, "shop", detail=detail)
    notify.buyer(session, order, "order_weighed", total=final, quoted=quoted)
    facts = {"quoted_fen": order.quoted["total_fen"], "total_fen": order.total_fen}
    audit.record(session, "shop", "order_priced_by_weight", "order", order.id, **facts)


def _offer_line(line: OrderLine) -> OfferLine:
    names = ("quantity", "unit_price_fen", "discount_fen", "freight_fen", "insurance_fen")
    kept = {name: getattr(line, name) for name in names}
    found = OfferLine(line.listing_id, line.listing_version, line.facts, goods_fen=line.goods_fen, **kept)
    if line.weighed_fen is not None and line.weighed_kg is not None:
        found.goods_fen = line.weighed_fen
        if line.weighed_fen < line.goods_fen:  # rounded down, so that something is always left to pay
            found.discount_fen = line.discount_fen * line.weighed_fen // line.goods_fen
        found.facts = catch_weight.at_weight(line.facts, taxing.units_of(found), line.weighed_kg)
    return found


def _assess(order: Order, lines: list[OfferLine]) -> None:
    """The engine on the order's own day. Raises Problem when the law of that day is not there any more."""
    names: dict[str, Any] = {name: getattr(order, name) for name in ("merchant_id", "merchant_name", "route", "mode")}
    asked = OfferOrder(**names, warehouse_id=order.warehouse_id, lines=lines)
    tariff = edition.tariff()
    offer = Offer(order.tariff_day, tariff.edition, clock.now(), order.account_id, None, [asked])
    blocked = taxing.assess(tariff, offer)
    if blocked:
        raise Problem(blocked[0].code, blocked[0].detail)
    order.tariff_edition = tariff.edition
