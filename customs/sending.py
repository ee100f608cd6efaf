"""Sending what is stored: claimed, sent outside any transaction, and due again until customs answers.

The next sending is set before this one, so a process that dies is followed by another with the same bytes. What stays
unanswered too long, or is refused at once, becomes a dead letter (`dead_letters`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar, cast
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit, clock, config
from core.database import db, end_read, transaction
from core.jobs import task
from customs import filing_documents, sealing
from customs.dead_letters import attempts, telling
from customs.dead_letters.attempts import Sent
from customs.dead_letters.rules import AT_CUSTOMS, REFUSED, UNANSWERED, given_up, wait_seconds
from customs.declarations import LIST, PAPERS, locked
from customs.models import Declaration, WindowDocument
from customs.notices import announce, pass_gates
from customs.persons import veiled
from customs.window.dxp.drop import FileDrop
from customs.window.receipts import return_instant
from customs.window.transport import (
    TIMEOUT_SECONDS,
    HttpTransport,
    Transport,
    TransportRefused,
    TransportUnavailable,
    TransportUnreached,
)
from customs.zone_stock_models import ArrivalTally

__all__ = ["AT_CUSTOMS", "UNANSWERED", "gated", "lift", "send", "send_documents", "set_failed", "wait_seconds"]

log = structlog.get_logger()

T = TypeVar("T")
R = TypeVar("R")
Rows = type[WindowDocument] | type[ArrivalTally]
Refusal = Callable[[uuid.UUID, str, int | None], None]

_SILENT = ("unreached", "unavailable")
_SILENT_MOST = 3  # sendings one after the other: each may take a worker's place for seconds
_HELD_FOR = timedelta(seconds=4 * TIMEOUT_SECONDS)  # longer than an attempt takes: connecting, sending, the answer


class Claimed(NamedTuple):
    """A document for one attempt, and the attempt's own id. It is nobody else's until `held_until`."""

    rows: Rows
    id: uuid.UUID
    kind: str
    guid: str
    xml: bytes
    attempt_id: int
    held_until: datetime
    due_again: datetime


def drop_folder() -> Path | None:
    """The folder shared with the transfer client, where the settings name one (`file:///...`)."""
    parts = urlsplit(config.current().single_window_url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def transport() -> Transport:
    """The way to the window of the settings."""
    own = filing_documents.parties()
    folder = drop_folder()
    if folder is not None:
        return FileDrop(folder, own.dxp_id, own.receiver_id)
    return HttpTransport(config.current().single_window_url, own.dxp_id, own.receiver_id)


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
    """Send what is due of one declaration; a window that does not answer gets the rest from the next round."""
    due = WindowDocument.declaration_id == declaration_id, WindowDocument.next_send_at <= clock.now()
    # By kind first: ids of one millisecond come in no order.
    statement = select(WindowDocument.id).where(*due).order_by(WindowDocument.kind, WindowDocument.id)
    found = db.session.scalars(statement).all()
    end_read()
    for document_id in found:
        if send(document_id) in _SILENT:
            return


def in_turn(run: Callable[[T], str | None], identities: Sequence[T]) -> None:
    """Send one after the other; a window that does not answer is asked no more until the next round."""
    silent = 0
    for identity in identities:
        outcome = shielded(run, identity)
        if outcome is not None:  # else another has sent it
            silent = silent + 1 if outcome in _SILENT else 0
        if silent >= _SILENT_MOST:
            return


def shielded(run: Callable[[T], R], identity: T) -> R | None:
    """One document or declaration that cannot be sent or filed now must not keep the others waiting."""
    try:
        return run(identity)
    except Exception:
        db.session.rollback()
        log.exception("filing_interrupted", id=str(identity))
        return None


@task("customs.send_documents")
def send_again(declaration_id: str) -> None:
    """Send what is due of one declaration, now that somebody asked for it."""
    send_documents(uuid.UUID(declaration_id))


def send(document_id: uuid.UUID) -> str | None:
    """Send one due document. Returns how the attempt ended, or None when there was none."""
    return send_row(WindowDocument, document_id, refuse)


def send_row(rows: Rows, identity: uuid.UUID, refused: Refusal) -> str | None:
    """Send one due row; it is due again later, whatever becomes of this sending. `refused` takes a refusal.

    Returns how the attempt ended (`sending_models.ATTEMPT_OUTCOMES`), or None when there was none.
    """
    way = transport()
    claimed = _claim(rows, identity, way.name)
    if claimed is None:
        return None
    kind = claimed.kind
    try:
        way.send(kind, claimed.guid, claimed.xml)
    except TransportUnavailable as fault:
        log.warning("window_unavailable", document=str(identity), kind=kind, error=veiled(str(fault)))
        outcome = "unreached" if isinstance(fault, TransportUnreached) else "unavailable"
        _not_sent(claimed, outcome, str(fault))
    except TransportRefused as fault:
        outcome = "refused"
        refused(identity, str(fault), claimed.attempt_id)
    else:
        outcome = "sent"
        _sent(claimed)
    return outcome


def _claim(rows: Rows, identity: uuid.UUID, transport_name: str) -> Claimed | None:
    """Count the attempt and set the next before sending: no two workers send at once, a killed one is followed."""
    now = clock.now()
    with transaction() as session:
        document = cast(Sent | None, session.get(rows, identity, with_for_update=True, populate_existing=True))
        if document is None or document.xml is None or document.next_send_at is None or document.next_send_at > now:
            return None
        first = document.trying_since is None  # of these bytes
        document.trying_since = document.trying_since or now
        reason = given_up(document.kind, document.status, document.attempts, _heard_at(document, now), now)
        if reason is not None:
            bury(session, document, reason)
            return None
        document.attempts += 1
        seconds = wait_seconds(document.kind, document.status, document.attempts)
        if seconds is None:
            document.next_send_at = None
            return None
        due_again = now + timedelta(seconds=seconds)
        document.next_send_at = held_until = max(due_again, now + _HELD_FOR)
        attempt_id = attempts.begin(session, document, transport_name, now, first=first)
        xml = sealing.unseal(document.xml)
        return Claimed(rows, identity, document.kind, document.guid, xml, attempt_id, held_until, due_again)


def _heard_at(document: Sent, now: datetime) -> datetime:
    """The last sign of life: the first attempt, the window's taking it, customs' last receipt."""
    told = return_instant(document.return_time) if document.return_time else None
    known = [at for at in (document.trying_since, document.first_sent_at, told) if at is not None]
    return min(max(known, default=now), now)


def _give_back(session: Session, claimed: Claimed) -> None:
    """The attempt is over: due again when its turn is, unless somebody has set another time since."""
    row = claimed.rows
    session.execute(
        update(row)
        .where(row.id == claimed.id, row.next_send_at == claimed.held_until)
        .values(next_send_at=claimed.due_again)
    )


def _not_sent(claimed: Claimed, outcome: str, words: str) -> None:
    with transaction() as session:
        _give_back(session, claimed)
        attempts.end(session, claimed.attempt_id, claimed.kind, outcome, veiled(words))


def _sent(claimed: Claimed) -> None:
    """The window has it. A receipt may have been faster than this note; its state stays."""
    now, row = clock.now(), claimed.rows
    seconds = wait_seconds("", "filed", 1) or 0
    with transaction() as session:
        _give_back(session, claimed)
        due = {"attempts": 1, "next_send_at": now + timedelta(seconds=seconds)}
        session.execute(
            update(row)
            .where(row.id == claimed.id, row.status == "ready")
            .values(status="filed", first_sent_at=now, dead_at=None, dead_reason=None, **due)
        )
        attempts.end(session, claimed.attempt_id, claimed.kind, "sent")


def refuse(document_id: uuid.UUID, words: str, attempt_id: int | None = None) -> None:
    """The window will not take these bytes: sending them again by itself cannot help, so a person must look.

    The filing fails only when no earlier attempt can have arrived; else customs may have the document, and it waits
    as a dead letter in the state it has.
    """
    query = select(WindowDocument.declaration_id).where(WindowDocument.id == document_id)
    declaration_id = db.session.scalars(query).one()
    end_read()
    words = veiled(words)
    with transaction() as session:
        declaration = gated(session, declaration_id)
        document = session.get_one(WindowDocument, document_id, with_for_update=True, populate_existing=True)
        if document.status in ("ready", "filed") and document.dead_reason != REFUSED:
            if not document.may_have_arrived:
                document.status, document.return_info = "refused", words[:1000]
            bury(session, document, REFUSED)
            if document.status == "refused" and document.kind in (*PAPERS, LIST):
                set_failed(session, declaration, f"{document.kind}: {words}"[:1000])
        if attempt_id is not None:
            attempts.end(session, attempt_id, document.kind, "refused", words)


def bury(session: Session, document: Sent, reason: str) -> None:
    """Make a dead letter of a document: nothing is sent until a person says so, and a receipt lifts it."""
    document.next_send_at, document.dead_at, document.dead_reason = None, clock.now(), reason
    about = {"document": str(document.id), "kind": document.kind, "guid": document.guid, "tries": document.tries}
    of, identity = (
        ("shipment", document.shipment_id)
        if isinstance(document, ArrivalTally)
        else ("declaration", document.declaration_id)
    )
    audit.record(session, "filing", "dead_letter", of, identity, reason=reason, **about)
    telling.tell(session, reason, {of: str(identity), **about})
    log.error("dead_letter", reason=reason, **{of: str(identity)}, **about)


def lift(document: Sent) -> None:
    """No dead letter any more: customs has spoken, or a person sends it again."""
    document.dead_at = document.dead_reason = None
