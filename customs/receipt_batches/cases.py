"""One declaration of a batch with its documents, and what its receipts do to them, as plain values."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row

from core import clock
from customs import notices
from customs import receipt_targets as targets
from customs.declarations import LIST, PAPERS, RETURN, WITHDRAWAL
from customs.window import statuses
from customs.window.receipts import Receipt, plain_receipt, return_instant

_ENDS = ("accepted", "rejected", "error")
_QUIET = ("declared", "closed")  # states of a declaration in which nothing of ours is done but writing them down


class Settled(NamedTuple):
    """What became of one receipt."""

    receipt_id: uuid.UUID
    state: str
    reason: str | None
    declaration_id: uuid.UUID | None


@dataclass(slots=True)
class Document:
    id: uuid.UUID
    kind: str
    status: str
    return_time: str | None
    reached: str | None
    pre_no: str | None
    invt_no: str | None
    identifiers: dict[str, Any]
    content: dict[str, Any]
    return_status: str | None = None
    return_info: str | None = None
    touched: bool = False
    moved: bool = False


@dataclass(slots=True)
class Case:
    """One declaration with its documents, and what its receipts have done so far."""

    id: uuid.UUID
    order_number: str | None
    status: str
    released: bool
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    told: list[tuple[str, str, str]] = field(default_factory=list)  # state, code, words
    at: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    file: bool = False
    closed: bool = False


def target(row: Row[Any]) -> tuple[str, str]:
    return targets.DOCUMENT_OF[row.kind], row.key.get(targets.REFERENCE[row.kind]) or ""


def run(case: Case, rows: Iterable[Row[Any]]) -> list[Settled]:
    """The receipts of one declaration in their order, up to the first that is for the other way."""
    settled: list[Settled] = []
    for row in rows:
        document = case.documents.get(target(row))
        if document is None or document.status in targets.NOT_SENT:
            return settled
        receipt = plain_receipt(row.kind, row.key, row.status, row.return_time, row.info)
        known = (document.kind, document.identifiers, document.invt_no)
        conflict = targets.conflict(*known, row.key, receipt.invt_no)
        if conflict is not None:
            settled.append(Settled(row.id, "quarantined", conflict, case.id))
            continue
        moved = _move(case, document, receipt)
        if moved is None:
            return settled
        state, reason = ("applied", None) if moved else ("ignored", targets.UNMOVED)
        settled.append(Settled(row.id, state, reason, case.id))
    return settled


def _move(case: Case, document: Document, receipt: Receipt) -> bool | None:
    """Move one document; whether it moved, or None when more than the document is concerned."""
    stands = (document.kind, document.status, document.return_time, document.reached, document.content)
    state = targets.moved(*stands, receipt)
    if state is None:
        if document.kind == LIST and document.status == "closed" and receipt.status == "800":
            return None  # the day of release may have to be amended
        if targets.after_all(document.kind, document.status, document.return_time, receipt):
            return None  # a person must hear of it
        _learn(case, document, receipt)
        return False
    if not _quiet(case, document, state.status, receipt):
        return None
    _learn(case, document, receipt)
    document.reached = targets.reached_after(document.status, document.reached, state.status)
    document.status, document.return_time = state.status, state.return_time
    document.return_status, document.return_info = receipt.status, receipt.return_info
    document.moved = document.touched = True
    if document.kind in PAPERS and case.status == "pending":
        papers = [each for (kind, _), each in case.documents.items() if kind in PAPERS]
        case.file |= all(each.status == "received" for each in papers)
    return True


def _quiet(case: Case, document: Document, state: str, receipt: Receipt) -> bool:
    """Whether the move is nobody's concern but the document's, or only written down; then it is noted."""
    if document.kind in PAPERS:
        return state not in _ENDS
    if document.kind in (WITHDRAWAL, RETURN):
        return state not in _ENDS
    if document.kind != LIST:
        return True
    above = targets.MEANING.get(state)
    if state == "concluded" and case.status == "held":
        return False
    if above is None or above not in targets.MOVES.get(case.status, ()):
        return True
    if above not in _QUIET or notices.acted_on(above) or (above == "closed" and not case.released):
        return False
    case.closed |= above == "closed"
    words = f"{receipt.status} {statuses.meaning(receipt.family, receipt.status)}. {receipt.return_info}"
    case.status = above
    case.told.append((above, receipt.status, words))
    case.at.append(str(clock.instant_text(return_instant(receipt.return_time))))
    return True


def _learn(case: Case, document: Document, receipt: Receipt) -> None:
    """Numbers customs gave never change, so even an older receipt may bring one."""
    if document.pre_no is None and receipt.pre_no:
        document.pre_no, document.touched = receipt.pre_no[:18], True
    if document.invt_no is None and receipt.invt_no:
        number = receipt.invt_no[:20]
        document.invt_no, document.touched = number, True
        if document.kind == LIST:
            case.numbers.append(number)
