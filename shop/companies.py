"""The company an account buys for: told by the person, verified by an operator; a person acts for one company.

Only a verified company trades with merchants directly. Whoever changes what was verified is looked at again, and an
operator decides on what was read: the version that stood on the screen.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.merchants import WRONG_STATE, checked_uscc
from core import audit, clock
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare
from shop import cursors
from shop.trade_models import Company

COMPANY_REQUIRED = declare("company_required", 403, "Only a verified company may do this")
COMPANY_CHANGED = declare("company_changed", 409, "The company was told anew since you read it")

# decision -> (from, to)
MOVES: dict[str, tuple[str, str]] = {
    "verify": ("submitted", "verified"),
    "reject": ("submitted", "rejected"),
    "suspend": ("verified", "suspended"),
    "reinstate": ("suspended", "verified"),
}
_TOLD_OF_OTHERS = ("verified", "suspended")


def put(account_id: uuid.UUID, registered_name: str, uscc: str) -> dict[str, Any]:
    """Keep the company of an account; told again as it is, nothing changes, told otherwise, it is looked at anew.

    Raises Problem `uscc_wrong`, `wrong_state` while an operator has suspended it.
    """
    told = {"registered_name": registered_name.strip(), "uscc": checked_uscc(uscc)}
    fresh = {"id": new_id(), "account_id": account_id, "status": "submitted", "version": 1}
    with transaction() as session:
        statement = insert(Company).values(**fresh, **told, submitted_at=clock.now())
        statement = statement.on_conflict_do_nothing(index_elements=["account_id"])
        is_new = session.execute(statement.returning(Company.id)).first() is not None
        row = _locked(session, account_id)
        differs = (row.registered_name, row.uscc) != (told["registered_name"], told["uscc"])
        if not is_new and (differs or row.status == "rejected"):
            _tell_anew(row, told)
            is_new = True
        if is_new:
            audit.record(session, str(account_id), "company_submitted", "company", row.id, uscc=row.uscc)
        return dump(row)


def _locked(session: Session, account_id: uuid.UUID) -> Company:
    statement = select(Company).where(Company.account_id == account_id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one()


def _tell_anew(row: Company, told: dict[str, str]) -> None:
    if row.status == "suspended":
        raise Problem(WRONG_STATE, "a company that is suspended cannot be told anew; ask an operator")
    row.registered_name, row.uscc = told["registered_name"], told["uscc"]
    row.status, row.reason, row.decided_at = "submitted", None, None
    row.submitted_at, row.version = clock.now(), row.version + 1


def of_account(account_id: uuid.UUID) -> dict[str, Any] | None:
    """The company of an account, whatever its state, or None."""
    row = db.session.scalars(select(Company).where(Company.account_id == account_id)).first()
    return None if row is None else dump(row)


def own(account_id: uuid.UUID) -> dict[str, Any]:
    """The same. Raises Problem `not_found` before one was told."""
    found = of_account(account_id)
    if found is None:
        raise Problem(NOT_FOUND, "no company was told yet")
    return found


def verified(session: Session, account_id: uuid.UUID, *, lock: bool = False) -> Company:
    """The verified company of an account; with `lock`, it stays as it is until the caller's transaction ends.

    Raises Problem `company_required`.
    """
    statement = select(Company).where(Company.account_id == account_id).execution_options(populate_existing=True)
    row = session.scalars(statement.with_for_update() if lock else statement).first()
    if row is None:
        raise Problem(COMPANY_REQUIRED, "tell your company's name and credit code first; an operator verifies it")
    if row.status != "verified":
        raise Problem(COMPANY_REQUIRED, f"your company is {row.status}, not verified", company_status=row.status)
    return row


def decide(actor: str, company_id: uuid.UUID, decision: str, reason: str, version: int) -> dict[str, Any]:
    """Verify, reject, suspend or reinstate. Raises Problem `not_found`, `wrong_state`, `company_changed`."""
    source, to = MOVES[decision]
    with transaction() as session:
        statement = (
            update(Company)
            .where(Company.id == company_id, Company.status == source, Company.version == version)
            .values(status=to, reason=reason, decided_at=clock.now())
            .returning(Company)
        )
        row = session.scalars(statement).first()
        if row is None:
            raise _refusal(session, company_id, decision, version)
        audit.record(session, actor, f"company_{to}", "company", company_id, reason=reason, uscc=row.uscc)
        return dump(row)


def _refusal(session: Session, company_id: uuid.UUID, decision: str, version: int) -> Problem:
    row = session.get(Company, company_id)
    if row is None:
        return Problem(NOT_FOUND, "no such company")
    if row.version != version:
        return Problem(COMPANY_CHANGED, f"version {row.version} stands now", version=row.version)
    return Problem(WRONG_STATE, f"a company that is {row.status} cannot be moved by {decision}")


def page_of(status: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """Companies of a status, oldest first, each with how many others are verified and suspended under its code."""
    statement = select(Company).where(Company.status == status).order_by(Company.id).limit(limit + 1)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Company.id > seen)
    rows, following = cursors.page(db.session.scalars(statement).all(), limit)
    codes = {row.uscc for row in rows}
    known = select(Company.uscc, Company.status, func.count()).where(Company.uscc.in_(codes))
    known = known.where(Company.status.in_(_TOLD_OF_OTHERS)).group_by(Company.uscc, Company.status)
    found = {(uscc, status): count for uscc, status, count in db.session.execute(known)}
    return {"items": [{**dump(row), **_others(row, found)} for row in rows], "next": following}


def _others(row: Company, found: dict[tuple[str, str], int]) -> dict[str, int]:
    return {f"also_{each}": found.get((row.uscc, each), 0) - (row.status == each) for each in _TOLD_OF_OTHERS}


def dump(row: Company) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "registered_name": row.registered_name,
        "uscc": row.uscc,
        "status": row.status,
        "version": row.version,
        "reason": row.reason,
        "submitted_at": clock.instant_text(row.submitted_at),
        "decided_at": clock.instant_text(row.decided_at),
    }
