"""Declarations: opened after payment, withdrawn before release, goods sent back after it.

Whoever changes a declaration locks it first, and before it whatever a floor above locks for the order
(`notices.pass_gates`), so receipts, cancellations and payments of one order follow each other.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import new_id
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import plain
from customs import edition, persons, sealing
from customs.filing_facts import FilingLine, FilingRequest, split
from customs.guarantee import reserve
from customs.models import Declaration, DeclarationLine, Warehouse, WindowDocument
from customs.notices import subscribe
from customs.shipments import crossings
from customs.window.values import new_guid
from customs.zone_stock import lists

__all__ = ["FilingLine", "FilingRequest", "cancel", "file_delivery", "file_return", "open_retail", "subscribe"]

TOO_LATE = declare("declaration_state", 409, "The declaration is in a state that does not allow this")

PAPERS = ("311", "411", "511")
PAYMENT = "411"
LIST, WITHDRAWAL, RETURN, DELIVERY = "621", "623", "625", "513"
OVER = ("cancelled", "rejected", "returned_abroad")
UNSENT = ("pending", "failed")


def locked(session: Session, declaration_id: uuid.UUID) -> Declaration:
    """The declaration behind its lock. Raises Problem `not_found`."""
    query = select(Declaration).where(Declaration.id == declaration_id)
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such declaration")
    return row


def documents_of(session: Session, declaration_id: uuid.UUID) -> list[WindowDocument]:
    """Its documents, oldest first, as they are now."""
    query = select(WindowDocument).where(WindowDocument.declaration_id == declaration_id)
    return list(session.scalars(query.order_by(WindowDocument.id).execution_options(populate_existing=True)))


def of_order(session: Session, order_number: str) -> uuid.UUID | None:
    """The retail declaration of an order, if there is one."""
    query = select(Declaration.id).where(Declaration.order_number == order_number, Declaration.kind == "retail")
    return session.scalars(query).first()


def open_retail(session: Session, request: FilingRequest) -> uuid.UUID:
    """Open the one declaration of a paid order, with its lines and four documents, and enqueue its filing.

    Called in the caller's transaction; called again for the same order it returns the same declaration. Raises Problem
    `invalid_input` for an unknown warehouse or buyer, before anything is written.
    """
    known = of_order(session, request.order_number)
    if known is not None:
        return known
    place = session.get(Warehouse, request.warehouse_id)
    if place is None:
        raise invalid("warehouse_id", "no such warehouse")
    declaration_id = new_id()
    session.execute(insert(Declaration).values(_head(session, declaration_id, request, place)))
    session.execute(insert(DeclarationLine), _lines(declaration_id, request, place))
    crossings.board(session, declaration_id, place)
    for kind in (*PAPERS, LIST):
        add_document(session, declaration_id, kind)
    audit.record(session, "shop", "declaration_opened", "declaration", declaration_id, order=request.order_number)
    jobs.defer(session, "customs.file", declaration_id=str(declaration_id))
    return declaration_id


def _head(session: Session, declaration_id: uuid.UUID, request: FilingRequest, place: Warehouse) -> dict[str, Any]:
    try:
        name, number, phone = persons.filing_person(session, request.person_id, request.account_id)
    except LookupError as fault:
        raise invalid("person_id", str(fault)) from None
    snapshot, private = split(request)
    private |= {"buyer_name": name, "buyer_number": number, "buyer_phone": phone}
    return {
        "id": declaration_id,
        "number": request.order_number,
        "kind": "retail",
        "order_number": request.order_number,
        "person_id": request.person_id,
        "merchant_id": request.merchant_id,
        "merchant_name": request.merchant_name,
        "warehouse_id": place.id,
        "mode": place.mode,
        "office": place.customs_code,
        "zone": place.zone,
        "status": "pending",
        "edition": request.edition,
        "standing": request.standing,
        "assessed_on": request.assessed_on,
        "charged_tax_fen": request.tax_fen,
        "snapshot": snapshot,
        "private": sealing.seal(json.dumps(private, ensure_ascii=False)),
    }


def _lines(declaration_id: uuid.UUID, request: FilingRequest, place: Warehouse) -> list[dict[str, Any]]:
    shared = {
        "declaration_id": declaration_id,
        "route": "cross_border_retail",
        "mode": place.mode,
        "merchant_id": request.merchant_id,
        "merchant_name": request.merchant_name,
        "zone": place.zone,
        "office": place.customs_code,
    }
    return [
        {
            **shared,
            "id": new_id(),
            "position": position,
            "hs": line.hs,
            "name": line.title_zh[:250],
            "origin": line.origin,
            "quantity": line.quantity,
            "unit": line.unit,
            "value_fen": line.goods_fen,
            "freight_fen": line.freight_fen,
            "insurance_fen": line.insurance_fen,
            "dutiable_value_fen": line.dutiable_value_fen,
            "duty_fen": line.duty_fen,
            "additional_duty_fen": line.additional_duty_fen,
            "consumption_tax_fen": line.consumption_tax_fen,
            "vat_fen": line.vat_fen,
            "tax_fen": line.tax_fen,
            "charged_tax_fen": line.tax_fen,
            "assessment": dict(line.assessment),
        }
        for position, line in enumerate(request.lines, 1)
    ]


def add_document(
    session: Session, declaration_id: uuid.UUID, kind: str, content: Mapping[str, Any] | None = None
) -> WindowDocument:
    """A document not yet built; its guid is fixed now, before anything is sent."""
    guid = new_guid()
    row = WindowDocument(
        declaration_id=declaration_id,
        kind=kind,
        guid=guid,
        reference=(content or {}).get("cop_no") or guid,  # receipts need the real one, which the built document says
        identifiers={},
        content=dict(content or {}),
        status="draft",
    )
    session.add(row)
    session.flush()
    return row


def request_number(kind: str) -> str:
    """The own number (copNo) of a request: 20 characters at most, never given twice."""
    return f"{'C' if kind == WITHDRAWAL else 'T'}{new_id().hex[:11].upper()}{uuid.uuid4().hex[:8].upper()}"


def cancel(session: Session, order_number: str, reason: str) -> str:
    """Withdraw the declaration of an order; the caller's transaction and, by its own gate, the order's lock.

    Returns `cancelled` when customs knows nothing of a list (no declaration, not filed, refused): it is void at once.
    Returns `requested` when a withdrawal (623) is on its way: `cancelled` or `cancel_refused` follows by notice.
    Raises Problem `declaration_state` when the goods are released. Asking twice sends one request.
    """
    declaration_id = of_order(session, order_number)
    if declaration_id is None:
        return "cancelled"
    declaration = locked(session, declaration_id)
    if declaration.status in OVER:
        declaration.mend_until = None  # what customs sent back is not corrected any more
        reserve.release(session, declaration_id)
        return "cancelled"
    if declaration.released_on is not None:
        days = return_days(declaration.released_on)
        raise Problem(TOO_LATE, f"the goods are released; they can be returned within {days} days")
    documents = documents_of(session, declaration_id)
    inventory = next(document for document in documents if document.kind == LIST)
    if inventory.xml is None or inventory.status == "refused":
        declaration.status, declaration.status_info = "cancelled", reason[:1000]
        for document in documents:
            document.next_send_at = None
        lists.free(session, declaration_id)  # the account book before the guarantee, as in filing
        reserve.release(session, declaration_id)
        audit.record(session, "shop", "declaration_void", "declaration", declaration_id, reason=reason)
        return "cancelled"
    if any(document.kind == WITHDRAWAL and not is_refused(document) for document in documents):
        return "requested"
    add_document(session, declaration_id, WITHDRAWAL, {"cop_no": request_number(WITHDRAWAL), "reason": reason[:1000]})
    audit.record(session, "shop", "withdrawal_requested", "declaration", declaration_id, reason=reason)
    jobs.defer(session, "customs.file_requests", declaration_id=str(declaration_id))
    return "requested"


def is_refused(document: WindowDocument) -> bool:
    """Whether customs said no to it, so that another may be filed."""
    return document.status in ("rejected", "error", "refused")


def file_return(session: Session, order_number: str, quantities: Sequence[tuple[int, Decimal]], reason: str) -> str:
    """Ask customs to take goods of a released list back (625): pairs of line number (from 1) and quantity.

    Returns the request's number; `returned` or `return_refused` with that number follows by notice. Raises Problem
    `not_found`, `declaration_state` before release or too late, `invalid_input` for lines or quantities not there.
    """
    declaration_id = of_order(session, order_number)
    if declaration_id is None:
        raise Problem(NOT_FOUND, "no declaration of this order")
    declaration = locked(session, declaration_id)
    if declaration.status not in ("released", "closed") or declaration.released_on is None:
        raise Problem(TOO_LATE, "only released goods can be returned")
    if not within_return_days(declaration.released_on, clock.today()):
        days = return_days(declaration.released_on)
        raise Problem(TOO_LATE, f"goods can be returned within {days} days of release")
    _check_quantities(session, declaration_id, quantities)
    number = request_number(RETURN)
    lines = [[line, plain(quantity)] for line, quantity in quantities]
    add_document(session, declaration_id, RETURN, {"cop_no": number, "reason": reason[:1000], "lines": lines})
    audit.record(session, "shop", "return_requested", "declaration", declaration_id, number=number, lines=lines)
    jobs.defer(session, "customs.file_requests", declaration_id=str(declaration_id))
    return number


def return_days(released_on: date) -> int:
    """The days after release on which goods can still be declared for return, the last one included (rule A18)."""
    return int(edition.tariff().parameter("return_apply_days", released_on)["value"])


def within_return_days(released_on: date, day: date) -> bool:
    return 0 <= (day - released_on).days <= return_days(released_on)


def _check_quantities(session: Session, declaration_id: uuid.UUID, quantities: Sequence[tuple[int, Decimal]]) -> None:
    """A line once in a request, and never more back than was imported, earlier requests included."""
    query = select(DeclarationLine.position, DeclarationLine.quantity)
    rows = session.execute(query.where(DeclarationLine.declaration_id == declaration_id))
    rest: dict[int, Decimal] = {row.position: row.quantity for row in rows}
    for document in documents_of(session, declaration_id):
        if document.kind == RETURN and not is_refused(document):
            for line, quantity in document.content["lines"]:
                rest[line] -= Decimal(quantity)
    if not quantities or len({line for line, _ in quantities}) != len(quantities):
        raise invalid("lines", "each line at most once, and at least one")
    for line, quantity in quantities:
        if line not in rest:
            raise invalid("lines", f"the declaration has no line {line}")
        if not 0 < quantity <= rest[line]:
            raise invalid("lines", f"line {line}: at most {plain(rest[line])} can go back")


def file_delivery(session: Session, order_number: str, at: datetime) -> None:
    """Tell customs that the parcel was signed for (513); once, and nothing for an order without a declaration."""
    declaration_id = of_order(session, order_number)
    if declaration_id is None:
        return
    declaration = locked(session, declaration_id)
    documents = documents_of(session, declaration_id)
    if declaration.released_on is None or any(document.kind == DELIVERY for document in documents):
        return
    add_document(session, declaration_id, DELIVERY, {"at": clock.instant_text(at)})
    jobs.defer(session, "customs.file_requests", declaration_id=str(declaration_id))
