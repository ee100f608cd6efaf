"""Giving up a declaration that customs sent back: by a person, or when its time is over. Then the order is refunded."""

from __future__ import annotations

import uuid
from datetime import datetime

import structlog
from sqlalchemy import select

from core import audit, clock
from core.database import db, end_read, transaction
from core.errors import Problem
from core.jobs import task
from customs.declarations import TOO_LATE
from customs.models import Declaration
from customs.notices import announce
from customs.persons import veiled
from customs.sending import gated

log = structlog.get_logger()

_BATCH = 100


def give_up(declaration_id: uuid.UUID, actor: str, reason: str, *, late_at: datetime | None = None) -> None:
    """It will not be filed again; with `late_at` only when its time was over by then.

    Raises Problem `not_found`, or `declaration_state` when nothing waits for that.
    """
    with transaction() as session:
        declaration = gated(session, declaration_id)
        until = declaration.mend_until
        if until is None or (late_at is not None and until > late_at):
            raise Problem(TOO_LATE, f"a declaration that is {declaration.status} has nothing to give up")
        declaration.mend_until = None
        audit.record(session, actor, "declaration_given_up", "declaration", declaration_id, reason=veiled(reason))
        announce(session, declaration, "rejected", at=clock.instant_text(clock.now()), detail=declaration.status_info)


@task("customs.give_up_rejected", schedule="* * * * *", alone=True)
def give_up_rejected() -> None:
    """What nobody has mended in time is over."""
    now = clock.now()
    query = select(Declaration.id).where(Declaration.mend_until <= now).order_by(Declaration.mend_until)
    late = db.session.scalars(query.limit(_BATCH)).all()
    end_read()
    for declaration_id in late:
        try:
            give_up(declaration_id, "clock", "not corrected in time", late_at=now)
        except Problem:  # filed again or given up a moment ago, or sent back anew with time of its own
            continue
        except Exception:
            log.exception("not_given_up", declaration=str(declaration_id))
