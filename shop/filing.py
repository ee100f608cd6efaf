"""Between the shop and customs: paid retail orders are declared, and what customs says moves the order.

The declaration gets its own copy of everything, taken from the order's own copies, so quote, charge and declaration
cannot differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from catalog import catch_weight
from core import audit, clock, jobs
from core.database import db, end_read, transaction
from customs import allowance, declarations
from customs.filing_facts import FilingLine, FilingRequest
from customs.window.statuses import LANGUAGES
from customs.window.told import told_of
from shop import cancellation, holds, incidents, ledger, moves, notify, real_weight, recalls, returns, tax_settlement
from shop.models import Order, OrderAllocation, OrderLine, Payment

log = structlog.get_logger()

REFILED = "corrected and filed again"
OVERDUE_AFTER = timedelta(seconds=60)


@jobs.task("shop.file_order")
def file_order(order_id: str) -> None:
    """Open the declaration of a paid retail order; run again it finds the order declared and does nothing."""
    with transaction() as session:
        order = moves.lock_order(session, uuid.UUID(order_id))
        if order.status != "paid" or order.route != "cross_border_retail":
            return
        if real_weight.unweighed(holds.lines_of(session, [order.id])):
            return  # declared and taxed by its real weight: weighing files it
        declarations.open_retail(session, request_of(session, order))
        moves.move(session, [order.id], "declared", "shop")
        audit.record(session, "shop", "order_declared", "order", order.id, number=order.number)


@jobs.task("shop.chase_filings", schedule="* * * * * */30")
def chase_filings() -> None:
    """Paid retail orders whose filing job died: every one has a declaration or an incident (I5, I13)."""
    overdue = (
        select(Order.id, Order.number)
        .where(Order.status == "paid", Order.route == "cross_border_retail")
        .where(Order.paid_at < clock.now() - OVERDUE_AFTER, ~_unweighed())
        .order_by(Order.id)
        .limit(100)
    )
    rows = db.session.execute(overdue).all()
    end_read()
    for order_id, number in rows:
        try:
            file_order(str(order_id))
        except Exception as fault:
            log.exception("order_not_filed", order=number)
            with transaction() as session:
                incidents.record(session, "filing_failed", "order", order_id, number=number, fault=type(fault).__name__)


def _unweighed() -> ColumnElement[bool]:
    """Orders with goods of catch weight that wait to be weighed."""
    lines = select(OrderLine.id).where(OrderLine.order_id == Order.id, OrderLine.weighed_fen.is_(None))
    return lines.where(OrderLine.facts["priced_by"].astext == "kg").exists()


def request_of(session: Session, order: Order) -> FilingRequest:
    """The order as customs wants it told."""
    lines = holds.lines_of(session, [order.id])
    records = _records(session, order.id)
    head = lines[0].facts
    payment = session.scalars(select(Payment).where(Payment.purchase_id == order.purchase_id)).first()
    return FilingRequest(
        order_number=order.number,
        account_id=order.account_id,
        person_id=_known(order.person_id),
        merchant_id=order.merchant_id,
        merchant_name=order.merchant_name,
        merchant_code=head["merchant_customs_code"],
        warehouse_id=_known(order.warehouse_id),
        consignee_name=order.address["recipient"],
        consignee_phone=order.address["phone"],
        consignee_address=order.address_text,
        consignee_district_code=order.address["district_code"],
        lines=tuple(_line(line, records.get(line.id)) for line in lines),
        freight_fen=order.freight_fen,
        insurance_fen=order.insurance_fen,
        discount_fen=order.discount_fen,
        tax_fen=order.tax_fen,
        paid_fen=order.total_fen,
        payment_no=_known(order.payment_no),
        paid_at=_known(order.paid_at),
        waybill_no=_known(order.waybill_no),
        gross_weight_kg=_weight(lines, "gross_weight_kg"),  # packing weighs the same, whatever the goods weigh
        net_weight_kg=_weight(lines, "net_weight_kg"),
        edition=order.tariff_edition,
        assessed_on=order.tariff_day,
        standing=_standing(lines),
        payer_name=order.payer_name,
        seller_name=_agent(head),
        payment_id=payment.intent_id if payment else None,
        payment_fen=(payment.capture_fen or payment.amount_fen) if payment else None,
    )


def _agent(head: dict[str, Any]) -> str | None:
    """A foreign merchant files through its domestic agent, whose customs code it gave."""
    agent = head.get("domestic_agent")
    return agent["name"] if agent and head.get("merchant_uscc") is None else None


def _records(session: Session, order_id: uuid.UUID) -> dict[uuid.UUID, str | None]:
    """The account book's record number of each line: that of the lot which goes out first."""
    statement = (
        select(OrderAllocation.line_id, OrderAllocation.item_record_no)
        .join(OrderLine, OrderLine.id == OrderAllocation.line_id)
        .where(OrderLine.order_id == order_id)
        .order_by(OrderAllocation.lot_id.desc())
    )
    return {line_id: record_no for line_id, record_no in session.execute(statement)}


def _line(line: OrderLine, item_record_no: str | None) -> FilingLine:
    facts = line.facts
    whole = [catch_weight.statutory(facts, name, line.quantity) for name in ("unit1_quantity", "unit2_quantity")]
    return FilingLine(
        sku=facts["sku"],
        title_zh=facts["title"]["zh"],
        hs=_known(line.hs),
        origin=line.origin,
        elements=tuple((name, text) for name, text in facts["declaration_elements"]),
        unit=line.unit,
        quantity=line.quantity,
        goods_fen=line.goods_fen,
        freight_fen=line.freight_fen,
        insurance_fen=line.insurance_fen,
        dutiable_value_fen=line.dutiable_value_fen,
        duty_fen=line.duty_fen,
        additional_duty_fen=line.additional_duty_fen,
        consumption_tax_fen=line.consumption_tax_fen,
        vat_fen=line.vat_fen,
        statutory=tuple(quantity for quantity in whole if quantity is not None),
        assessment=line.assessment,
        net_content=facts["net_content"],
        gtin=facts["gtin"],
        item_record_no=item_record_no,
    )


def _weight(lines: list[OrderLine], name: str) -> Decimal:
    return sum((line.quantity * Decimal(line.facts[name] or 0) + _heavier(line) for line in lines), Decimal(0))


def _heavier(line: OrderLine) -> Decimal:
    """By how much goods of catch weight weigh more than they are sold as; negative when less."""
    if line.weighed_kg is None:
        return Decimal(0)
    return line.weighed_kg - line.quantity * Decimal(line.facts["net_weight_kg"])


def _standing(lines: list[OrderLine]) -> str:
    """The weakest standing of the rows the taxes rest on."""
    order = ("official", "secondary", "assumed")
    return max((line.assessment.get("standing", "assumed") for line in lines), key=order.index)


def _known(value: Any) -> Any:
    """What is written at payment must be there when the order is filed."""
    if value is None:
        raise ValueError("the order lacks what payment writes")
    return value


def gate(session: Session, order_number: str) -> None:
    """The lock of an order's purchase, taken before anything of its declaration is locked."""
    purchase_id = session.scalar(select(Order.purchase_id).where(Order.number == order_number))
    if purchase_id is not None:
        moves.lock_purchase(session, purchase_id)


def on_declaration(session: Session, order_number: str, state: str, info: dict[str, Any]) -> None:
    """What customs says of an order's declaration, in the transaction that applies the receipt."""
    order_id = session.scalar(select(Order.id).where(Order.number == order_number))
    act = _ACTS.get(state)
    if order_id is not None and act is not None:
        act(session, moves.lock_order(session, order_id), info)


def _held(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Customs looks closer, or differently than before: told once, and again when it is another kind of hold."""
    if moves.move(session, [order.id], "held", "customs", detail=_said(info)):
        notify.both(session, order, "order_held", **_told(info))
    elif order.status == "held":
        moves.note(session, [order.id], "held", order.status, "customs", detail=_said(info))
        notify.buyer(session, order, "order_held", **_told(info))


def _concluded(session: Session, order: Order, info: dict[str, Any]) -> None:
    if order.status == "held":
        moves.note(session, [order.id], "concluded", order.status, "customs", detail=_said(info))


def _told(info: dict[str, Any]) -> dict[str, Any]:
    """What happens at customs and what comes next, in both languages, as facts of a notice."""
    told = told_of(str(info.get("code", "")))
    facts = {"code": info.get("code"), "at": info.get("at")}
    for language in LANGUAGES:
        facts[f"what_{language}"] = told.what[language] if told else ""
        facts[f"then_{language}"] = told.then[language] if told else ""
    return facts


def _released(session: Session, order: Order, info: dict[str, Any]) -> None:
    day = date.fromisoformat(info["day"])
    if moves.move(session, [order.id], "released", "customs", released_at=clock.now(), released_on=day):
        allowance.confirm(session, order.number)
        notify.both(session, order, "order_released")
        if order.cancel_requested_at is not None:
            moves.note(session, [order.id], "cancellation_refused", "released", "customs", detail="released before")
        recalls.released(session, order)


def _rejected(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Customs sent it back: while it can be corrected the order waits with all it holds; else it is over (F41)."""
    moved = moves.move(session, [order.id], "rejected", "customs", detail=_said(info))
    if info.get("mend_until") is None:
        _over(session, order, info, "rejected")
    elif order.cancel_requested_at is not None:
        declarations.cancel(session, order.number, "cancelled by the buyer")
        _over(session, order, info, "rejected")
    elif moved:
        notify.both(session, order, "order_sent_back", until=info["mend_until"], **_told(info))


def _refiled(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Corrected and filed again: the order goes on. Raises `order_state` when it has ended meanwhile."""
    if order.status == "rejected":
        moves.move(session, [order.id], "declared", "customs", detail=REFILED)
        notify.buyer(session, order, "order_filed_again")
    elif order.status not in ("declared", "held"):
        raise moves.refuse(order, "filed again")


def _cancelled(session: Session, order: Order, info: dict[str, Any]) -> None:
    _over(session, order, info, "cancelled")


def _over(session: Session, order: Order, info: dict[str, Any], kind: str) -> None:
    if order.status in ("declared", "held", "rejected"):
        cancellation.give_up(session, order, "customs", _said(info) or f"{kind} by customs", kind)
    elif order.status not in cancellation.ENDED:
        incidents.record(session, f"{kind}_late", "order", order.id, number=order.number, was=order.status)


def _cancel_refused(session: Session, order: Order, info: dict[str, Any]) -> None:
    if order.cancel_requested_at is not None:
        order.cancel_requested_at = None
        moves.note(session, [order.id], "cancellation_refused", order.status, "customs", detail=_said(info))


def _failed(session: Session, order: Order, info: dict[str, Any]) -> None:
    """We could not file: the order waits, a person must look."""
    incidents.record(session, "filing_failed", "order", order.id, number=order.number, detail=_said(info))


def _retaxed(session: Session, order: Order, info: dict[str, Any]) -> None:
    """Filed under a later law: the buyer pays what was quoted, the platform bears the difference (rule A15). What is
    filed again under a still later law has its step posted too."""
    ledger.post_tax_difference(session, order, info["declared_fen"] - info["was_fen"], info["law"])
    moves.note(
        session, [order.id], "retaxed", order.status, "customs", detail="the difference is borne by the platform"
    )


def _said(info: dict[str, Any]) -> str | None:
    detail = info.get("detail")
    return None if detail is None else str(detail)[:500]


_ACTS: dict[str, Callable[[Session, Order, dict[str, Any]], None]] = {
    "held": _held,
    "concluded": _concluded,
    "rejected": _rejected,
    "refiled": _refiled,
    "released": _released,
    "cancelled": _cancelled,
    "returned_abroad": _rejected,
    "cancel_refused": _cancel_refused,
    "failed": _failed,
    "retaxed": _retaxed,
    "tax_settled": tax_settlement.settled,
    "tax_amended": tax_settlement.amended,
    "tax_void": tax_settlement.voided,
    "returned": returns.granted,
    "return_refused": returns.refused,
}

declarations.subscribe(on_declaration, gate=gate, states=_ACTS)
