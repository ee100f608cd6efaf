"""Sending what is stored: claimed, sent outside any transaction, and due again until customs answers.

The next sending is set before this one, so a process that dies is followed by another with the same bytes.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit, clock, config
from core.database import db, end_read, transaction
from customs import filing_documents, sealing
from customs.declarations import LIST, PAPERS, locked
from customs.models import Declaration, WindowDocument
from customs.notices import announce, pass_gates
from customs.window.transport import HttpTransport, Transport, TransportRefused, TransportUnavailable

log = structlog.get_logger()

UNANSWERED = ("filed", "stored", "declaring", "sent", "send_failed", "pending")
AT_CUSTOMS = ("received", "manual_check", "inspection", "detained", "concluded", "released", "closed")


def transport() -> Transport:
    """The way to the window of the settings."""
    own = filing_documents.parties()
    return HttpTransport(config.current().single_window_url, own.dxp_id, own.receiver_id)


def wait_seconds(kind: str, status: str, attempts: int) -> int | None:
    """How long until a document is sent again, or None when nothing more is expected.

    Unsent ones soon; unanswered ones from 10 seconds doubling to 10 minutes; a list that customs holds from a minute
    doubling to a day, since any of its receipts can be lost and repeating the list is how one asks for them.
    """
    if status == "ready":
        return min(2**attempts, 30)
    if status in UNANSWERED:
        return min(10 * 2 ** max(attempts - 1, 0), 600) if attempts < 20 else 600
    if kind == LIST and status in AT_CUSTOMS:
        return min(60 * 2 ** max(attempts - 1, 0), 86400) if attempts < 20 else 86400
    return None


def gated(session: Session, declaration_id: uuid.UUID) -> Declaration:
    """The declaration behind the order's lock and its own."""
    order_number = session.scalar(select(Declaration.order_number).where(Declaration.id == declaration_id))
    pass_gates(session, order_number)
    return locked(session, declaration_id)


def set_failed(session: Session, declaration: Declaration, words: str) -> None:
    declaration.status, declaration.status_info = "failed", words
    audit.record(session, "filing", "filing_failed", "declaration", declaration.id, reason=words)
    announce(session, declaration, "failed", at=clock.instant_text(clock.now()), detail=words)
    log.warning("filing_failed", declaration=str(declaration.id), order=declaration.order_number)


def send_documents(declaration_id: uuid.UUID) -> None:
    """Send what is due of one declaration."""
    due = WindowDocument.declaration_id == declaration_id, WindowDocument.next_send_at <= clock.now()
    # By kind first: ids of one millisecond come in no order.
    statement = select(WindowDocument.id).where(*due).order_by(WindowDocument.kind, WindowDocument.id)
    found = db.session.scalars(statement).all()
    end_read()
    for document_id in found:
        send(document_id)


def send(document_id: uuid.UUID) -> None:
    """Send one due document; it is due again later, whatever becomes of this sending."""
    claimed = _claim(document_id)
    if claimed is None:
        return
    kind, guid, xml = claimed
    try:
        transport().send(kind, guid, xml)
    except TransportUnavailable as fault:
        log.warning("window_unavailable", document=str(document_id), kind=kind, error=str(fault))
    except TransportRefused as fault:
        _refused(document_id, str(fault))
    else:
        _sent(document_id)


def _claim(document_id: uuid.UUID) -> tuple[str, str, bytes] | None:
    """Count the attempt and set the next before sending: no two workers send at once, a killed one is followed."""
    now = clock.now()
    with transaction() as session:
        document = session.get(WindowDocument, document_id, with_for_update=True, populate_existing=True)
        if document is None or document.xml is None or document.next_send_at is None or document.next_send_at > now:
            return None
        document.attempts += 1
        seconds = wait_seconds(document.kind, document.status, document.attempts)
        document.next_send_at = None if seconds is None else now + timedelta(seconds=seconds)
        return None if seconds is None else (document.kind, document.guid, sealing.unseal(document.xml))


def _sent(document_id: uuid.UUID) -> None:
    """The window has it. A receipt may have been faster than this note; its state stays."""
    now = clock.now()
    seconds = wait_seconds("", "filed", 1) or 0
    with transaction() as session:
        session.execute(
            update(WindowDocument)
            .where(WindowDocument.id == document_id, WindowDocument.status == "ready")
            .values(status="filed", first_sent_at=now, attempts=1, next_send_at=now + timedelta(seconds=seconds))
        )


def _refused(document_id: uuid.UUID, words: str) -> None:
    """The window will not take these bytes: sending them again cannot help, so a person must look."""
    query = select(WindowDocument.declaration_id).where(WindowDocument.id == document_id)
    declaration_id = db.session.scalars(query).one()
    end_read()
    with transaction() as session:
        declaration = gated(session, declaration_id)
        document = session.get_one(WindowDocument, document_id, populate_existing=True)
        if document.status not in ("ready", "filed"):
            return
        document.status, document.return_info, document.next_send_at = "refused", words[:1000], None
        if document.kind in (*PAPERS, LIST):
            set_failed(session, declaration, f"{document.kind}: {words}"[:1000])
