"""Filing: a paid order's documents are checked, signed, stored under their guid, and only then sent.

Order, payment and waybill (311, 411, 511) go first; the list (621) goes when customs holds all three. What was stored
is sent again, byte for byte, until customs answers, so a process that dies anywhere leaves nothing filed twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import assert_no_transaction, db, end_read, transaction
from core.errors import Problem
from core.jobs import defer, task
from customs import filing_documents, filing_faults, retaxing, sealing
from customs.assessments import Assessment
from customs.declarations import (
    LIST,
    PAPERS,
    PAYMENT,
    RETURN,
    TOO_LATE,
    UNSENT,
    WITHDRAWAL,
)
from customs.filing_case import Case, Paper, read_case
from customs.filing_documents import Signed
from customs.guarantee import reserve as guarantee
from customs.guarantee.reserve import EXCEEDED
from customs.guarantee.waiting import block
from customs.models import Declaration, WindowDocument
from customs.payment_models import PaymentDeclaration
from customs.payment_port import keeping
from customs.sending import gated, in_turn, lift, send, send_documents, set_failed, shielded
from customs.window.matching import Mismatch
from customs.window.messages import MessageRefused, Violation
from customs.zone_stock import lists

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
    if not all(case.paper(kind).ready for kind in PAPERS):
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
    broken: list[Violation | Mismatch] = list(filing_documents.faults(case, filed_at))
    taxes = None
    if not broken:
        taxes, broken = _taxes(case, filed_at)
    elsewhere = PAYMENT if PAYMENT in kinds and not keeping.ours(case) else None
    if not broken and LIST not in kinds:
        try:
            case = keeping.declare(case)
        except keeping.Waiting:
            return
        except keeping.Stopped as stop:
            broken = [stop.violation]
    if broken:
        _fail(case.id, broken)
        return
    values = filing_documents.contents(case, filed_at)
    assert_no_transaction()
    signed = {case.paper(kind).id: filing_documents.sign(kind, values[kind]) for kind in kinds if kind != elsewhere}
    try:
        _store(case, signed, filed_at, taxes if LIST in kinds else None, elsewhere=elsewhere is not None)
    except Problem as problem:  # what a list uses up is not there: of the account book, of the guarantee
        _fail(case.id, [Violation(LIST, problem.detail)], waits=problem.code == EXCEEDED)


def _taxes(case: Case, filed_at: datetime) -> tuple[Assessment | None, list[Violation | Mismatch]]:
    """The taxes of the filing day where it is not the quote's, or why the goods may not be filed on it."""
    try:
        return retaxing.taxes_of(case, clock.beijing_day(filed_at)), []
    except Problem as problem:
        return None, [Violation(LIST, problem.detail)]


def _fail(declaration_id: uuid.UUID, broken: Sequence[Violation | Mismatch], *, waits: bool = False) -> None:
    """Nothing was signed or sent; a person must look, or it waits for room in the guarantee."""
    found = filing_faults.of(broken)
    words = filing_faults.in_words(found)
    with transaction() as session:
        declaration = gated(session, declaration_id)
        if declaration.status == "pending":
            declaration.filing_faults = found
            (block if waits else set_failed)(session, declaration, words)


def _store(
    case: Case,
    signed: Mapping[uuid.UUID, Signed],
    filed_at: datetime,
    taxes: Assessment | None = None,
    *,
    elsewhere: bool = False,
) -> None:
    """Keep what will be sent. From the moment the list is stored, a cancellation has to be asked of customs.

    `elsewhere`: its enterprise has told customs of the payment, so that no 411 of ours follows. What was corrected
    since the case was read is left to the job of the correction.
    """
    with transaction() as session:
        declaration = gated(session, case.id)
        if declaration.status in ("cancelled", "rejected") or declaration.private != case.sealed:
            return
        declaration.filing_faults = None
        if elsewhere and case.payment is not None:
            paper = session.get_one(WindowDocument, case.paper(PAYMENT).id, populate_existing=True)
            paper.status, paper.reference = "received", case.payment.transaction_id
            paper.return_info = "declared by the payment enterprise"
        for document_id, ready in signed.items():
            document = session.get_one(WindowDocument, document_id, populate_existing=True)
            if document.xml is not None:
                continue
            document.xml, document.status = sealing.seal(ready.xml), "ready"
            document.reference, document.identifiers = ready.reference, dict(ready.identifiers)
            document.next_send_at = filed_at
            if document.kind == LIST:
                lists.reserve(session, declaration)
                declaration.status, declaration.filed_on = "filed", clock.beijing_day(filed_at)
                if taxes is not None:
                    retaxing.apply(session, declaration, taxes)
                guarantee.reserve(session, declaration)


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
    _store(case, {paper.id: signed}, filed_at)


def _refused_by_rule(document_id: uuid.UUID, words: str) -> None:
    with transaction() as session:
        document = session.get_one(WindowDocument, document_id, populate_existing=True)
        document.status, document.return_info = "refused", words[:1000]
        audit.record(session, "filing", "request_refused", "declaration", document.declaration_id, reason=words[:1000])


@task("customs.resend", schedule="* * * * * */5", alone=True)
def resend() -> None:
    """Send again what customs has not answered, and take up filings whose job was lost."""
    now = clock.now()
    due = select(WindowDocument.id).where(WindowDocument.next_send_at <= now)
    documents = db.session.scalars(due.order_by(WindowDocument.next_send_at).limit(_BATCH)).all()
    left = [str(found) for found in db.session.scalars(_left_behind(now).limit(_BATCH)).all()]
    asked = [str(found) for found in db.session.scalars(_requests_left(now).limit(_BATCH)).all()]
    end_read()
    in_turn(send, documents)
    for run, identities in ((file, left), (file_requests, asked)):
        for identity in identities:
            shielded(run, identity)


def _left_behind(now: datetime) -> Select[uuid.UUID]:
    """Pending declarations that could move: papers not built, or all papers received and the list not built.

    Whose payment enterprise is asked again only later cannot, and must not stand before those that can.
    """
    document = WindowDocument
    own = select(document.id).where(document.declaration_id == Declaration.id, document.kind.in_(PAPERS))
    unbuilt = exists(own.where(document.xml.is_(None), document.status != "received"))
    waiting = exists(own.where(document.status != "received"))
    asked = select(PaymentDeclaration.declaration_id).where(PaymentDeclaration.declaration_id == Declaration.id)
    asked_later = exists(asked.where(PaymentDeclaration.state == "asked", PaymentDeclaration.next_try_at > now))
    return (
        select(Declaration.id)
        .where(Declaration.status == "pending", Declaration.created_at < now - ABANDONED_AFTER)
        .where(or_(unbuilt, ~waiting), ~asked_later)
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
        reopen(session, declaration)
        audit.record(session, actor, "filed_again", "declaration", declaration_id)


def reopen(session: Session, declaration: Declaration) -> None:
    """The filing goes on where it stands; what the window refused is built anew. The caller holds the declaration."""
    declaration.status, declaration.status_info, declaration.filing_faults = "pending", None, None
    keeping.again(session, declaration.id)
    for document in session.scalars(
        select(WindowDocument).where(
            WindowDocument.declaration_id == declaration.id, WindowDocument.status == "refused"
        )
    ):
        # The window never took these bytes, so the corrected ones may be built under the same guid.
        document.status, document.xml, document.return_info = "draft", None, None
        document.attempts, document.trying_since = 0, None
        lift(document)
    defer(session, "customs.file", declaration_id=str(declaration.id))
