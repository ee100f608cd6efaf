"""The history of a document's sendings: an attempt is kept before it begins, and what became of it after it ended."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import clock
from core.database import db, transaction
from core.jobs import task
from customs.declarations import OVER
from customs.models import Declaration, WindowDocument
from customs.sending_models import SendingCount, WindowAttempt
from customs.zone_stock_models import ArrivalTally

Sent = WindowDocument | ArrivalTally  # what is sent to the window and sent again

KEPT = 20  # of each document: the first outage and the last answers tell the story, thousands of repeats do not
KEPT_FOR = timedelta(days=30)
_BATCH = 10_000
_DETAIL_MOST = 300
_MAY_ARRIVE = ("started", "sent", "unavailable", "answered")


def begin(session: Session, document: Sent, transport: str, at: datetime, *, first: bool) -> int:
    """Keep that an attempt begins; the document learns whether one before it can have arrived. Returns its id.

    With the `first` attempt of bytes that were built anew, those of the bytes before count no more.
    """
    if not first:
        last = select(WindowAttempt.outcome).where(_of(document.id))
        before = session.scalars(last.order_by(WindowAttempt.id.desc()).limit(1)).first()
        document.may_have_arrived |= before in _MAY_ARRIVE
    document.tries += 1
    row = WindowAttempt(**_owner(document), at=at, transport=transport, outcome="started")
    session.add(row)
    session.flush()
    if document.tries > KEPT:
        _forget(session, document.id)
    return row.id


def _owner(document: Sent) -> dict[str, uuid.UUID]:
    return {"tally_id" if isinstance(document, ArrivalTally) else "document_id": document.id}


def _of(identity: uuid.UUID) -> ColumnElement[bool]:
    """The attempts of a document or a tally; no two of them share an id."""
    return (WindowAttempt.document_id == identity) | (WindowAttempt.tally_id == identity)


def _forget(session: Session, document_id: uuid.UUID) -> None:
    """All but the last: rows of the exchange's answers count among them."""
    own = select(WindowAttempt.id).where(_of(document_id))
    oldest = own.order_by(WindowAttempt.id.desc()).offset(KEPT).limit(KEPT)
    session.execute(
        delete(WindowAttempt).where(WindowAttempt.id.in_(oldest)).execution_options(synchronize_session=False)
    )


def end(session: Session, attempt_id: int, kind: str, outcome: str, detail: str | None = None) -> None:
    """Keep how an attempt ended, and count it. The counter's row is locked last of all, and for a moment only."""
    words = None if detail is None else detail[:_DETAIL_MOST]
    ended = update(WindowAttempt).where(WindowAttempt.id == attempt_id).values(outcome=outcome, detail=words)
    transport = session.scalars(ended.returning(WindowAttempt.transport)).first()
    if transport is not None:
        count(session, transport, kind, outcome)


def answered(session: Session, document: Sent, at: datetime, detail: str, digest: bytes) -> bool:
    """Keep what the exchange said of a sending; False when it has been kept before."""
    row = {
        **_owner(document),
        "at": at,
        "transport": "file",
        "outcome": "answered",
        "detail": detail[:_DETAIL_MOST],
        "digest": digest,
    }
    once = upsert(WindowAttempt).values(row).on_conflict_do_nothing(index_elements=[WindowAttempt.digest])
    return session.execute(once.returning(WindowAttempt.id)).first() is not None


def count(session: Session, transport: str, kind: str, outcome: str) -> None:
    row = upsert(SendingCount).values(transport=transport, kind=kind, outcome=outcome, number=1)
    more = {"number": SendingCount.number + 1}
    session.execute(row.on_conflict_do_update(index_elements=["transport", "kind", "outcome"], set_=more))


@task("customs.forget_attempts", schedule="23 3 * * *", alone=True)
def forget_attempts() -> None:
    """Every night, let go of what is weeks old and belongs to no dead letter; a bounded number of rows at a time."""
    old = select(WindowAttempt.id).where(WindowAttempt.at < clock.now() - KEPT_FOR)
    both = old.outerjoin(WindowDocument, WindowDocument.id == WindowAttempt.document_id)
    both = both.outerjoin(ArrivalTally, ArrivalTally.id == WindowAttempt.tally_id)
    batch = both.where(WindowDocument.dead_at.is_(None), ArrivalTally.dead_at.is_(None)).limit(_BATCH)
    gone = delete(WindowAttempt).where(WindowAttempt.id.in_(batch)).returning(WindowAttempt.id)
    forgotten = _BATCH
    while forgotten == _BATCH:
        with transaction() as session:
            forgotten = len(session.execute(gone.execution_options(synchronize_session=False)).all())


def of_document(document_id: uuid.UUID) -> list[WindowAttempt]:
    """What is kept of a document's attempts, newest first."""
    query = select(WindowAttempt).where(_of(document_id))
    return list(db.session.scalars(query.order_by(WindowAttempt.id.desc()).limit(2 * KEPT)))


def last_words(document_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The last error of each document, where there is one."""
    row, ids = WindowAttempt, list(document_ids)
    owner = func.coalesce(row.document_id, row.tally_id).label("owner")
    query = select(owner, row.detail).ext(distinct_on(owner))
    query = query.where(row.document_id.in_(ids) | row.tally_id.in_(ids), row.detail.is_not(None))
    rows = db.session.execute(query.order_by(owner, row.id.desc()))
    return {found.owner: found.detail for found in rows}


def counts() -> list[Any]:
    """Sendings by transport, kind and outcome."""
    row = SendingCount
    return list(db.session.execute(select(row.transport, row.kind, row.outcome, row.number)))


def dead() -> dict[str, int]:
    """Dead letters by reason, those of declarations that are over left out."""
    query = select(WindowDocument.dead_reason, func.count()).join(Declaration).group_by(WindowDocument.dead_reason)
    query = query.where(WindowDocument.dead_at.is_not(None), Declaration.status.not_in(OVER))
    tallies = select(ArrivalTally.dead_reason, func.count()).where(ArrivalTally.dead_at.is_not(None))
    found: Counter[str] = Counter()
    for each in (query, tallies.group_by(ArrivalTally.dead_reason)):
        found.update({str(reason): number for reason, number in db.session.execute(each)})
    return dict(found)
