"""Filing again: the documents customs sent back, corrected, under new guids; what was filed before is kept.

A document that customs holds is changed (appType 2), one it never took is filed as new. A change that another document
says too (the consignee stands in three) changes that one with it. Money, allowance and stock are not touched.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import new_id, transaction
from core.errors import Problem, declare, invalid
from customs import filing, filing_case, filing_documents, persons, sealing
from customs.correcting.fields import BUYER, corrected
from customs.correction_models import DeclarationCorrection, WindowDocumentVersion
from customs.dead_letters.rules import AT_CUSTOMS, UNANSWERED
from customs.declarations import LIST, PAPERS, TOO_LATE, UNSENT, documents_of
from customs.filing_case import Case
from customs.filing_facts import split
from customs.models import Declaration, DeclarationLine, WindowDocument
from customs.notices import announce
from customs.payment_port import keeping
from customs.receipt_targets import AMEND
from customs.sending import gated, lift
from customs.window.facts import Person
from customs.window.refilings import CHANGE, Refiling, refiling_of
from customs.window.values import new_guid

NOT_AGAIN = declare("not_filed_again", 409, "Customs does not take this document again")

FILED = (*PAPERS, LIST)
_TIMES = ("guid", "appTime", "declTime", "appType", "preNo", "invtNo")  # differ without a correction


def file_again(declaration_id: uuid.UUID, actor: str, changes: Mapping[str, Any], reason: str | None) -> None:
    """File again what failed here or was sent back by customs, with `changes` (`fields.corrected`) in it.

    Raises Problem `not_found`, `declaration_state` when nothing waits to be corrected, `not_filed_again` when customs
    takes it no more, `invalid_input` or `field_fixed` for the changes. An order that is over by now refuses it too.
    """
    reason = None if reason is None else persons.veiled(reason)  # it stands in the open, in log and history
    with transaction() as session:
        declaration = gated(session, declaration_id)
        if declaration.kind != "retail" or (declaration.status not in UNSENT and declaration.mend_until is None):
            raise Problem(TOO_LATE, f"a declaration that is {declaration.status} is not filed again")
        was_rejected = declaration.status == "rejected"
        documents = {each.kind: each for each in documents_of(session, declaration_id) if each.kind in FILED}
        changed, was = _correct(session, declaration, changes)
        if was and not reason:
            raise invalid("reason", "say why it is corrected")
        hows = _hows(documents, changed)
        _keep(session, declaration, documents, hows, actor, reason or "filed again", was)
        declaration.mend_until = None
        filing.reopen(session, declaration)
        _resume(documents, hows)
        audit.record(
            session, actor, "filed_again", "declaration", declaration_id, filed=hows, fields=sorted(was), reason=reason
        )
        if was_rejected:
            announce(session, declaration, "refiled", at=clock.instant_text(clock.now()))


def _correct(session: Session, declaration: Declaration, changes: Mapping[str, Any]) -> tuple[set[str], dict[str, Any]]:
    """Write the corrections into the declaration's own copy; returns the kinds of which the documents differ now."""
    before = filing_case.read_case(session, declaration.id)
    if before is None:
        raise Problem(TOO_LATE, "the declaration has no documents")
    request, was = corrected(before.request, changes)
    buyer = _buyer_anew(session, before) if changes.get(BUYER) else before.buyer
    if buyer != before.buyer:
        was[BUYER] = [before.buyer.name, before.buyer.phone]
    if buyer.name != before.buyer.name:
        keeping.again(session, declaration.id, anew=True)
    if not was:
        return set(), was
    snapshot, private = split(request)
    private |= {"buyer_name": buyer.name, "buyer_number": buyer.id_number, "buyer_phone": buyer.phone}
    declaration.snapshot = {**declaration.snapshot, **snapshot}
    declaration.private = sealing.seal(json.dumps(private, ensure_ascii=False))
    for position, (old, new) in enumerate(zip(before.request.lines, request.lines, strict=True), 1):
        if old.title_zh != new.title_zh:
            of_line = (DeclarationLine.declaration_id == declaration.id, DeclarationLine.position == position)
            session.execute(update(DeclarationLine).where(*of_line).values(name=new.title_zh[:250]))
    session.flush()
    return _differing(before, replace(before, request=request, buyer=buyer), clock.now()), was


def _buyer_anew(session: Session, case: Case) -> Person:
    """Name and telephone as the account has them now; the number is the person's and stays."""
    try:
        name, number, phone = persons.filing_person(session, case.request.person_id, case.request.account_id)
    except LookupError as fault:
        raise invalid(BUYER, str(fault)) from None
    return Person(name, number, phone)


def _differing(before: Case, after: Case, at: datetime) -> set[str]:
    old, new = (filing_documents.contents(case, at) for case in (before, after))
    return {kind for kind in new if _said(old[kind]) != _said(new[kind])}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _TIMES}


def _hows(documents: Mapping[str, WindowDocument], changed: set[str]) -> dict[str, str]:
    """By kind, how each document that has to go out again does: `new` or `amend`."""
    hows = {}
    for kind, document in documents.items():
        if document.status in ("rejected", "error"):
            found = refiling_for(document)
            if not found.allowed:
                raise Problem(NOT_AGAIN, f"{kind}: {found.why['en']}", why=found.why)
            hows[kind] = found.how
        elif kind in changed and document.xml is not None and document.status != "refused":
            if document.status not in AT_CUSTOMS:
                raise Problem(NOT_AGAIN, f"{kind}: customs has not answered yet; it can be changed when it has")
            hows[kind] = CHANGE
    return hows


def refiling_for(document: WindowDocument) -> Refiling:
    """How a document that was sent back may be filed again."""
    return refiling_of(document.return_status, document.reached in AT_CUSTOMS)


def _keep(
    session: Session,
    declaration: Declaration,
    documents: Mapping[str, WindowDocument],
    hows: Mapping[str, str],
    actor: str,
    reason: str,
    was: Mapping[str, Any],
) -> None:
    """The correction, each document as it stood, and in its place a draft under a new guid."""
    sealed = sealing.seal(json.dumps(was, ensure_ascii=False, default=str)) if was else None
    correction = DeclarationCorrection(
        id=new_id(), declaration_id=declaration.id, actor=actor, reason=reason, filed=dict(hows), fields=sorted(was)
    )
    correction.was = sealed
    session.add(correction)
    session.flush()
    for kind, how in hows.items():
        document = documents[kind]
        names = ("guid", "status", "xml", "pre_no", "invt_no", "return_status", "return_time", "return_info")
        version = {name: getattr(document, name) for name in (*names, "first_sent_at")}
        session.add(WindowDocumentVersion(document_id=document.id, correction_id=correction.id, **version))
        _draft(document, how)


def _draft(document: WindowDocument, how: str) -> None:
    """The document to be built anew. The time of the last receipt stays: what is older speaks of what was before."""
    again: dict[str, str] = {}
    if how == CHANGE:
        again["appType"] = AMEND
        if document.kind == LIST:
            again |= {name: no for name, no in (("preNo", document.pre_no), ("invtNo", document.invt_no)) if no}
    else:
        document.pre_no = document.invt_no = None
    document.content = {**document.content, "again": again}
    document.guid, document.xml, document.status, document.reached = new_guid(), None, "draft", None
    document.return_status = document.return_info = document.first_sent_at = document.next_send_at = None
    document.attempts, document.trying_since, document.may_have_arrived = 0, None, False
    lift(document)


def _resume(documents: Mapping[str, WindowDocument], hows: Mapping[str, str]) -> None:
    """Papers that were on their way when another was sent back go on."""
    for kind in PAPERS:
        document = documents.get(kind)
        if document is None or kind in hows or document.xml is None:
            continue
        if document.status == "ready" or document.status in UNANSWERED:
            document.attempts, document.next_send_at = 0, clock.now()
            lift(document)


def is_open(declaration: Declaration) -> bool:
    """Whether the declaration waits to be corrected."""
    return declaration.status in UNSENT or declaration.mend_until is not None
