"""Lists that found no room: they wait, the oldest first, and go on by themselves when there is some."""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import db, end_read, transaction
from customs.guarantee.reserve import FILING, GO_ON, Alert, note, of_declaration, tax_of, tell, wake
from customs.models import Declaration
from customs.money_models import Guarantee, GuaranteeWait
from customs.sending import gated

log = structlog.get_logger()

_BATCH = 200


def block(session: Session, declaration: Declaration, reason: str) -> None:
    """The list waits as `failed` with words for an operator; nobody is told of each, but of the guarantee once."""
    declaration.status, declaration.status_info = "failed", reason[:1000]
    audit.record(session, FILING, "filing_blocked", "declaration", declaration.id, reason=reason[:1000])
    row = of_declaration(session, declaration)
    if row is None:
        return
    amount = tax_of(session, declaration)
    values = {"guarantee_id": row.id, "amount_fen": amount, "since": clock.now()}
    fresh = upsert(GuaranteeWait).values(declaration_id=declaration.id, **values)
    session.execute(fresh.on_conflict_do_nothing(index_elements=[GuaranteeWait.declaration_id]))
    note(session, row.id, "blocked", amount, FILING, declaration.id)
    tell(session, Alert("exhausted", row.id, row.name, row.office, row.in_use_fen, row.amount_fen))
    if row.in_use_fen + amount <= row.amount_fen:  # refilled in between
        wake(session, row.id)


@jobs.task(GO_ON, schedule="* * * * *", alone=True)
def go_on() -> None:
    """File what there is room for now; a list that finds it taken after all waits again."""
    rows = db.session.execute(select(Guarantee.id, Guarantee.amount_fen, Guarantee.in_use_fen)).all()
    end_read()
    for guarantee_id, amount, in_use in rows:
        for declaration_id in _fitting(guarantee_id, amount, amount - in_use):
            _take_up(declaration_id)


def _fitting(guarantee_id: uuid.UUID, most: int, free: int) -> list[uuid.UUID]:
    """The oldest that fit together: one that does not fit keeps its turn, but for one that never can."""
    query = select(GuaranteeWait.declaration_id, GuaranteeWait.amount_fen)
    waiting = query.where(GuaranteeWait.guarantee_id == guarantee_id, GuaranteeWait.amount_fen <= most)
    found: list[uuid.UUID] = []
    for declaration_id, amount in db.session.execute(
        waiting.order_by(GuaranteeWait.since, GuaranteeWait.declaration_id).limit(_BATCH)
    ):
        if amount > free:
            break
        free -= amount
        found.append(declaration_id)
    end_read()
    return found


def _take_up(declaration_id: uuid.UUID) -> None:
    with transaction() as session:
        declaration = gated(session, declaration_id)
        session.execute(delete(GuaranteeWait).where(GuaranteeWait.declaration_id == declaration_id))
        if declaration.status != "failed":
            return
        declaration.status, declaration.status_info, declaration.filing_faults = "pending", None, None
        audit.record(session, FILING, "filing_goes_on", "declaration", declaration_id)
        jobs.defer(session, "customs.file", declaration_id=str(declaration_id))
    log.info("filing_goes_on", declaration=str(declaration_id))
