"""Dead letters sent again by a person: the same guid, the same bytes, tried as if for the first time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import db, end_read, transaction
from core.errors import NOT_FOUND, Problem
from core.jobs import defer, task
from customs.dead_letters.views import Filter, fitting, fitting_tallies, number
from customs.declarations import LIST, OVER, PAPERS, documents_of
from customs.models import Declaration, WindowDocument
from customs.sending import Rows, gated, lift
from customs.shipments import tallies
from customs.zone_stock import lists
from customs.zone_stock_models import ArrivalTally

_BATCH = 100


def resend(document_id: uuid.UUID, actor: str) -> None:
    """Send one again. Raises Problem `not_found` when it is no dead letter, or one of a declaration that is over."""
    declaration_id = db.session.scalar(select(WindowDocument.declaration_id).where(WindowDocument.id == document_id))
    end_read()
    if declaration_id is None:
        tallies.resend(document_id, actor)
        return
    with transaction() as session:
        declaration = gated(session, declaration_id)
        document = session.get_one(WindowDocument, document_id, with_for_update=True, populate_existing=True)
        if document.dead_at is None or declaration.status in OVER:
            raise Problem(NOT_FOUND, "no such dead letter")
        now = clock.now()
        reason = document.dead_reason
        lift(document)
        document.attempts, document.trying_since, document.next_send_at = 0, now, now
        if document.status == "refused":
            document.status, document.return_info = "ready", None
            _take_up(session, declaration, document)
        about = {"document": str(document_id), "kind": document.kind, "reason": reason}
        audit.record(session, actor, "dead_letter_resent", "declaration", declaration_id, **about)
        defer(session, "customs.send_documents", declaration_id=str(declaration_id))


def _take_up(session: Session, declaration: Declaration, document: WindowDocument) -> None:
    """A filing that failed over this document goes on where it stood, unless another is refused still."""
    if declaration.status != "failed" or document.kind not in (*PAPERS, LIST):
        return
    session.flush()
    filed = [each for each in documents_of(session, declaration.id) if each.kind in (*PAPERS, LIST)]
    if any(each.status == "refused" for each in filed):
        return
    listed = any(each.kind == LIST and each.xml is not None for each in filed)
    declaration.status, declaration.status_info = "filed" if listed else "pending", None
    if listed:
        lists.claim_again(session, declaration)


def resend_many(document_ids: Sequence[uuid.UUID], actor: str) -> int:
    """Send these again, each by itself; one that is no dead letter any more is passed over. Returns how many."""
    resent = 0
    for document_id in sorted(set(document_ids)):
        try:
            resend(document_id, actor)
            resent += 1
        except Problem as problem:
            if problem.code != NOT_FOUND:
                raise
    return resent


def ask_for_all(wanted: Filter, actor: str) -> int:
    """Have all that fit the filter now sent again by a job, since they can be many. Returns how many there are."""
    with transaction() as session:
        until = clock.instant_text(clock.now())
        chosen: dict[str, Any] = {"reason": wanted.reason, "kind": wanted.kind, "order": wanted.order}
        defer(session, "customs.resend_dead", actor=actor, until=until, **chosen)
        return number(wanted)


@task("customs.resend_dead")
def resend_dead(actor: str, until: str, reason: str | None, kind: str | None, order: str | None) -> None:
    """Send again what was dead at `until`; what has died since waits for the next time."""
    resend_all(Filter(reason, kind, order), actor, datetime.fromisoformat(until))


def resend_all(wanted: Filter, actor: str, until: datetime) -> int:
    """Send again all that fit the filter and were dead at `until`. Returns how many."""
    documents = _resend_rows(WindowDocument, fitting(wanted), actor, until)
    return documents + _resend_rows(ArrivalTally, fitting_tallies(wanted), actor, until)


def _resend_rows(row: Rows, query: Select[Any, Any] | Select[Any], actor: str, until: datetime) -> int:
    batch = query.with_only_columns(row.id).where(row.dead_at <= until).order_by(row.id).limit(_BATCH)
    resent, ids = 0, db.session.scalars(batch).all()
    end_read()
    while ids:
        resent += resend_many(ids, actor)
        ids = db.session.scalars(batch.where(row.id > ids[-1])).all()
        end_read()
    return resent
