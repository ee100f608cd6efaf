"""A batch: its receipts claimed, their declarations locked and read, each run by itself, all written together."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from customs import receipt_targets as targets
from customs.models import Declaration, WindowDocument, WindowReceipt
from customs.receipt_batches.cases import Case, Document, Settled, run, target
from customs.receipt_batches.writing import write


class Applied(NamedTuple):
    """Receipts that are done, those that wait behind one that has to go by itself, and list numbers now known."""

    done: set[uuid.UUID]
    later: set[uuid.UUID]
    numbers: list[str]


def apply(session: Session, receipt_ids: Sequence[uuid.UUID]) -> Applied:
    """Apply what can be applied together."""
    rows = _claimed(session, receipt_ids)
    by_target: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        if row.info is not None and row.document_id is None and row.kind in targets.DOCUMENT_OF:
            by_target[target(row)].append(row)
    owners = _owners(session, list(by_target))
    settled = [
        Settled(row.id, "quarantined", targets.UNKNOWN, None)
        for target, found in by_target.items()
        if target not in owners
        for row in found
    ]
    cases = _locked(session, _candidates(rows, owners))
    _read_documents(session, cases)
    later: set[uuid.UUID] = set()
    for case, found in _by_case(rows, owners, cases):
        outcome = run(case, found)
        settled += outcome
        later |= {row.id for row in found[len(outcome) + 1 :]}
    write(session, list(cases.values()), settled)
    numbers = [number for case in cases.values() for number in case.numbers]
    return Applied({each.receipt_id for each in settled}, later, numbers)


def _claimed(session: Session, receipt_ids: Sequence[uuid.UUID]) -> Sequence[Row[Any]]:
    row = WindowReceipt
    columns = (row.id, row.kind, row.key, row.status, row.return_time, row.info, row.document_id)
    query = select(*columns).where(row.id.in_(receipt_ids), row.state == "stored")
    return session.execute(query.order_by(row.return_time, row.id).with_for_update(skip_locked=True)).all()


def _owners(session: Session, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], uuid.UUID]:
    """Whose document each target is."""
    document = WindowDocument
    query = select(document.kind, document.reference, document.declaration_id).where(
        tuple_(document.kind, document.reference).in_(wanted), document.status.not_in(targets.NOT_SENT)
    )
    return {(kind, reference): owner for kind, reference, owner in session.execute(query)} if wanted else {}


def _candidates(rows: Iterable[Row[Any]], owners: dict[tuple[str, str], uuid.UUID]) -> set[uuid.UUID]:
    """Declarations of which nothing in this batch is clearly for the other way."""
    found: set[uuid.UUID] = set()
    spared: set[uuid.UUID] = set()
    for row in rows:
        if row.kind not in targets.DOCUMENT_OF:
            continue
        owner = owners.get(target(row))
        if owner is None:
            continue
        (spared if row.info is None or row.document_id is not None else found).add(owner)
    return found - spared


def _locked(session: Session, ids: set[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """Those nobody else holds: to wait here, with others locked, could close a ring."""
    head = Declaration
    query = select(head.id, head.order_number, head.status, head.released_on).where(head.id.in_(ids))
    rows = session.execute(query.order_by(head.id).with_for_update(skip_locked=True)) if ids else ()
    return {row.id: Case(row.id, row.order_number, row.status, row.released_on is not None) for row in rows}


def _read_documents(session: Session, cases: dict[uuid.UUID, Case]) -> None:
    row = WindowDocument
    columns = (row.id, row.kind, row.status, row.return_time, row.reached, row.pre_no, row.invt_no)
    query = select(row.declaration_id, row.reference, *columns, row.identifiers, row.content)
    found = session.execute(query.where(row.declaration_id.in_(cases)).order_by(row.id)) if cases else ()
    for owner, reference, *values in found:
        cases[owner].documents[(values[1], reference)] = Document(*values)


def _by_case(
    rows: Iterable[Row[Any]], owners: dict[tuple[str, str], uuid.UUID], cases: dict[uuid.UUID, Case]
) -> list[tuple[Case, list[Row[Any]]]]:
    found: dict[uuid.UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        owner = owners.get(target(row)) if row.kind in targets.DOCUMENT_OF else None
        if owner in cases:
            found[owner].append(row)
    return [(cases[owner], each) for owner, each in found.items()]
