"""A person's inbox: what was told, newest first, in both languages."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, select, update

from core import clock
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from customs import persons
from shop import cursors
from shop.models import table
from shop.notification_models import Notice
from shop.notifications.kinds import stored


def own_page(account_id: uuid.UUID, unread: bool, limit: int, cursor: str | None) -> dict[str, Any]:
    """Own notices, newest first."""
    statement = select(Notice).where(Notice.account_id == account_id)
    if unread:
        statement = statement.where(Notice.read_at.is_(None))
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Notice.id < seen)
    rows, following = cursors.page(
        db.session.scalars(statement.order_by(Notice.id.desc()).limit(limit + 1)).all(), limit
    )
    return {"items": [_dump(row) for row in rows], "next": following}


def unread(account_id: uuid.UUID, most: int = 100) -> int:
    """How many are not read, counted no further than `most`."""
    waiting = select(Notice.id).where(Notice.account_id == account_id, Notice.read_at.is_(None)).limit(most)
    return int(db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0)


def read(account_id: uuid.UUID, notice_id: uuid.UUID) -> dict[str, Any]:
    """Mark one as read; the first time counts. Raises Problem `not_found`."""
    with transaction() as session:
        own = select(Notice).where(Notice.id == notice_id, Notice.account_id == account_id)
        row = session.scalars(own.with_for_update()).first()
        if row is None:
            raise Problem(NOT_FOUND, "no such notice")
        row.read_at = row.read_at or clock.now()
        return _dump(row)


def read_all(account_id: uuid.UUID) -> None:
    """Mark all as read."""
    with transaction() as session:
        waiting = update(table(Notice)).where(Notice.account_id == account_id, Notice.read_at.is_(None))
        session.execute(waiting.values(read_at=clock.now()))


def _dump(row: Notice) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "at": clock.instant_text(row.at),
        "kind": row.kind,
        **words(row),
        "page": stored("person", row.kind).page(row.facts),
        "data": row.facts,
        "read_at": clock.instant_text(row.read_at),
    }


def words(row: Notice) -> dict[str, dict[str, str]]:
    """`title` and `text` of a notice in both languages; identity numbers never stand in them."""
    kind = stored("person" if row.merchant_id is None else "merchant", row.kind)
    said = {"title": kind.both("subject", row.facts), "text": kind.both("text", row.facts)}
    return {part: {language: persons.veiled(text) for language, text in both.items()} for part, both in said.items()}
