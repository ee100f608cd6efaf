"""Filing: a paid order's documents are checked, signed, stored under their guid, and only then sent.

Order, payment and waybill (311, 411, 511) go first; the list (621) goes when customs holds all three. What was stored
is sent again, byte for byte, until customs answers, so a process that dies anywhere leaves nothing filed twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, exists, or_, select

from core import audit, clock
from core.database import assert_no_transaction, db, end_read, transaction
from core.errors import Problem
from core.jobs import defer, task
from customs import filing_documents, retaxing, sealing
from customs.assessments import Assessment
from customs.declarations import (
    LIST,
    PAPERS,
    RETURN,
    TOO_LATE,
    UNSENT,
    WITHDRAWAL,
)
from customs.filing_documents import Case, Paper, Signed, read_case
from customs.models import Declaration, WindowDocument
from customs.sending import gated, send, send_documents, set_failed
from customs.window.messages import MessageRefused, Violation

log = structlog.get_logger()

ABANDONED_AFTER = timedelta(seconds=20)  # a filing that has stood still so long has lost its job
_BATCH = 50


@task("customs.file")
def file(declaration_id: str) -> None:
    """Bring a declaration as far as it can go now: its papers, then its list. Run again it changes nothing."""
    identity = uuid.UUID(declaration_id)
    case = _read(identity)
    if case is None or case.status != "pending":
        return
    if not all(case.paper(kind).built for kind in PAPERS):
        _prepare(case, PAPERS)
    elif all(case.paper(kind).status == "received" for kind in PAPERS) and not case.paper(LIST).built:
        _prepare(case, (LIST,))
    send_documents(identity)


def _read(declaration_id: uuid.UUID) -> Case | None:
    case = read_case(db.session(), declaration_id)
    end_read()
    return case


def _prepare(case: Case, kinds: tuple[str, ...]) -> None:
    """Check all four documents, then sign and store those of `kinds`; one breach and nothing is signed."""
    filed_at = clock.now()
    broken = filing_documents.faults(case, filed_at)
    taxes = None
    if LIST in kinds and not broken:
        taxes, broken = _taxes(case, filed_at)
    if broken:
        _fail(case.id, broken)
        return
    values = filing_documents.contents(case, filed_at)
    assert_no_transaction()
    signed = {case.paper(kind).id: filing_documents.sign(kind, values[kind]) for kind in kinds}
    _store(case.id, signed, filed_at, taxes)


def _taxes(case: Case, filed_at: datetime) -> tuple[Assessment | None, list[Violation]]:
    """The taxes of the filing day where it is not the quote's, or why the goods may not be filed on it."""
    try:
        return retaxing.taxes_of(case, clock.beijing_day(filed_at)), []
    except Problem as problem:
        return None, [Violation(LIST, problem.detail)]


def _fail(declaration_id: uuid.UUID, broken: list[Violation]) -> None:
    """Nothing was signed or sent; a person must look."""
    words = "; ".join(f"{path}: {rule}" for path, rule in broken)[:1000]
    with transaction() as session:
        declaration = gated(session, declaration_id)
        if declaration.status == "pending":
            set_failed(session, declaration, words)


def _store(
    declaration_id: uuid.UUID,
    signed: Mapping[uuid.UUID, Signed],
    filed_at: datetime,
    taxes: Assessment | None = None,
) -> None:
    """Keep what will be sent. From the moment the list is stored, a cancellation has to be asked of customs."""
    with transaction() as session:
        declaration = gated(session, declaration_id)
        if declaration.status in ("cancelled", "rejected"):
            return
        for document_id, ready in signed.items():
            document = session.get_one(WindowDocument, document_id, populate_existing=True)
            if document.xml is not None:
                continue
            document.xml, document.status = sealing.seal(ready.xml), "ready"
            document.reference, document.identifiers = ready.reference, dict(ready.identifiers)
            document.next_send_at = filed_at
            if document.kind == LIST:
                declaration.status, declaration.filed_on = "filed", clock.beijing_day(filed_at)
                if taxes is not None:
                    retaxing.apply(session, declaration, taxes)


@task("customs.file_requests")
def file_requests(declaration_id: str) -> None:
    """Withdrawals, returns and delivery notices of a declaration; one that needs the list's number waits for it."""
    identity = uuid.UUID(declaration_id)
    case = _read(identity)
    if case is None:
        return
    filed_at = clock.now()
    for paper in case.papers:
        if paper.status == "draft" and _can_be_built(case, paper):
            _prepare_request(case, paper, filed_at)
    send_documents(identity)


def _can_be_built(case: Case, paper: Paper) -> bool:
    if paper.kind in (WITHDRAWAL, RETURN):
        return case.paper(LIST).invt_no is not None
    return paper.kind not in (*PAPERS, LIST)


def _prepare_request(case: Case, paper: Paper, filed_at: datetime) -> None:
    values = filing_documents.request_contents(case, paper, filed_at)
    assert_no_transaction()
    try:
        signed = filing_documents.sign(paper.kind, values)
    except MessageRefused as fault:
        _refused_by_rule(paper.id, str(fault))
        return
    _store(case.id, {paper.id: signed}, filed_at)


def _refused_by_rule(document_id: uuid.UUID, words: str) -> None:
    with transaction() as session:
        document = session.get_one(WindowDocument, document_id, populate_existing=True)
        document.status, document.return_info = "refused", words[:1000]
        audit.record(session, "filing", "request_refused", "declaration", document.declaration_id, reason=words[:1000])


@task("customs.resend", schedule="* * * * * */5")
def resend() -> None:
    """Send again what customs has not answered, and take up filings whose job was lost."""
    now = clock.now()
    due = select(WindowDocument.id).where(WindowDocument.next_send_at <= now)
    documents = db.session.scalars(due.order_by(WindowDocument.next_send_at).limit(_BATCH)).all()
    left = [str(found) for found in db.session.scalars(_left_behind(now).limit(_BATCH)).all()]
    asked = [str(found) for found in db.session.scalars(_requests_left(now).limit(_BATCH)).all()]
    end_read()
    for document_id in documents:
        send(document_id)
    for run, identities in ((file, left), (file_requests, asked)):
        for identity in identities:
            _shielded(run, identity)


def _shielded(run: Callable[[str], None], identity: str) -> None:
    """One declaration that cannot be filed now must not keep the others waiting."""
    try:
        run(identity)
    except Exception:
        db.session.rollback()
        log.exception("filing_interrupted", declaration=identity)


def _left_behind(now: datetime) -> Select[uuid.UUID]:
    """Pending declarations that could move: papers not built, or all papers received and the list not built."""
    document = WindowDocument
    own = select(document.id).where(document.declaration_id == Declaration.id, document.kind.in_(PAPERS))
    unbuilt = exists(own.where(document.xml.is_(None)))
    waiting = exists(own.where(document.status != "received"))
    return (
        select(Declaration.id)
        .where(Declaration.status == "pending", Declaration.created_at < now - ABANDONED_AFTER)
        .where(or_(unbuilt, ~waiting))
        .order_by(Declaration.id)
    )


def _requests_left(now: datetime) -> Select[uuid.UUID]:
    """Declarations with a request that could be built: its list has its number."""
    asked, listed = WindowDocument, WindowDocument.__table__.alias("listed")
    numbered = exists(
        select(listed.c.id).where(
            listed.c.declaration_id == asked.declaration_id, listed.c.kind == LIST, listed.c.invt_no.is_not(None)
        )
    )
    return (
        select(asked.declaration_id)
        .where(asked.status == "draft", asked.kind.not_in((*PAPERS, LIST)), asked.created_at < now - ABANDONED_AFTER)
        .where(numbered)
        .distinct()
    )


def file_again(declaration_id: uuid.UUID, actor: str) -> None:
    """Try a failed filing once more, after its cause was mended. Raises Problem `not_found`, `declaration_state`."""
    with transaction() as session:
        declaration = gated(session, declaration_id)
        if declaration.kind != "retail" or declaration.status not in UNSENT:
            raise Problem(TOO_LATE, f"a declaration that is {declaration.status} is not filed again")
        declaration.status, declaration.status_info = "pending", None
        for document in session.scalars(
            select(WindowDocument).where(
                WindowDocument.declaration_id == declaration_id, WindowDocument.status == "refused"
            )
        ):
            # The window never took these bytes, so the corrected ones may be built under the same guid.
            document.status, document.xml, document.return_info = "draft", None, None
        audit.record(session, actor, "filed_again", "declaration", declaration_id)
        defer(session, "customs.file", declaration_id=str(declaration_id))
