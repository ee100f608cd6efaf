"""What a person puts right of one list's guarantee, as the nightly check tells it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.database import transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text
from customs.guarantee import reserve
from customs.guarantee.adoption import UNDER_WAY
from customs.models import Declaration, TaxBill
from customs.money_models import GuaranteeHold
from customs.sending import gated

NEEDED = declare("guarantee_needed", 409, "The list still needs what it keeps of the guarantee")
NOT_NEEDED = declare("guarantee_not_needed", 409, "The list needs no guarantee")

REASON_MOST = 200
_OVER = ("cancelled", "rejected", "returned_abroad")


def release(actor: str, number: str, reason: str) -> int:
    """Give back what a list keeps that has ended without tax or whose bill is consolidated; returns the fen given.

    Raises Problem `not_found`, also when nothing is kept, `guarantee_needed`, `invalid_input`.
    """
    reason = _reason(reason)
    with transaction() as session:
        declaration = _list(session, number)
        over = declaration.status in _OVER and declaration.mend_until is None
        if not over and not _consolidated(session, declaration):
            raise Problem(NEEDED, f"{number} is {declaration.status} and its bill is not consolidated")
        given = reserve.release(session, declaration.id, actor=actor, reference=reason)
        if not given:
            raise Problem(NOT_FOUND, f"nothing is kept of a guarantee for {number}")
        about = {"declaration": number, "amount": fen_text(given), "reason": reason}
        audit.record(session, actor, "guarantee_released", "declaration", declaration.id, **about)
        return given


def keep(actor: str, number: str, reason: str) -> int:
    """Keep the tax of a list that is under way and keeps nothing; returns the fen kept now.

    Raises Problem `not_found`, also when its guarantor has no guarantee, `guarantee_not_needed`,
    `guarantee_exceeded`, `invalid_input`.
    """
    reason = _reason(reason)
    with transaction() as session:
        declaration = _list(session, number)
        if declaration.status not in UNDER_WAY or _consolidated(session, declaration):
            raise Problem(NOT_NEEDED, f"{number} is {declaration.status}, or its bill is consolidated")
        if reserve.of_declaration(session, declaration) is None:
            raise Problem(NOT_FOUND, f"no guarantee is entered for the guarantor of {number}")
        reserve.reserve(session, declaration)
        hold = session.get_one(GuaranteeHold, declaration.id, populate_existing=True)
        about = {"declaration": number, "amount": fen_text(hold.amount_fen), "reason": reason}
        audit.record(session, actor, "guarantee_kept", "declaration", declaration.id, **about)
        return hold.amount_fen


def _list(session: Session, number: str) -> Declaration:
    """The list behind the lock of its order and its own, as filing takes them."""
    wanted = select(Declaration.id).where(Declaration.number == number, Declaration.kind == "retail")
    declaration_id = session.scalar(wanted)
    if declaration_id is None:
        raise Problem(NOT_FOUND, "no retail list has this number")
    return gated(session, declaration_id)


def _consolidated(session: Session, declaration: Declaration) -> bool:
    bills = select(TaxBill.id).where(TaxBill.declaration_id == declaration.id, TaxBill.status == "consolidated")
    return session.scalars(bills.limit(1)).first() is not None


def _reason(text: str) -> str:
    reason = text.strip()
    if not 0 < len(reason) <= REASON_MOST:
        raise invalid("reason", f"must have 1 to {REASON_MOST} characters")
    return reason
