"""Receipts in quarantine, and those set aside, as the desk and operators see them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select

from core import clock
from core.database import db
from core.errors import NOT_FOUND, Problem
from customs.models import Declaration, WindowDocument, WindowReceipt
from customs.receipt_targets import BILLS, DOCUMENT_OF, NOT_SENT
from customs.window import statuses
from customs.window.tables import message_types

STATES = ("quarantined", "set_aside")
_LOOKED_FOR = ("orderNo", "copNo", "payTransactionId", "logisticsNo", "invtNo", "oriCopMsgId")
_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; `number` is any number a receipt names; `after` is the id of the last one seen."""

    state: str = "quarantined"
    kind: str | None = None
    number: str | None = None
    after: uuid.UUID | None = None


def fitting(wanted: Filter) -> Select[WindowReceipt]:
    row = WindowReceipt
    query = select(row).where(row.state == wanted.state)
    if wanted.kind is not None:
        query = query.where(row.kind == wanted.kind)
    if wanted.number is not None:
        query = query.where(or_(*(row.key[name].astext == wanted.number for name in _LOOKED_FOR)))
    if wanted.after is not None:
        query = query.where(row.id < wanted.after)
    return query


def listing(wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """Receipts of a state, newest first."""
    rows = db.session.scalars(fitting(wanted).order_by(WindowReceipt.id.desc()).limit(limit))
    return [dump(row) for row in rows]


def one(receipt_id: uuid.UUID, number: str | None = None) -> dict[str, Any]:
    """A receipt with the documents it could be bound to, those of `number` among them. Raises Problem `not_found`."""
    row = db.session.get(WindowReceipt, receipt_id)
    if row is None or row.state not in STATES:
        raise Problem(NOT_FOUND, "no such receipt in quarantine")
    return dump(row) | {"candidates": _candidates(row, number)}


def document_kind(receipt_kind: str) -> str | None:
    """The kind of document a receipt of a kind speaks of; None for a format check, which may be about any."""
    return "621" if receipt_kind in BILLS else DOCUMENT_OF.get(receipt_kind)


def _candidates(row: WindowReceipt, number: str | None) -> list[dict[str, Any]]:
    """Documents of that kind which share a number with the receipt: its own, its order's or its list's."""
    numbers = [row.key[name] for name in _LOOKED_FOR if row.key.get(name)] + ([number] if number else [])
    document = WindowDocument
    query = select(document, Declaration.order_number).join(Declaration, Declaration.id == document.declaration_id)
    query = query.where(document.status.not_in(NOT_SENT)).where(
        or_(document.reference.in_(numbers), document.invt_no.in_(numbers), Declaration.order_number.in_(numbers))
    )
    kind = document_kind(row.kind)
    if kind is not None:
        query = query.where(document.kind == kind)
    return [
        {
            "document": str(each.id),
            "declaration": str(each.declaration_id),
            "order": order,
            "kind": each.kind,
            "reference": each.reference,
            "status": each.status,
        }
        for each, order in db.session.execute(query.order_by(document.id.desc()).limit(_CANDIDATES))
    ]


def dump(row: WindowReceipt) -> dict[str, Any]:
    family = "list" if row.kind == "900" else message_types()[row.kind].family
    return {
        "id": str(row.id),
        "kind": row.kind,
        "key": row.key,
        "status": row.status,
        "meaning": {each: statuses.meaning(family, row.status, each) for each in statuses.LANGUAGES},
        "info": row.info,
        "return_time": row.return_time,
        "state": row.state,
        "reason": row.reason,
        "declaration": None if row.declaration_id is None else str(row.declaration_id),
        "received_at": clock.instant_text(row.received_at),
    }
