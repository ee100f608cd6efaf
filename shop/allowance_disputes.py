"""A person says that an entry of the yearly allowance was not theirs: an operator looks into it.

An entry is disputed once, whichever account of the person says so; once closed it can be disputed again. The operator
sees the order and who placed it, the person only that it was reported.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, clock
from core.accounts import Actor
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from core.money import fen_text
from customs import allowance_views
from customs.models import AccountPerson, AllowanceEntry
from shop import incidents, notify
from shop.models import Incident

KIND = "allowance_disputed"


def dispute(actor: Actor, entry_id: int, reason: str) -> dict[str, Any]:
    """Report an entry of the person behind the account; said twice it is one report. Raises Problem `not_found`."""
    with transaction() as session:
        person_id = session.scalar(select(AccountPerson.person_id).where(AccountPerson.account_id == actor.id))
        entry = None if person_id is None else allowance_views.entry_of(person_id, entry_id)
        if entry is None:
            raise Problem(NOT_FOUND, "the allowance has no such entry")
        if incidents.record(session, KIND, "allowance_entry", str(entry.id), **_detail(actor, entry, reason)):
            audit.record(session, str(actor.id), KIND, "allowance_entry", str(entry.id), order=entry.order_number)
        answer = allowance_views.dump(entry, actor.id)
    return {**answer, "dispute": "open"}


def _detail(actor: Actor, entry: AllowanceEntry, reason: str) -> dict[str, Any]:
    """What the operator needs; no number, no name."""
    return {
        "order": entry.order_number,
        "placed_by": str(entry.account_id),
        "disputed_by": str(actor.id),
        "person": str(entry.person_id),
        "amount": fen_text(entry.amount_fen),
        "day": clock.beijing_day(entry.at).isoformat(),
        "entry": entry.kind,
        "reason": reason,
    }


def marked(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of a statement with `dispute`: None, `open` or `closed`."""
    found = list(entries)
    ids = [str(entry["id"]) for entry in found]
    query = select(Incident.object_id, Incident.closed_at).where(Incident.kind == KIND, Incident.object_id.in_(ids))
    rows = db.session.execute(query).all() if ids else []
    states = {object_id: "open" if closed_at is None else "closed" for object_id, closed_at in rows}
    return [{**entry, "dispute": states.get(str(entry["id"]))} for entry in found]


def _closed(session: Session, row: Incident) -> None:
    """Who has reported it hears that it was looked into; what was found is the operator's to write."""
    detail = row.detail
    notify.person(
        session,
        uuid.UUID(detail["disputed_by"]),
        "allowance_dispute_closed",
        amount=detail["amount"],
        day=detail["day"],
    )


incidents.at_end(KIND, _closed)
