"""Dead letters as operators and the customs desk see them: what, for which order, why, and what was tried."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, func, select

from core import clock
from core.database import db
from core.errors import NOT_FOUND, Problem
from customs.dead_letters import attempts
from customs.dead_letters.attempts import Sent
from customs.dead_letters.rules import LIMITS
from customs.declarations import OVER
from customs.models import Declaration, WindowDocument
from customs.zone_stock_models import ArrivalTally


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; `after` is the id of the last one seen."""

    reason: str | None = None
    kind: str | None = None
    order: str | None = None
    after: uuid.UUID | None = None


def dead_ones() -> Select[WindowDocument, Declaration]:
    """Dead letters somebody can still do something about: what a declaration that is over had to say is past."""
    both = select(WindowDocument, Declaration).select_from(WindowDocument)
    joined = both.join(Declaration, Declaration.id == WindowDocument.declaration_id)
    return joined.where(WindowDocument.dead_at.is_not(None), Declaration.status.not_in(OVER))


def fitting(wanted: Filter) -> Select[WindowDocument, Declaration]:
    """Those that fit the filter."""
    query = dead_ones()
    if wanted.reason is not None:
        query = query.where(WindowDocument.dead_reason == wanted.reason)
    if wanted.kind is not None:
        query = query.where(WindowDocument.kind == wanted.kind)
    if wanted.order is not None:
        query = query.where(Declaration.order_number == wanted.order)
    if wanted.after is not None:
        query = query.where(WindowDocument.id < wanted.after)
    return query


def fitting_tallies(wanted: Filter) -> Select[ArrivalTally]:
    """Dead tallies that fit the filter; a tally is of a crossing, and of no one order."""
    row = ArrivalTally
    query = select(row).where(row.dead_at.is_not(None))
    if wanted.reason is not None:
        query = query.where(row.dead_reason == wanted.reason)
    if wanted.kind not in (None, row.kind) or wanted.order is not None:
        query = query.where(false())
    if wanted.after is not None:
        query = query.where(row.id < wanted.after)
    return query


def listing(wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """Dead letters, newest document first, each with the last error."""
    query, tallies = fitting(wanted), fitting_tallies(wanted)
    found: list[tuple[Sent, Declaration | None]] = [
        *((row[0], row[1]) for row in db.session.execute(query.order_by(WindowDocument.id.desc()).limit(limit))),
        *((tally, None) for tally in db.session.scalars(tallies.order_by(ArrivalTally.id.desc()).limit(limit))),
    ]
    found = sorted(found, key=lambda each: each[0].id, reverse=True)[:limit]
    words = attempts.last_words(document.id for document, _ in found)
    return [_dump(document, declaration, words.get(document.id)) for document, declaration in found]


def number(wanted: Filter) -> int:
    """How many fit the filter."""
    both = fitting(wanted), fitting_tallies(wanted)
    return sum(db.session.scalar(query.with_only_columns(func.count())) or 0 for query in both)


def one(document_id: uuid.UUID) -> dict[str, Any]:
    """A dead letter with what is kept of its attempts, newest first. Raises Problem `not_found`."""
    document: Sent | None
    declaration: Declaration | None
    row = db.session.execute(dead_ones().where(WindowDocument.id == document_id)).first()
    if row is not None:
        document, declaration = row
    else:
        tallies = fitting_tallies(Filter()).where(ArrivalTally.id == document_id)
        document, declaration = db.session.scalars(tallies).first(), None
    if document is None:
        raise Problem(NOT_FOUND, "no such dead letter")
    tried = attempts.of_document(document_id)
    last = next((each.detail for each in tried if each.detail), None)
    return _dump(document, declaration, last) | {
        "attempts": [
            {
                "at": clock.instant_text(each.at),
                "transport": each.transport,
                "outcome": each.outcome,
                "detail": each.detail,
            }
            for each in tried
        ]
    }


def _dump(document: Sent, declaration: Declaration | None, last_error: str | None) -> dict[str, Any]:
    return {
        "id": str(document.id),
        "declaration": str(declaration.id) if declaration else None,
        "order": declaration.order_number if declaration else None,
        "shipment": str(document.shipment_id) if isinstance(document, ArrivalTally) else None,
        "kind": document.kind,
        "guid": document.guid,
        "status": document.status,
        "reason": document.dead_reason,
        "since": clock.instant_text(document.dead_at),
        "first_sent_at": clock.instant_text(document.first_sent_at),
        "tries": document.tries,
        "last_error": last_error,
    }


def limits() -> dict[str, dict[str, int]]:
    """The rule, for the page: hours without a sign of life, and tries at least."""
    return {
        name: {"hours": int(limit.after.total_seconds()) // 3600, "tries": limit.tries}
        for name, limit in LIMITS.items()
    }
