"""Merchants: who may sell. An application is checked, then an operator decides; suspension empties the shelves at once.

The same fees and rules hold for every merchant (`policy`), and no rank depends on who one is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import stdnum.cn.uscc
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from stdnum.exceptions import ValidationError

from catalog.models import Listing, Merchant, MerchantMember
from core import audit, clock, paging
from core.accounts import FORBIDDEN, ensure_role
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from customs import edition

USCC_WRONG = declare("uscc_wrong", 422, "The unified social credit code does not stand")
MERCHANT_EXISTS = declare("merchant_exists", 409, "This enterprise or account has a merchant already")
MERCHANT_CLOSED = declare("merchant_not_approved", 409, "The merchant is not admitted to sell")
WRONG_STATE = declare("wrong_state", 409, "The state of the object does not allow this")

# decision -> (from, to)
MOVES: dict[str, tuple[tuple[str, ...], str]] = {
    "approve": (("submitted",), "approved"),
    "reject": (("submitted",), "rejected"),
    "suspend": (("approved",), "suspended"),
    "reinstate": (("suspended",), "approved"),
}


_suspended: list[Callable[[Session, uuid.UUID], None]] = []


def on_suspension(listener: Callable[[Session, uuid.UUID], None]) -> None:
    """Tell `listener` of each merchant that is suspended, in the transaction that does it."""
    _suspended.append(listener)


def checked_uscc(text: str, field: str = "uscc") -> str:
    """The code in its one spelling. Raises Problem `uscc_wrong` (GB 32100-2015: form and check character)."""
    try:
        return str(stdnum.cn.uscc.validate(text))
    except ValidationError:
        rule = "must be 18 characters with the right check character (GB 32100-2015)"
        raise invalid(field, rule, USCC_WRONG) from None


def apply(user_id: uuid.UUID, values: dict[str, Any], *, merchant_id: uuid.UUID | None = None) -> dict[str, Any]:
    """Hand in an application; the applicant becomes its owner. A foreign company is known by country and
    `foreign_registration_no`, and by the agent who answers for it here.

    Raises Problem `uscc_wrong`, `merchant_exists`, `invalid_input` for a country that customs does not know.
    """
    row = Merchant(
        id=merchant_id or new_id(),
        registered_name=values["registered_name"],
        customs_code=values["customs_code"],
        contact=values["contact"],
        **_registration(values),
        **_account(values.get("payout")),
        status="submitted",
        submitted_by=user_id,
        submitted_at=clock.now(),
    )
    try:
        with transaction() as session:
            leave_rejected(session, user_id)
            session.add(row)
            session.flush()  # the membership below points at it
            member = {"user_id": user_id, "merchant_id": row.id, "role": "owner", "joined_at": clock.now()}
            session.execute(insert(MerchantMember).values(**member))
            known_by = {"uscc": row.uscc} if row.uscc else {"foreign": row.foreign_registration_no}
            audit.record(session, str(user_id), "merchant_submitted", "merchant", row.id, **known_by)
            return dump(row)
    except IntegrityError:
        field = "uscc" if row.uscc else "foreign_registration_no"
        raise Problem(MERCHANT_EXISTS, errors={field: ["is taken, or the account has a merchant"]}) from None


def _registration(values: dict[str, Any]) -> dict[str, Any]:
    """Under which number the enterprise is registered, and who its domestic agent is."""
    agent = values.get("domestic_agent")
    if isinstance(agent, dict) and agent.get("uscc"):
        agent = {**agent, "uscc": checked_uscc(agent["uscc"], "domestic_agent.uscc")}
    if values.get("uscc") is not None:
        return {"uscc": checked_uscc(values["uscc"]), "country": "CN", "domestic_agent": agent}
    country = values["country"]
    if country not in edition.tariff().countries:
        raise invalid("country", f"{country} is no country of the customs list")
    number = " ".join(values["foreign_registration_no"].split()).upper()
    return {"foreign_registration_no": number, "country": country, "domestic_agent": agent}


def _account(payout: dict[str, Any] | None) -> dict[str, Any]:
    """Where the merchant is paid: one Stripe account, or one account at a bank."""
    if payout is None:
        return {}
    if payout["kind"] == "stripe":
        return {"stripe_account": payout["account"], "bank_account": None}
    return {"stripe_account": None, "bank_account": {name: payout[name] for name in ("bank", "holder", "account")}}


def change_own(user_id: uuid.UUID, merchant_id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    """Change contact or account; what an operator has examined (name, numbers, agent) stays as it was examined."""
    with transaction() as session:
        row = session.get_one(Merchant, merchant_id, with_for_update=True, populate_existing=True)
        if values.get("contact") is not None:
            row.contact = values["contact"]
        for name, value in _account(values.get("payout")).items():
            setattr(row, name, value)
        # The log tells that the account changed and by whom, not its number.
        audit.record(session, str(user_id), "merchant_changed", "merchant", row.id, fields=sorted(values))
        return dump(row)


def leave_rejected(session: Session, user_id: uuid.UUID) -> None:
    """Someone whose application was refused may hand in another."""
    refused = select(Merchant.id).where(Merchant.status == "rejected")
    own = session.scalars(
        select(MerchantMember).where(MerchantMember.user_id == user_id, MerchantMember.merchant_id.in_(refused))
    ).first()
    if own is not None:
        session.delete(own)
        session.flush()  # before the new membership of the same person


def decide(actor: str, merchant_id: uuid.UUID, decision: str, reason: str) -> dict[str, Any]:
    """Approve, reject, suspend or reinstate. Approval gives its members the role `merchant`.

    Raises Problem `not_found`, `wrong_state`.
    """
    allowed, to = MOVES[decision]
    with transaction() as session:
        statement = (
            update(Merchant)
            .where(Merchant.id == merchant_id, Merchant.status.in_(allowed))
            .values(status=to, reason=reason, decided_at=clock.now())
            .returning(Merchant)
        )
        row = session.scalars(statement).first()
        if row is None:
            raise _refusal(session, merchant_id, decision)
        shelves = update(Listing).where(Listing.merchant_id == merchant_id, Listing.status == "published")
        session.execute(shelves.values(shown=to == "approved"))
        if to == "approved":
            for user_id in session.scalars(select(MerchantMember.user_id).where(MerchantMember.merchant_id == row.id)):
                ensure_role(session, user_id, "merchant")
        if to == "suspended":
            for listener in _suspended:
                listener(session, merchant_id)
        audit.record(session, actor, f"merchant_{to}", "merchant", merchant_id, reason=reason)
        return dump(row)


def _refusal(session: Session, merchant_id: uuid.UUID, decision: str) -> Problem:
    status = session.scalar(select(Merchant.status).where(Merchant.id == merchant_id))
    if status is None:
        return Problem(NOT_FOUND, "no such merchant")
    return Problem(WRONG_STATE, f"a merchant that is {status} cannot be moved by {decision}")


def hold_still(session: Session, merchant_ids: Iterable[uuid.UUID]) -> None:
    """Let no suspension pass until the caller's transaction ends; taken before listings are locked, as in `decide`."""
    statement = select(Merchant.id).where(Merchant.id.in_(set(merchant_ids))).order_by(Merchant.id)
    session.execute(statement.with_for_update(read=True)).all()


def merchant_of(session: Session, user_id: uuid.UUID) -> uuid.UUID | None:
    """The merchant a person acts for, whatever its state."""
    return session.scalar(select(MerchantMember.merchant_id).where(MerchantMember.user_id == user_id))


def membership(user_id: uuid.UUID) -> dict[str, str] | None:
    """{id, name, status} of the merchant a person acts for and its {role} there, or None."""
    statement = (
        select(Merchant.id, Merchant.registered_name, Merchant.status, MerchantMember.role)
        .join(MerchantMember, MerchantMember.merchant_id == Merchant.id)
        .where(MerchantMember.user_id == user_id)
    )
    row = db.session.execute(statement).first()
    if row is None:
        return None
    return {"id": str(row.id), "name": row.registered_name, "status": row.status, "role": row.role}


def acting_for(user_id: uuid.UUID, *, selling: bool = False) -> uuid.UUID:
    """The merchant a person manages. With `selling` it must be admitted.

    Raises Problem `forbidden` when there is none, `merchant_not_approved`.
    """
    found = membership(user_id)
    if found is None:
        raise Problem(FORBIDDEN, "your account acts for no merchant")
    if selling and found["status"] != "approved":
        raise Problem(MERCHANT_CLOSED, f"the merchant is {found['status']}")
    return uuid.UUID(found["id"])


def own(user_id: uuid.UUID) -> dict[str, Any]:
    """The whole record of the merchant a person acts for. Raises Problem `forbidden`."""
    return dump(db.session.get_one(Merchant, acting_for(user_id)))


def profile(merchant_id: uuid.UUID) -> dict[str, Any]:
    """What anybody may know of an admitted merchant. Raises Problem `not_found`."""
    row = db.session.scalars(select(Merchant).where(Merchant.id == merchant_id, Merchant.status == "approved")).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such merchant")
    return {
        "id": str(row.id),
        "name": row.registered_name,
        "uscc": row.uscc,
        "customs_code": row.customs_code,
        **_foreign(row),
        "since": clock.instant_text(row.decided_at),
    }


def _foreign(row: Merchant) -> dict[str, Any]:
    """Who a foreign company is, and who answers for it here; nothing for a domestic enterprise."""
    if row.foreign_registration_no is None:
        return {}
    agent = {name: row.domestic_agent.get(name) for name in ("name", "uscc")}
    return {
        "country": row.country,
        "foreign_registration_no": row.foreign_registration_no,
        "domestic_agent": agent,
    }


def under_review(status: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """Merchants of a status, oldest first."""
    key = paging.decode(cursor, str)
    statement = select(Merchant).where(Merchant.status == status).order_by(Merchant.id).limit(limit + 1)
    if key:
        statement = statement.where(Merchant.id > paged_id(key[0]))
    rows, after = paging.page(db.session.scalars(statement).all(), limit, lambda row: paging.encode(str(row.id)))
    return {"items": [dump(row) for row in rows], "next": after}


def paged_id(text: str) -> uuid.UUID:
    """An identifier out of a cursor. Raises Problem `invalid_input` when somebody made it up."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise invalid("cursor", "is not a cursor of this list") from None


def _payout(row: Merchant) -> dict[str, Any] | None:
    """The account as its owner recognises it: the last four characters of its number."""
    if row.stripe_account is not None:
        return {"kind": "stripe", "account": f"…{row.stripe_account[-4:]}"}
    if row.bank_account is not None:
        return {"kind": "bank", **row.bank_account, "account": f"…{row.bank_account['account'][-4:]}"}
    return None


def dump(row: Merchant) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "registered_name": row.registered_name,
        "uscc": row.uscc,
        "foreign_registration_no": row.foreign_registration_no,
        "country": row.country,
        "customs_code": row.customs_code,
        "domestic_agent": row.domestic_agent,
        "contact": row.contact,
        "payout": _payout(row),
        "status": row.status,
        "reason": row.reason,
        "submitted_at": clock.instant_text(row.submitted_at),
        "decided_at": clock.instant_text(row.decided_at),
    }
