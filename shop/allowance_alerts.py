"""Telling people that their yearly allowance was used or given back: every account of the person, in the same breath.

The account that bought learns the order's number. The person's other accounts learn amount and day and that another
account drew on it, so that somebody whose identity is used by a stranger hears of it at once.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from core import clock
from core.database import run
from core.money import fen_text
from customs.allowance import Change
from shop import notify

_ACCOUNTS = "SELECT account_id FROM account_person WHERE person_id = %(person)s"


def tell(session: Session, change: Change) -> None:
    """Two statements: who the person's accounts are, and their notices."""
    others = {row.account_id for row in run(session, _ACCOUNTS, {"person": change.person_id})} - {change.account_id}
    kind = "allowance_used" if change.kind == "used" else "allowance_given_back"
    facts = {
        "amount": fen_text(change.amount_fen),
        "remaining": fen_text(max(0, change.left_fen)),
        "year": change.year,
    }
    told: list[tuple[uuid.UUID, str, dict[str, Any]]] = [
        (change.account_id, kind, {**facts, "number": change.order_number})
    ]
    elsewhere = {**facts, "day": clock.today().isoformat()}
    told += [(account_id, f"{kind}_elsewhere", elsewhere) for account_id in sorted(others)]
    notify.people(session, told)
