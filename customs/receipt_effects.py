"""What a receipt does: to its document, to the declaration, to the allowance and to the order above.

Customs' status list decides (message specification 202205; `window.receipts.apply`): by time, forward only, once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit, clock, config
from core.errors import NOT_FOUND, Problem
from core.jobs import defer
from customs import allowance, tax_bills
from customs import receipt_targets as targets
from customs.dead_letters.rules import AT_CUSTOMS
from customs.declarations import (
    DELIVERY,
    LIST,
    PAPERS,
    RETURN,
    WITHDRAWAL,
    documents_of,
    locked,
)
from customs.models import Declaration, DeclarationLine, WindowDocument
from customs.notices import announce, pass_gates
from customs.persons import veiled
from customs.returned_goods import open_return
from customs.sending import lift, wait_seconds
from customs.shipments import tallies
from customs.window import receipts as window
from customs.window import statuses
from customs.window.receipts import Receipt
from customs.window.refilings import refiling_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a receipt; `numbered` is a list number that earlier receipts may have been waiting for."""

    state: str
    reason: str | None = None
    declaration_id: uuid.UUID | None = None
    numbered: str | None = None


def apply_receipt(
    session: Session, receipt: Receipt, key: Mapping[str, Any], bound: uuid.UUID | None = None
) -> Outcome:
    """Apply one receipt; `key` is everything it says about whom and what it speaks of.

    `bound` is the document a person says it speaks of; then nothing it says of whose it is counts.
    """
    if receipt.kind == "712":
        return Outcome(*tallies.apply(session, receipt, key))
    found = _bound(session, bound) if bound is not None else targets.find(session, receipt, key)
    if found is None:
        if targets.replaced(session, receipt, key):
            return Outcome("ignored", targets.REPLACED)
        return Outcome("quarantined", targets.UNKNOWN)
    document_id, declaration_id = found
    order_number = session.scalar(select(Declaration.order_number).where(Declaration.id == declaration_id))
    pass_gates(session, order_number)
    declaration = locked(session, declaration_id)
    document = session.get_one(WindowDocument, document_id, populate_existing=True)
    known = (document.kind, document.identifiers, document.invt_no)
    conflict = None if bound is not None else targets.conflict(*known, key, receipt.invt_no)
    if conflict is not None:
        return Outcome("quarantined", conflict, declaration_id)
    if receipt.kind in targets.BILLS:
        return _bill(session, declaration, document, receipt)
    numbered = _learn_numbers(document, receipt)
    if not _advance(session, declaration, document, receipt):
        _amend_release(session, declaration, document, receipt)
        if targets.after_all(document.kind, document.status, document.return_time, receipt):
            return Outcome("quarantined", targets.AFTER_ALL, declaration_id, numbered)
        return Outcome("ignored", targets.UNMOVED, declaration_id, numbered)
    return Outcome("applied", None, declaration_id, numbered)


def _bound(session: Session, document_id: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    return document_id, session.scalars(
        select(WindowDocument.declaration_id).where(WindowDocument.id == document_id)
    ).one()


def _learn_numbers(document: WindowDocument, receipt: Receipt) -> str | None:
    """Numbers customs gave never change, so even an older receipt may bring one."""
    document.pre_no = document.pre_no or receipt.pre_no[:18] or None
    if document.invt_no is None and receipt.invt_no:
        document.invt_no = receipt.invt_no[:20]
        return document.invt_no if document.kind == LIST else None
    return None


def _advance(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> bool:
    """Move the document and whatever hangs on it; False when the receipt moves nothing."""
    stands = (document.kind, document.status, document.return_time, document.reached, document.content)
    state = targets.moved(*stands, receipt)
    if state is None:
        return False
    document.reached = targets.reached_after(document.status, document.reached, state.status)
    document.status, document.return_time = state.status, state.return_time
    document.return_status, document.return_info = receipt.status, veiled(receipt.return_info)[:1000]
    document.attempts = 0
    lift(document)
    seconds = wait_seconds(document.kind, state.status, 1)
    document.next_send_at = None if seconds is None else clock.now() + timedelta(seconds=seconds)
    session.flush()
    if document.kind in PAPERS:
        _paper_moved(session, declaration, document, receipt)
    elif document.kind == LIST:
        _list_moved(session, declaration, document, receipt)
    elif document.kind != DELIVERY:
        _request_moved(session, declaration, document, receipt)
    return True


def _paper_moved(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> None:
    if declaration.status != "pending":
        return
    if document.status in ("rejected", "error"):
        _reject(session, declaration, document, receipt)
        return
    papers = [paper for paper in documents_of(session, declaration.id) if paper.kind in PAPERS]
    if all(paper.status == "received" for paper in papers):
        defer(session, "customs.file", declaration_id=str(declaration.id))


def _reject(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> None:
    """Sent back: corrected and filed again within a time where that is allowed, over where it is not."""
    declaration.status = "rejected"
    declaration.status_info = f"{document.kind}: {_words(receipt)}"[:1000]
    for each in documents_of(session, declaration.id):
        each.next_send_at = None
    more = {}
    if _waits(document, receipt):
        declaration.mend_until = clock.now() + timedelta(hours=config.current().mend_hours)
        more["mend_until"] = clock.instant_text(declaration.mend_until)
    _announce(session, declaration, "rejected", receipt, **more)


def _waits(document: WindowDocument, receipt: Receipt) -> bool:
    """Whether a person may still correct it. A list that customs itself refuses (100) is decided, unless the settings
    say otherwise; a fault that the port has found is not."""
    settings = config.current()
    decided = document.kind == LIST and receipt.status == "100" and not settings.mend_rejected
    mendable = refiling_of(receipt.status, document.reached in AT_CUSTOMS).allowed
    return bool(settings.mend_hours) and mendable and not decided


def _words(receipt: Receipt) -> str:
    return f"{receipt.status} {statuses.meaning(receipt.family, receipt.status)}. {veiled(receipt.return_info)}"


def _announce(session: Session, declaration: Declaration, state: str, receipt: Receipt, **more: Any) -> None:
    at = clock.instant_text(window.return_instant(receipt.return_time))
    announce(session, declaration, state, at=at, code=receipt.status, detail=_words(receipt)[:500], **more)
    audit.record(session, "customs", f"declaration_{state}", "declaration", declaration.id, code=receipt.status, at=at)


def _list_moved(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> None:
    target = targets.MEANING.get(document.status)
    if document.status == "concluded" and declaration.status == "held":
        _announce(session, declaration, "concluded", receipt)
    if target is None or target not in targets.MOVES.get(declaration.status, ()):
        return
    if target == "rejected":
        _reject(session, declaration, document, receipt)
        return
    if target in ("released", "closed") and declaration.released_on is None:
        _release(session, declaration, receipt)
    if target == "closed" and tax_bills.exists(session, declaration.id):
        document.next_send_at = None
    if target != declaration.status or target == "held":
        declaration.status, declaration.status_info = target, _words(receipt)[:1000]
        _announce(session, declaration, target, receipt)


def _release(session: Session, declaration: Declaration, receipt: Receipt) -> None:
    """The goods are free: the day that counts for reports and returns. A list can be closed before we hear of 800."""
    set_release(session, declaration, window.return_instant(receipt.return_time))
    declaration.status, declaration.status_info = "released", _words(receipt)[:1000]
    if declaration.order_number is not None:
        _confirm_allowance(session, declaration.order_number)
    _announce(session, declaration, "released", receipt, day=f"{declaration.released_on}")


def set_release(session: Session, declaration: Declaration, at: datetime) -> None:
    """Release day of the declaration and of its lines, which reports sum by."""
    declaration.released_at, declaration.released_on = at, clock.beijing_day(at)
    session.flush()
    session.execute(
        update(DeclarationLine)
        .where(DeclarationLine.declaration_id == declaration.id)
        .values(released_on=declaration.released_on)
        .execution_options(synchronize_session=False)
    )


def _confirm_allowance(session: Session, order_number: str) -> None:
    try:
        allowance.confirm(session, order_number)
    except Problem as problem:
        if problem.code != NOT_FOUND:
            raise


def _amend_release(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> None:
    """The release (800) overtaken by the closing (899): it moves nothing, but its day is the day of release."""
    if document.kind != LIST or receipt.status != "800" or document.status != "closed":
        return
    at = window.return_instant(receipt.return_time)
    if declaration.released_at is not None and at < declaration.released_at:
        set_release(session, declaration, at)
        audit.record(
            session, "customs", "release_day_amended", "declaration", declaration.id, day=f"{declaration.released_on}"
        )


def _request_moved(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> None:
    granted, refused = document.status == "accepted", document.status in ("rejected", "error")
    if document.kind == WITHDRAWAL and granted:
        _withdrawn(session, declaration, receipt)
    elif document.kind == WITHDRAWAL and refused:
        _announce(session, declaration, "cancel_refused", receipt)
    elif document.kind == RETURN and (granted or refused):
        number, lines = document.content["cop_no"], document.content["lines"]
        if granted:
            open_return(session, declaration, number, lines, window.return_instant(receipt.return_time))
        state = "returned" if granted else "return_refused"
        _announce(session, declaration, state, receipt, number=number, lines=lines)


def _withdrawn(session: Session, declaration: Declaration, receipt: Receipt) -> None:
    """Customs granted the withdrawal: the list is void and nothing more happens to it."""
    if declaration.released_on is not None or declaration.status in ("cancelled", "rejected"):
        return
    for document in documents_of(session, declaration.id):
        document.next_send_at = None
        if document.kind == LIST and statuses.may_move("list", document.status, "cancelled", document.reached):
            document.status = "cancelled"
    declaration.status, declaration.status_info = "cancelled", _words(receipt)[:1000]
    _announce(session, declaration, "cancelled", receipt)


def _bill(session: Session, declaration: Declaration, document: WindowDocument, receipt: Receipt) -> Outcome:
    told = tax_bills.apply_bill(session, declaration.id, receipt)
    if told.outcome == "early":
        return Outcome("quarantined", "a change of a bill we have not got", declaration.id)
    if told.outcome == "ignored":
        return Outcome("ignored", "repeated, older, or no way from here", declaration.id)
    if document.status == "closed":
        document.next_send_at = None
    if told.state:
        announce(session, declaration, told.state, **told.facts)
    return Outcome("applied", None, declaration.id, document.invt_no if receipt.kind == "816" else None)
