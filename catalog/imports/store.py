"""A chunk of rows into the catalogue, in the caller's transaction: new drafts by COPY, changes through `listings`.

Rows are told apart by (merchant, sku). One that says what the listing was last read from is left alone without being
read; one that says what the listing says anyway is left alone too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from catalog import establishments, listings, lots
from catalog.imports.drafts import Judge, Judged
from catalog.imports.entries import Entry
from catalog.models import Listing, ListingVersion
from core import audit, clock
from core.database import new_id

_HEAVY = ("card", "detail", "search", "hindrance", "quality_parts")
_KEPT = [column for column in Listing.__table__.columns if column.name not in _HEAVY]
# The lateral form makes the planner look each sku up in the unique index, whatever it believes of the table's size.
_KNOWN = text(
    "SELECT known.sku, known.id, known.status, known.source_digest FROM unnest(CAST(:skus AS text[])) AS given (sku),"
    " LATERAL (SELECT sku, id, status, source_digest FROM listing"
    " WHERE merchant_id = :merchant_id AND sku = given.sku LIMIT 1) AS known"
)
_REMEMBER = text(
    "UPDATE listing SET source_digest = fresh.digest"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:digests AS bytea[])) AS fresh (id, digest) WHERE listing.id = fresh.id"
)

_ENCODED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # `dumps` would make one for each cell


@dataclass(frozen=True, slots=True)
class Order:
    """Whose listings they are, who answers for it, and what is asked: only to look, to hand in for review."""

    import_id: uuid.UUID
    merchant_id: uuid.UUID
    actor: str
    preview: bool
    submit: bool


@dataclass(slots=True)
class Outcome:
    """What became of the rows of a chunk."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[Judged] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.failed)


def write(session: Session, order: Order, judge: Judge, entries: Sequence[Entry]) -> Outcome:
    """Bring the catalogue to what the rows say. The caller has locked the merchant's imports."""
    outcome = Outcome()
    known = _known(session, order.merchant_id, [entry.sku for entry in entries if entry.fault is None])
    fresh: list[Judged] = []
    there: dict[uuid.UUID, Entry] = {}
    for entry in entries:
        kept = known.get(entry.sku)
        if entry.fault is not None:
            outcome.failed.append(Judged(entry, [entry.fault]))
        elif kept is None:
            fresh.append(judge.new(entry))
        elif kept.source_digest == entry.digest and not (order.submit and kept.status == "draft"):
            outcome.unchanged += 1
        else:
            there[kept.id] = entry
    judge.whole(session, fresh)
    good = [judged for judged in fresh if not judged.faults]
    outcome.failed += [judged for judged in fresh if judged.faults]
    outcome.created = len(good)
    changes = _judged(session, order, judge, there, outcome)
    if not order.preview:
        _create(session, order, good)
        _change(session, order, changes)
        if good or changes:
            counts = {"created": len(good), "updated": len(changes), "rows": [entries[0].row, entries[-1].row]}
            audit.record(session, order.actor, "listings_imported", "listing_import", order.import_id, **counts)
    outcome.failed.sort(key=lambda judged: judged.entry.row)
    return outcome


def _known(session: Session, merchant_id: uuid.UUID, skus: list[str]) -> dict[str, Any]:
    found = session.execute(_KNOWN, {"merchant_id": merchant_id, "skus": skus})
    return {row.sku: row for row in found}


def _judged(
    session: Session, order: Order, judge: Judge, there: Mapping[uuid.UUID, Entry], outcome: Outcome
) -> dict[uuid.UUID, Judged]:
    """Rows about listings that are there: those that change something, by listing; the others go into the outcome."""
    if not there:
        return {}
    statement = select(*_KEPT).where(Listing.id.in_(there)).order_by(Listing.id)
    if not order.preview:
        statement = statement.with_for_update()
    changes: dict[uuid.UUID, Judged] = {}
    same: dict[uuid.UUID, bytes] = {}
    found = {row["id"]: judge.known(there[row["id"]], dict(row)) for row in session.execute(statement).mappings()}
    judge.whole(session, [*found.values()])
    for key, judged in found.items():
        if judged.faults:
            outcome.failed.append(judged)
        elif judged.changed or judged.handed_in:
            changes[key] = judged
        else:
            same[key] = judged.entry.digest
    outcome.updated, outcome.unchanged = len(changes), outcome.unchanged + len(same)
    if same and not order.preview:
        session.execute(_REMEMBER, {"ids": [*same], "digests": [*same.values()]})
    return changes


def _change(session: Session, order: Order, changes: Mapping[uuid.UUID, Judged]) -> None:
    """By the rules of a single change: what the law rests on takes a published listing back to review."""
    if not changes:
        return
    statement = select(Listing).where(Listing.id.in_(changes)).order_by(Listing.id).with_for_update()
    rows = session.scalars(statement.execution_options(populate_existing=True)).all()
    for row in rows:
        if changes[row.id].changed:
            listings.amend(row, changes[row.id].changed)
    lots.keep_rule(session, [row for row in rows if not changes[row.id].changed.keys().isdisjoint(lots.RULE)])
    register = establishments.register_of(session, [row for row in rows if changes[row.id].handed_in])
    for row in rows:
        judged = changes[row.id]
        if judged.handed_in:
            listings.hand_in(row, register)
        row.source_digest = judged.entry.digest
    listings.store_many(session, rows, order.actor)
    _confirm_codes(session, order, [row for row in rows if "hs" in changes[row.id].changed])


def _confirm_codes(session: Session, order: Order, rows: Sequence[Any]) -> None:
    """Keep who chose the goods codes, as is done for a single listing: whoever sends a file answers for what it says.
    One entry for all of them, {code: {listing: version}}, since an entry for each would outweigh the listings."""
    codes: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.hs is not None:
            codes.setdefault(row.hs, {})[str(row.id)] = row.version
    if codes:
        audit.record(session, order.actor, listings.HS_CONFIRMED, "listing_import", order.import_id, codes=codes)


# New listings


def _columns(judged: Sequence[Judged]) -> list[Any]:
    """The columns that any of the new listings fills; the others are NULL."""
    drafts = [vars(each.draft) for each in judged]
    return [column for column in Listing.__table__.columns
            if any(draft[column.name] is not None for draft in drafts)]  # fmt: skip


def _create(session: Session, order: Order, judged: Sequence[Judged]) -> None:
    """By COPY, as fast as rows can be written; constraints and foreign keys hold as for any other row."""
    if not judged:
        return
    now = clock.now()
    for each in judged:
        draft = each.draft
        draft.id, draft.created_at, draft.source_digest = new_id(), now, each.entry.digest
        draft.submitted_at = now if each.handed_in else None
    columns = _columns(judged)
    cursor = session.connection().connection.cursor()
    names = ", ".join(column.name for column in columns)
    with cursor.copy(f"COPY listing ({names}) FROM STDIN") as copy:
        for row in _lines(columns, judged):
            copy.write_row(row)
    versions = ListingVersion.__table__.columns.keys()
    with cursor.copy(f"COPY listing_version ({', '.join(versions)}) FROM STDIN") as copy:
        for each in judged:
            facts = _json(listings.facts_of(each.draft))
            version = {"listing_id": each.draft.id, "version": 1, "at": now, "actor": order.actor, "facts": facts}
            copy.write_row([version[name] for name in versions])
    _confirm_codes(session, order, [each.draft for each in judged])


def _lines(columns: Sequence[Any], judged: Sequence[Judged]) -> Iterator[list[Any]]:
    names = [(column.name, isinstance(column.type, JSONB)) for column in columns]
    for each in judged:
        facts = vars(each.draft)
        yield [_json(facts[name]) if as_json else facts[name] for name, as_json in names]


def _json(value: Any) -> str | None:
    if not value:
        return None if value is None else "[]" if isinstance(value, list) else "{}"
    return _ENCODED(value)
