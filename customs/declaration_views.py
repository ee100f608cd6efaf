"""What the desk sees of declarations: pages, and one with its documents, lines and taxes beside customs' bill."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, tuple_

from core import clock
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text, plain
from customs.correcting import views as correcting_views
from customs.models import Declaration, DeclarationLine, TaxBill, WindowDocument
from customs.window import statuses
from customs.window.tables import message_types

_TAXES = ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What to look for; days are those of opening, both included. `after` is instant and id of the last one seen."""

    status: str | None = None
    kind: str | None = None
    first: date | None = None
    last: date | None = None
    order: str | None = None
    merchant_id: uuid.UUID | None = None
    after: tuple[datetime, uuid.UUID] | None = None


def listing(wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """Declarations, newest first, each with its taxes."""
    head = Declaration
    query = select(head)
    if wanted.status is not None:
        query = query.where(head.status == wanted.status)
    if wanted.kind is not None:
        query = query.where(head.kind == wanted.kind)
    if wanted.order is not None:
        query = query.where(head.order_number == wanted.order)
    if wanted.merchant_id is not None:
        query = query.where(head.merchant_id == wanted.merchant_id)
    opened = func.date(func.timezone("Asia/Shanghai", head.created_at))
    if wanted.first is not None:
        query = query.where(opened >= wanted.first)
    if wanted.last is not None:
        query = query.where(opened <= wanted.last)
    if wanted.after is not None:
        query = query.where(tuple_(head.created_at, head.id) < wanted.after)
    rows = list(db.session.scalars(query.order_by(head.created_at.desc(), head.id.desc()).limit(limit)))
    sums = _sums([row.id for row in rows])
    return [_card(row) | {"taxes": sums.get(row.id, {})} for row in rows]


def _sums(ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, str]]:
    line = DeclarationLine
    columns = [func.sum(getattr(line, f"{name}_fen")) for name in _TAXES]
    query = select(line.declaration_id, *columns).where(line.declaration_id.in_(ids)).group_by(line.declaration_id)
    return {
        found[0]: {name: fen_text(int(value)) for name, value in zip(_TAXES, found[1:], strict=True)}
        for found in db.session.execute(query)
    }


def _card(row: Declaration) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "number": row.number,
        "kind": row.kind,
        "order": row.order_number,
        "status": row.status,
        "status_info": row.status_info,
        "merchant": {"id": None if row.merchant_id is None else str(row.merchant_id), "name": row.merchant_name},
        "warehouse": str(row.warehouse_id),
        "mode": row.mode,
        "office": row.office,
        "zone": row.zone,
        "edition": row.edition,
        "standing": row.standing,
        "assessed_on": row.assessed_on.isoformat(),
        "filed_on": row.filed_on.isoformat() if row.filed_on else None,
        "released_on": row.released_on.isoformat() if row.released_on else None,
        "released_at": clock.instant_text(row.released_at),
        "created_at": clock.instant_text(row.created_at),
    }


def detail(declaration_id: uuid.UUID, merchant_id: uuid.UUID | None = None) -> dict[str, Any]:
    """One declaration; of this merchant only, when one is given. Raises Problem `not_found`."""
    row = db.session.get(Declaration, declaration_id)
    if row is None or (merchant_id is not None and row.merchant_id != merchant_id):
        raise Problem(NOT_FOUND, "no such declaration")
    lines = list(
        db.session.scalars(
            select(DeclarationLine).where(DeclarationLine.declaration_id == row.id).order_by(DeclarationLine.position)
        )
    )
    query = select(WindowDocument).where(WindowDocument.declaration_id == row.id).order_by(WindowDocument.id)
    papers = list(db.session.scalars(query))
    bills = list(db.session.scalars(select(TaxBill).where(TaxBill.declaration_id == row.id).order_by(TaxBill.id)))
    charged = row.charged_tax_fen
    return _card(row) | {
        "documents": [_document(paper) for paper in papers],
        "faults": row.filing_faults or [],
        "lines": [_line(line) for line in lines],
        "taxes": _taxes(lines, bills),
        "charged_tax": None if charged is None else fen_text(charged),
        "bills": [_bill(bill) for bill in bills],
        "papers": row.snapshot.get("papers", {}),
        "correcting": correcting_views.of(row, papers),
    }


def _document(row: WindowDocument) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "guid": row.guid,
        "copNo": row.identifiers.get("copNo") or row.content.get("cop_no"),
        "reference": row.reference,
        "preNo": row.pre_no,
        "invtNo": row.invt_no,
        "status": row.status,
        "returnStatus": row.return_status,
        "returnTime": row.return_time,
        "returnInfo": row.return_info,
        **_in_words(row),
        "dead_letter": None if row.dead_at is None else {"id": str(row.id), "reason": row.dead_reason},
        "attempts": row.attempts,
        "sent_at": clock.instant_text(row.first_sent_at),
    }


def _in_words(row: WindowDocument) -> dict[str, Any]:
    """What customs' code means, and what a person should do about it, in both languages."""
    code = row.return_status
    if code is None:
        return {"meaning": None, "advice": None}
    family = message_types()[row.kind].family
    return {
        "meaning": {language: statuses.meaning(family, code, language) for language in statuses.LANGUAGES},
        "advice": statuses.both_of(row.kind, code),
    }


def _line(row: DeclarationLine) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "line": row.position,
        "hs": row.hs,
        "name": row.name,
        "origin": row.origin,
        "quantity": plain(row.quantity),
        "unit": row.unit,
        "goods": fen_text(row.value_fen),
        "freight": fen_text(row.freight_fen),
        "insurance": fen_text(row.insurance_fen),
        **{name: fen_text(getattr(row, f"{name}_fen")) for name in _TAXES},
        "charged_tax": fen_text(row.charged_tax_fen),
        "billed": _billed(row),
        "explanation": row.assessment.get("explanation", []),
        "applied": row.assessment.get("applied", []),
        "not_applied": row.assessment.get("not_applied", []),
    }


def _billed(row: DeclarationLine) -> dict[str, str] | None:
    """Customs' figures of the line and how far each is from ours; additional duties stand within customs' duty."""
    if row.billed_vat_fen is None:
        return None
    billed = {
        "dutiable_value": (row.billed_price_fen or 0, row.dutiable_value_fen),
        "duty": (row.billed_duty_fen or 0, row.duty_fen + row.additional_duty_fen),
        "consumption_tax": (row.billed_consumption_tax_fen or 0, row.consumption_tax_fen),
        "vat": (row.billed_vat_fen, row.vat_fen),
    }
    taxes = [billed[name] for name in ("duty", "consumption_tax", "vat")]
    found = {name: fen_text(theirs) for name, (theirs, _) in billed.items()}
    return found | {"difference": fen_text(sum(theirs - ours for theirs, ours in taxes))}


def _taxes(lines: list[DeclarationLine], bills: list[TaxBill]) -> dict[str, Any]:
    """Ours, the bills' that count, and the bills' minus ours; None while customs has not billed."""
    ours = {name: sum(getattr(line, f"{name}_fen") for line in lines) for name in _TAXES}
    standing = [bill for bill in bills if bill.status != "void"]
    if not standing:
        return {"ours": _texts(ours), "bill": None, "difference": None}
    theirs = {
        "duty": sum(bill.duty_fen for bill in standing),
        "consumption_tax": sum(bill.consumption_tax_fen for bill in standing),
        "vat": sum(bill.vat_fen for bill in standing),
    }
    theirs["tax"] = sum(theirs.values())
    compared = {**ours, "duty": ours["duty"] + ours["additional_duty"]}
    difference = {name: theirs[name] - compared[name] for name in theirs}
    return {"ours": _texts(ours), "bill": _texts(theirs), "difference": _texts(difference)}


def _texts(amounts: dict[str, int]) -> dict[str, str]:
    return {name: fen_text(value) for name, value in amounts.items()}


def _bill(row: TaxBill) -> dict[str, Any]:
    return {
        "taxNo": row.tax_no,
        "status": row.status,
        "returnTime": row.return_time,
        "duty": fen_text(row.duty_fen),
        "consumption_tax": fen_text(row.consumption_tax_fen),
        "vat": fen_text(row.vat_fen),
        "entDutyNo": row.ent_duty_no,
    }
