"""What a batch leaves behind, written by one statement for each table."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from core import audit, clock
from core.jobs import defer
from customs.declarations import LIST
from customs.models import TaxBill
from customs.receipt_batches.cases import Case, Document, Settled
from customs.sending import wait_seconds

_DOCUMENTS = text("""
    UPDATE window_document AS d SET
        pre_no = n.pre_no, invt_no = n.invt_no,
        status = CASE WHEN n.moved THEN n.status ELSE d.status END,
        return_time = CASE WHEN n.moved THEN n.return_time ELSE d.return_time END,
        reached = CASE WHEN n.moved THEN n.reached ELSE d.reached END,
        return_status = CASE WHEN n.moved THEN n.return_status ELSE d.return_status END,
        return_info = CASE WHEN n.moved THEN n.return_info ELSE d.return_info END,
        attempts = CASE WHEN n.moved THEN 0 ELSE d.attempts END,
        dead_at = CASE WHEN n.moved THEN NULL ELSE d.dead_at END,
        dead_reason = CASE WHEN n.moved THEN NULL ELSE d.dead_reason END,
        next_send_at = CASE WHEN n.moved THEN n.next_send_at ELSE d.next_send_at END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(id uuid, status text, return_time text, reached text,
        pre_no text, invt_no text, return_status text, return_info text, moved boolean, next_send_at timestamptz)
    WHERE d.id = n.id
""")
_RECEIPTS = text("""
    UPDATE window_receipt AS r SET state = n.state, reason = n.reason, declaration_id = n.declaration_id,
        applied_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(id uuid, state text, reason text, declaration_id uuid)
    WHERE r.id = n.id
""")
_DECLARATIONS = text("""
    UPDATE declaration AS d SET status = n.status, status_info = n.status_info
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(id uuid, status text, status_info text)
    WHERE d.id = n.id
""")


def write(session: Session, cases: Sequence[Case], settled: Sequence[Settled]) -> None:
    now = clock.now()
    billed = _billed(session, [case.id for case in cases if case.closed])
    documents = [
        _document_row(each, now, ended=case.closed and case.id in billed and each.kind == LIST)
        for case in cases
        for each in case.documents.values()
        if each.touched
    ]
    told = [case for case in cases if case.told]
    heads = [{"id": str(case.id), "status": case.status, "status_info": case.told[-1][2][:1000]} for case in told]
    receipts = [{**each._asdict(), "id": each.receipt_id} for each in settled]
    for statement, rows, more in (
        (_DOCUMENTS, documents, {}),
        (_DECLARATIONS, heads, {}),
        (_RECEIPTS, receipts, {"now": now}),
    ):
        if rows:
            session.execute(statement, {"rows": json.dumps(rows, default=str), **more})
    entries = [
        audit.row_of("customs", f"declaration_{state}", "declaration", case.id, code=code, at=at)
        for case in told
        for (state, code, _), at in zip(case.told, case.at, strict=True)
    ]
    if entries:
        session.execute(insert(audit.ENTRIES), entries)
    for case in cases:
        if case.file:
            defer(session, "customs.file", declaration_id=str(case.id))


def _document_row(document: Document, now: datetime, ended: bool) -> dict[str, Any]:
    seconds = wait_seconds(document.kind, document.status, 1)
    due = None if seconds is None or ended else now + timedelta(seconds=seconds)
    names = ("id", "status", "return_time", "reached", "pre_no", "invt_no", "return_status", "return_info", "moved")
    return {**{name: getattr(document, name) for name in names}, "next_send_at": due}


def _billed(session: Session, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    if not ids:
        return set()
    return set(session.scalars(select(TaxBill.declaration_id).where(TaxBill.declaration_id.in_(ids))))
