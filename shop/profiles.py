"""What a person sees about themselves: account, identity, yearly allowance."""

from __future__ import annotations

import uuid
from typing import Any

from catalog import merchants
from core import clock
from core.accounts import ROLES, Actor
from core.errors import NOT_FOUND, Problem
from customs import allowance_views, edition, persons
from shop import allowance_disputes


def me(actor: Actor) -> dict[str, Any]:
    member = merchants.membership(actor.id)
    return {
        "id": str(actor.id),
        "email": actor.email,
        "name": actor.name,
        "roles": [role for role in ROLES if role in actor.roles],
        "merchant": None if member is None else {name: member[name] for name in ("id", "name", "role")},
    }


def identity(account_id: uuid.UUID) -> dict[str, Any]:
    """The identity with its number masked. Raises Problem `not_found` before it was given."""
    known = persons.identity_of(account_id)
    if known is None:
        raise Problem(NOT_FOUND, "no identity was given yet")
    return known.as_answer()


def allowance_of(account_id: uuid.UUID, year: int) -> dict[str, Any]:
    """The allowance of a Beijing year under the limit in force at its end, or today for the running year."""
    known = persons.identity_of(account_id)
    today = clock.today()
    day = today if year == today.year else today.replace(year=year, month=12, day=31)
    limit = edition.tariff().retail_limits(day).annual_fen
    found = allowance_views.statement(known.person_id if known else None, year, limit, account_id=account_id)
    return {**found, "entries": allowance_disputes.marked(found["entries"])}
