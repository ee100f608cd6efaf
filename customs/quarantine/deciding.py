"""What a person does with a receipt in quarantine: try it again, say which document it speaks of, or set it aside."""

from __future__ import annotations

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from core import audit
from core.database import transaction
from core.errors import NOT_FOUND, Problem, declare
from customs.models import WindowDocument, WindowReceipt
from customs.persons import veiled
from customs.quarantine.views import STATES, document_kind
from customs.receipt_targets import NOT_SENT
from customs.receipts import first_state, latest_time, wake

OF_ANOTHER_KIND = declare("receipt_kind", 409, "The receipt does not speak of such a document")


def try_again(receipt_id: uuid.UUID, actor: str) -> None:
    """Apply it again, now that its document may be known. Raises Problem `not_found`."""
    with transaction() as session:
        _stored(session, _locked(session, receipt_id), actor, "receipt_tried_again")


def try_all_again(actor: str) -> int:
    """Apply all that are in quarantine again; returns how many. What finds nothing, or lies ahead, stays there."""
    with transaction() as session:
        row = WindowReceipt
        waiting = update(row).where(row.state == "quarantined", row.return_time <= latest_time())
        fresh = waiting.values(state="stored", reason=None).returning(row.id)
        moved = len(session.execute(fresh.execution_options(synchronize_session=False)).all())
        if moved:
            audit.record(session, actor, "receipts_tried_again", "receipt", "all", receipts=moved)
            wake(session)
        return moved


def bind(receipt_id: uuid.UUID, document_id: uuid.UUID, actor: str, reason: str) -> None:
    """Say which of our documents it speaks of, and apply it to that one.

    Raises Problem `not_found`, or `receipt_kind` for a document of another kind or one that was never sent.
    """
    with transaction() as session:
        row = _locked(session, receipt_id)
        document = session.get(WindowDocument, document_id)
        if document is None:
            raise Problem(NOT_FOUND, "no such document")
        if document_kind(row.kind) not in (None, document.kind) or document.status in NOT_SENT:
            raise Problem(OF_ANOTHER_KIND, f"a receipt {row.kind} does not speak of this {document.kind}")
        row.document_id = document_id
        _stored(session, row, actor, "receipt_bound", document=str(document_id), reason=veiled(reason))


def set_aside(receipt_id: uuid.UUID, actor: str, reason: str) -> None:
    """It is nobody's concern here; kept, with the reason. Raises Problem `not_found`."""
    reason = veiled(reason)
    with transaction() as session:
        row = _locked(session, receipt_id)
        row.state, row.reason = "set_aside", reason[:300]
        audit.record(session, actor, "receipt_set_aside", "receipt", receipt_id, reason=reason[:300])


def _locked(session: Session, receipt_id: uuid.UUID) -> WindowReceipt:
    row = session.get(WindowReceipt, receipt_id, with_for_update=True, populate_existing=True)
    if row is None or row.state not in STATES:
        raise Problem(NOT_FOUND, "no such receipt in quarantine")
    return row


def _stored(session: Session, row: WindowReceipt, actor: str, action: str, **about: str) -> None:
    for name, value in first_state(row.return_time, latest_time()).items():  # what lies ahead stays, whoever asks
        setattr(row, name, value)
    audit.record(session, actor, action, "receipt", row.id, kind=row.kind, **about)
    wake(session)
