"""A guarantee that is entered while lists are under way: those it secures are kept of it from the beginning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ScalarSelect, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from core import clock
from core.errors import invalid
from core.money import fen_text
from customs.guarantee.reserve import guarantor_of
from customs.models import Declaration, DeclarationLine, TaxBill
from customs.money_models import Guarantee, GuaranteeHold

UNDER_WAY = ("filed", "declared", "held", "released", "closed")
_BATCH = 500


def adopt(session: Session, row: Guarantee) -> None:
    """Keep what lists filed before need of it. Raises Problem `invalid_input` when it is too small for them."""
    total, rows = 0, []
    for hold in _holds(session, row):
        total += hold["amount_fen"]
        rows.append(hold)
        if len(rows) == _BATCH:
            session.execute(insert(GuaranteeHold), rows)
            rows = []
    if total > row.amount_fen:
        raise invalid("amount", f"lists that are under way need {fen_text(total)} already")
    if rows:
        session.execute(insert(GuaranteeHold), rows)
    used = update(Guarantee).where(Guarantee.id == row.id).values(in_use_fen=total)
    session.execute(used.execution_options(synchronize_session=False))


def _holds(session: Session, row: Guarantee) -> Iterator[dict[str, Any]]:
    """The lists of the guarantor at the office that are filed, not settled, and kept of no guarantee."""
    settled = select(TaxBill.id).where(TaxBill.declaration_id == Declaration.id, TaxBill.status == "consolidated")
    kept = select(GuaranteeHold.declaration_id).where(GuaranteeHold.declaration_id == Declaration.id)
    under_way = (
        Declaration.kind == "retail",
        Declaration.office == row.office,
        Declaration.status.in_(UNDER_WAY),
        ~settled.exists(),
        ~kept.exists(),
    )
    # Locked first, then read: one that is settled meanwhile is seen to be, one that is settled later finds its hold.
    mine = select(Declaration.id).where(*under_way).order_by(Declaration.id).with_for_update()
    session.execute(select(func.count()).select_from(mine.subquery()))
    lists = select(Declaration, _tax()).where(*under_way)
    for declaration, tax in session.execute(lists.execution_options(yield_per=_BATCH)):
        if tax and guarantor_of(session, declaration).code == row.code:
            about = {"declaration_id": declaration.id, "guarantee_id": row.id, "amount_fen": int(tax)}
            yield {**about, "state": "reserved", "changed_at": clock.now()}


def _tax() -> ScalarSelect[int]:
    """What is to be paid for a list, what went back taken off (as `reserve.tax_of`)."""
    part = aliased(Declaration)
    back = (part.kind == "retail_return") & (part.order_number == Declaration.order_number)
    lines = select(func.coalesce(func.sum(DeclarationLine.tax_fen), 0))
    lines = lines.join(part, part.id == DeclarationLine.declaration_id)
    return lines.where((part.id == Declaration.id) | back).correlate(Declaration).scalar_subquery()
