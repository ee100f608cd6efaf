"""Reading orders and purchases: what a buyer, and in part a merchant, sees of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, select

from catalog import merchants, versions
from catalog.models import Lot
from core import clock
from core.accounts import Actor
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text, plain, plain_or_none
from customs.declarations import LIST
from customs.models import Declaration, WindowDocument
from customs.window.told import told_of
from shop import consent, cursors, dispute_views, holds, parcels, payments, shortages, weighing
from shop.models import Order, OrderAllocation, OrderEvent, OrderLine, Payment, Purchase, Refund

AT_CUSTOMS = ("held", "concluded", "rejected")  # events whose detail begins with customs' code
TAXES = ("duty", "additional_duty", "consumption_tax", "vat", "tax")
SUMS = ("goods", "freight", "insurance", "discount", *TAXES, "total")
LINE_SUMS = ("unit_price", "goods", "discount", "freight", "insurance", "dutiable_value", *TAXES)


def sums(row: Any, names: Sequence[str]) -> dict[str, str]:
    """`*_fen` attributes as amounts."""
    return {name: fen_text(getattr(row, f"{name}_fen")) for name in names}


Lots = Mapping[uuid.UUID, list[dict[str, Any]]]


def dump_line(line: OrderLine, lots: Lots | None = None) -> dict[str, Any]:
    facts = line.facts
    return {
        "line": line.position,
        "listing_id": str(line.listing_id),
        "listing_version": line.listing_version,
        "sku": facts["sku"],
        "title": facts["title"],
        "hs": line.hs,
        "origin": line.origin,
        "unit": line.unit,
        "quantity": plain(line.quantity),
        "catch_weight": weighing.told(line),
        "promotion": line.facts.get("promotion"),
        **sums(line, LINE_SUMS),
        **line.assessment,
        **({"quotation": facts["quotation"]} if "quotation" in facts else {}),
        **({} if lots is None else {"lots": lots.get(line.id, [])}),
    }


def dump(order: Order, lines: Sequence[OrderLine], lots: Lots | None = None) -> dict[str, Any]:
    """An order as its buyer sees it, amounts as quoted and charged; with `lots` as those see it who send the goods."""
    return {
        "id": str(order.id),
        "number": order.number,
        "purchase": str(order.purchase_id),
        "status": order.status,
        "created_at": clock.instant_text(order.created_at),
        "paid_at": clock.instant_text(order.paid_at),
        "merchant": {"id": str(order.merchant_id), "name": order.merchant_name},
        "route": order.route,
        "mode": order.mode,
        "warehouse": str(order.warehouse_id) if order.warehouse_id else None,
        "lines": [dump_line(line, lots) for line in lines],
        **sums(order, SUMS),
        "dutiable_value": fen_text(order.dutiable_value_fen),
        "refunded": fen_text(order.refunded_fen),
        "quoted": _quoted(order),
        "waybill_no": order.waybill_no,
        "address": order.address,
        "day": order.tariff_day.isoformat(),
        "edition": order.tariff_edition,
        "notice": consent.told(order),
    }


def _quoted(order: Order) -> dict[str, str] | None:
    """What stood in the quote before goods of catch weight were weighed."""
    if order.quoted is None:
        return None
    return {name.removesuffix("_fen"): fen_text(amount) for name, amount in order.quoted.items()}


def lines_by_order(order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[OrderLine]]:
    """The lines of several orders in one statement."""
    found: dict[uuid.UUID, list[OrderLine]] = {order_id: [] for order_id in order_ids}
    statement = (
        select(OrderLine).where(OrderLine.order_id.in_(order_ids)).order_by(OrderLine.order_id, OrderLine.position)
    )
    for line in db.session.scalars(statement):
        found[line.order_id].append(line)
    return found


def _lots_of(order_ids: Sequence[uuid.UUID]) -> Lots:
    """Which lots serve each line, first expired first, in one statement; empty once the goods are given back."""
    statement = (
        select(OrderAllocation, Lot.expires_on)
        .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
        .outerjoin(Lot, Lot.id == OrderAllocation.lot_id)
        .where(OrderLine.order_id.in_(order_ids))
        .order_by(OrderAllocation.line_id, Lot.expires_on.nulls_last(), OrderAllocation.lot_id)
    )
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for share, expires_on in db.session.execute(statement):
        told = {
            "lot_id": str(share.lot_id),
            "batch_no": share.batch_no,
            "expires_on": expires_on.isoformat() if expires_on else None,
            "quantity": plain(share.quantity),
            "left": plain(share.quantity - share.sent),
            "weight_kg": plain_or_none(share.weight_kg),
        }
        found.setdefault(share.line_id, []).append(told)
    return found


def page_of(account_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of own orders, newest first."""
    return _page(select(Order).where(Order.account_id == account_id), limit, cursor)


def _page(statement: Any, limit: int, cursor: str | None, *, sending: bool = False) -> dict[str, Any]:
    statement = statement.order_by(Order.id.desc()).limit(limit + 1)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Order.id < seen)
    rows, following = cursors.page(db.session.scalars(statement).all(), limit)
    ids = [order.id for order in rows]
    lines, lots = lines_by_order(ids), _lots_of(ids) if sending else None
    return {"items": [dump(order, lines[order.id], lots) for order in rows], "next": following}


def page_of_merchant(user_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the orders to the merchant a person acts for, with the lots to pick. Raises Problem `forbidden`."""
    own = Order.merchant_id == merchants.acting_for(user_id)
    held = select(Purchase.id).where(Purchase.id == Order.purchase_id, Purchase.authorised_at.is_not(None)).exists()
    # A retail buyer's orders are the merchant's business once they are paid, or held on a card until they are weighed.
    return _page(select(Order).where(own, Order.paid_at.is_not(None) | held), limit, cursor, sending=True)


def one(actor: Actor, order_id: uuid.UUID) -> dict[str, Any]:
    """An order with timeline, declaration, taxes and refunds, for its buyer, its merchant or an operator; the latter
    two see which lots serve it.

    Raises Problem `not_found`.
    """
    order = db.session.get(Order, order_id)
    sending = order is not None and _may_send(actor, order)
    if order is None or not (sending or order.account_id == actor.id):
        raise Problem(NOT_FOUND, "no such order")
    return _detail(order, _lots_of([order.id]) if sending else None)


def _may_send(actor: Actor, order: Order) -> bool:
    if actor.has("operator"):
        return True
    return actor.has("merchant") and merchants.merchant_of(db.session(), actor.id) == order.merchant_id


def _detail(order: Order, lots: Lots | None) -> dict[str, Any]:
    lines = lines_by_order([order.id])[order.id]
    found = dump(order, lines, lots)
    texts = versions.bought([(line.listing_id, line.listing_version) for line in lines])
    for line, told in zip(lines, found["lines"], strict=True):
        told["bought"] = texts.get((line.listing_id, line.listing_version))
    sent, missing = parcels.dump(order.id), shortages.page_of(order.id)
    _add_progress(found, sent, missing)
    if found["notice"] is not None:
        found["notice"]["text"] = consent.text_of(order)
    return {
        **found,
        "timeline": _timeline(order.id),
        "declaration": _declaration(order.number),
        "taxes": {
            **sums(order, TAXES),
            "day": order.tariff_day.isoformat(),
            "edition": order.tariff_edition,
        },
        "refunds": _refunds(order),
        "disputes": dispute_views.of_purchase(order.purchase_id),
        "parcels": sent,
        "shortages": missing,
    }


def _add_progress(order: dict[str, Any], sent: Sequence[dict[str, Any]], missing: Sequence[dict[str, Any]]) -> None:
    """How much of each line has left, was not supplied, and is left to be sent."""

    def of(line: int, entries: Sequence[dict[str, Any]]) -> Decimal:
        rows = [row for entry in entries for row in entry["lines"] if row["line"] == line]
        return sum((Decimal(row["quantity"]) for row in rows), Decimal(0))

    for line in order["lines"]:
        gone, short = of(line["line"], sent), of(line["line"], missing)
        left = Decimal(line["quantity"]) - gone - short if order["status"] in holds.UNSENT else Decimal(0)
        line |= {"sent": plain(gone), "short": plain(short), "left": plain(left)}


def _timeline(order_id: uuid.UUID) -> list[dict[str, Any]]:
    """Oldest first, in the order written: a clock may jump, the sequence does not."""
    rows = db.session.scalars(select(OrderEvent).where(OrderEvent.order_id == order_id).order_by(OrderEvent.id))
    return [
        {
            "at": clock.instant_text(row.at),
            "happened_at": clock.instant_text(row.happened_at),
            "event": row.event,
            "status": row.status,
            "detail": row.detail,
            **_plain_words(row),
        }
        for row in rows
    ]


def _plain_words(row: OrderEvent) -> dict[str, Any]:
    """What customs' code means and what comes next, for people: {what, next}, each in both languages, or None.

    The detail of an event of customs begins with its code.
    """
    code = (row.detail or "").split(" ", 1)[0]
    told = told_of(code) if row.actor == "customs" and row.event in AT_CUSTOMS else None
    return {"customs": None if told is None else {"code": code, "what": told.what, "next": told.then}}


def _declaration(order_number: str) -> dict[str, Any] | None:
    """What a buyer needs to follow the parcel at customs."""
    statement = (
        select(Declaration, WindowDocument)
        .outerjoin(WindowDocument, and_(WindowDocument.declaration_id == Declaration.id, WindowDocument.kind == LIST))
        .where(Declaration.order_number == order_number, Declaration.kind == "retail")
    )
    row = db.session.execute(statement).first()
    if row is None:
        return None
    declaration, inventory = row
    return {
        "id": str(declaration.id),
        "status": declaration.status,
        "info": declaration.status_info,
        "cop_no": declaration.number,
        "pre_no": inventory.pre_no if inventory else None,
        "invt_no": inventory.invt_no if inventory else None,
        "return_status": inventory.return_status if inventory else None,
        "mend_until": clock.instant_text(declaration.mend_until),
        "released_at": clock.instant_text(declaration.released_at),
    }


def _refunds(order: Order) -> list[dict[str, Any]]:
    statement = select(Refund).where(Refund.purchase_id == order.purchase_id).order_by(Refund.id)
    rows = db.session.scalars(statement.where((Refund.order_id == order.id) | Refund.order_id.is_(None)))
    return [
        {
            "id": str(row.id),
            "amount": fen_text(row.amount_fen),
            "status": row.status,
            "reason": row.reason,
            "created_at": clock.instant_text(row.created_at),
            "paid_at": clock.instant_text(row.paid_at),
        }
        for row in rows
    ]


def purchase_of(account_id: uuid.UUID, purchase_id: uuid.UUID) -> dict[str, Any]:
    """An own purchase as its placing answered. Raises Problem `not_found`."""
    statement = (
        select(Purchase, Payment, Order)
        .join(Payment, Payment.purchase_id == Purchase.id)
        .join(Order, Order.purchase_id == Purchase.id)
        .where(Purchase.id == purchase_id, Purchase.account_id == account_id)
        .order_by(Order.id)
    )
    found = db.session.execute(statement).all()
    if not found:
        raise Problem(NOT_FOUND, "no such purchase")
    rows = [row.Order for row in found]
    return answer(found[0].Purchase, found[0].Payment, rows, lines_by_order([order.id for order in rows]))


def answer(
    purchase: Any, payment: Any, orders: Sequence[Any], lines: Mapping[uuid.UUID, Sequence[Any]]
) -> dict[str, Any]:
    """A purchase as its buyer is answered, from what was read or has just been stored."""
    return {
        "purchase": str(purchase.id),
        "status": purchase.status,
        "orders": [dump(order, lines[order.id]) for order in orders],
        "total": fen_text(purchase.total_fen),
        "expires_at": clock.instant_text(purchase.expires_at),
        "authorised_at": clock.instant_text(purchase.authorised_at),
        "payment": payments.handle(payment),
    }
