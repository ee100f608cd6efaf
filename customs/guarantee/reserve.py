"""What a list takes of its guarantor's guarantee: from its filing until its bill is paid or it ends without tax.

A bill counts as paid when customs has consolidated it under a payment number (818), the last it tells of a bill.

The amount in use changes by one conditional UPDATE behind a CHECK, so lists filed at the same moment cannot take more
than is there. Where no guarantee is entered for the guarantor and the office, nothing is kept.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import clock, jobs
from core.errors import Problem, declare
from core.money import fen_text
from customs import filing_documents
from customs.models import Declaration, DeclarationLine, Warehouse
from customs.money_models import Guarantee, GuaranteeEntry, GuaranteeHold, GuaranteeWait
from customs.notices import subscribe as hear_notices
from customs.window.facts import Company

EXCEEDED = declare("guarantee_exceeded", 409, "The guarantee has no room for the tax of this list")

FILING, CUSTOMS = "filing", "customs"
GO_ON = "customs.guarantee_go_on"


@dataclass(frozen=True, slots=True)
class Alert:
    """A guarantee runs out: `low` above its threshold, `exhausted` when a list found no room."""

    kind: str
    guarantee_id: uuid.UUID
    name: str
    office: str
    in_use_fen: int
    amount_fen: int


Listener = Callable[[Session, Alert], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> None:
    """Hear of guarantees that run out, in the transaction that finds it."""
    if listener not in _listeners:
        _listeners.append(listener)


def guarantor_of(session: Session, declaration: Declaration) -> Company:
    """Who guarantees a list, as it names it (assureCode)."""
    place, own = session.get_one(Warehouse, declaration.warehouse_id), filing_documents.parties()
    role = place.guarantor or own.guarantor
    if role == "merchant":
        return Company(declaration.snapshot["merchant_code"], declaration.merchant_name)
    if role == "platform":
        return own.platform
    carrier = place.logistics_code and place.logistics_name
    return Company(place.logistics_code or "", place.logistics_name or "") if carrier else own.logistics


def of_declaration(session: Session, declaration: Declaration) -> Guarantee | None:
    """The guarantee a list is filed under; None where none is entered."""
    code = guarantor_of(session, declaration).code
    query = select(Guarantee).where(Guarantee.code == code, Guarantee.office == declaration.office)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def reserve(session: Session, declaration: Declaration) -> None:
    """Keep the tax of a list that is about to be filed. Raises Problem `guarantee_exceeded` when there is no room.

    Filed again it keeps what it declares now, in place of what it kept before. The caller holds the declaration.
    """
    row = of_declaration(session, declaration)
    if row is None:
        return
    tax, kept = tax_of(session, declaration), _kept(session, declaration.id, row.id)
    _take(session, row, tax - kept)
    _keep(session, declaration.id, row.id, tax)
    session.execute(delete(GuaranteeWait).where(GuaranteeWait.declaration_id == declaration.id))
    if tax != kept:
        note(session, row.id, "reserved", tax - kept, FILING, declaration.id)


def _kept(session: Session, declaration_id: uuid.UUID, guarantee_id: uuid.UUID) -> int:
    """What the list keeps of this guarantee already; of another one, since the guarantor changed, it is given back."""
    hold = session.get(GuaranteeHold, declaration_id, with_for_update=True, populate_existing=True)
    if hold is None or hold.state != "reserved":
        return 0
    if hold.guarantee_id != guarantee_id:
        release(session, declaration_id)
        return 0
    return hold.amount_fen


def _take(session: Session, row: Guarantee, more: int) -> None:
    """Add to what is in use, if there is room for it."""
    statement = (
        update(Guarantee)
        .where(Guarantee.id == row.id, Guarantee.in_use_fen + more <= Guarantee.amount_fen)
        .values(in_use_fen=Guarantee.in_use_fen + more)
        .returning(Guarantee.in_use_fen, Guarantee.amount_fen)
        .execution_options(synchronize_session=False)
    )
    done = session.execute(statement).first()
    if done is None:
        session.refresh(row)
        raise Problem(EXCEEDED, words(row, more), left=fen_text(row.amount_fen - row.in_use_fen))
    in_use, amount = done
    if (in_use - more) * 100 < row.alert_percent * amount <= in_use * 100:
        note(session, row.id, "alert", in_use, FILING)
        tell(session, Alert("low", row.id, row.name, row.office, in_use, amount))


def words(row: Guarantee, needed: int) -> str:
    """Why a list cannot be filed, for an operator."""
    free, whole = fen_text(row.amount_fen - row.in_use_fen), fen_text(row.amount_fen)
    return (
        f"the guarantee of {row.name} ({row.code}) at office {row.office} has {free} of {whole} CNY left, the list"
        f" needs {fen_text(needed)}; it is filed by itself when the guarantee is refilled or other bills are settled"
    )


def _keep(session: Session, declaration_id: uuid.UUID, guarantee_id: uuid.UUID, amount_fen: int) -> None:
    values = {"guarantee_id": guarantee_id, "amount_fen": amount_fen, "state": "reserved", "changed_at": clock.now()}
    fresh = upsert(GuaranteeHold).values(declaration_id=declaration_id, **values)
    session.execute(fresh.on_conflict_do_update(index_elements=[GuaranteeHold.declaration_id], set_=values))


def release(
    session: Session,
    declaration_id: uuid.UUID,
    left_fen: int = 0,
    actor: str = CUSTOMS,
    reference: str | None = None,
) -> int:
    """Give back what a list keeps, but for `left_fen`; returns the fen given. Again it gives nothing."""
    session.execute(delete(GuaranteeWait).where(GuaranteeWait.declaration_id == declaration_id))
    hold = session.get(GuaranteeHold, declaration_id, with_for_update=True, populate_existing=True)
    if hold is None or hold.state != "reserved":
        return 0
    given = hold.amount_fen - min(left_fen, hold.amount_fen)
    hold.amount_fen, hold.changed_at = (hold.amount_fen - given, clock.now()) if left_fen else (given, clock.now())
    hold.state = "reserved" if left_fen else "released"
    session.flush()
    back = update(Guarantee).where(Guarantee.id == hold.guarantee_id)
    back = back.values(in_use_fen=Guarantee.in_use_fen - given)
    session.execute(back.execution_options(synchronize_session=False))
    if given:
        note(session, hold.guarantee_id, "released", given, actor, declaration_id, reference)
        wake(session, hold.guarantee_id)
    return given


def tax_of(session: Session, declaration: Declaration) -> int:
    """What is to be paid for a list, what went back taken off, in fen."""
    lines = select(func.coalesce(func.sum(DeclarationLine.tax_fen), 0)).join(
        Declaration, Declaration.id == DeclarationLine.declaration_id
    )
    back = (Declaration.kind == "retail_return") & (Declaration.order_number == declaration.order_number)
    return int(session.scalar(lines.where((Declaration.id == declaration.id) | back)) or 0)


def note(
    session: Session,
    guarantee_id: uuid.UUID,
    kind: str,
    amount_fen: int,
    actor: str,
    declaration_id: uuid.UUID | None = None,
    reference: str | None = None,
) -> None:
    """One line of the guarantee's log."""
    about = {"declaration_id": declaration_id, "actor": actor, "reference": reference}
    session.add(GuaranteeEntry(guarantee_id=guarantee_id, at=clock.now(), kind=kind, amount_fen=amount_fen, **about))
    session.flush()


def tell(session: Session, alert: Alert) -> None:
    for listener in _listeners:
        listener(session, alert)


def wake(session: Session, guarantee_id: uuid.UUID) -> None:
    """There is room again: lists that wait for it go on."""
    waits = select(GuaranteeWait.declaration_id).where(GuaranteeWait.guarantee_id == guarantee_id).limit(1)
    if session.scalar(waits) is not None:
        jobs.defer(session, GO_ON, lock=GO_ON)


def on_notice(session: Session, _order_number: str, state: str, info: dict[str, Any]) -> None:
    """A bill that stands in a payment and a list that ended without tax need none; returned goods need less."""
    declaration_id = uuid.UUID(info["declaration"])
    if info.get("mend_until") is not None:
        return  # sent back to be corrected: it is filed again
    if state != "returned":
        release(session, declaration_id)
    else:
        declaration = session.get_one(Declaration, declaration_id)
        release(session, declaration_id, max(0, tax_of(session, declaration)))


hear_notices(on_notice, states=("tax_settled", "cancelled", "rejected", "returned_abroad", "returned"))
