"""The people of a merchant and their roles: invited by e-mail, in once they say yes, out at once.

A merchant always has an owner. Whoever changes the people locks the merchant first, so two owners who remove each other
at the same moment leave one.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog import rights
from catalog.merchants import MERCHANT_EXISTS, leave_rejected
from catalog.models import Merchant, MerchantInvitation, MerchantMember
from core import audit, clock
from core.accounts import User, drop_role, ensure_role, normal_email
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid

ACCOUNT_UNKNOWN = declare("account_unknown", 422, "There is no account with this address")
LAST_OWNER = declare("last_owner", 409, "A merchant keeps at least one owner")


def role_of(user_id: uuid.UUID) -> str | None:
    """The role of a person in the merchant it acts for, or None."""
    return db.session.scalar(select(MerchantMember.role).where(MerchantMember.user_id == user_id))


def people(merchant_id: uuid.UUID) -> dict[str, Any]:
    """{items, invitations}: members in the order they joined, and who has been asked and not answered."""
    members = select(MerchantMember, User.email, User.name).join(User, User.id == MerchantMember.user_id)
    asked = select(MerchantInvitation, User.email).join(User, User.id == MerchantInvitation.user_id)
    own = members.where(MerchantMember.merchant_id == merchant_id)
    waiting = asked.where(MerchantInvitation.merchant_id == merchant_id)
    return {
        "items": [
            _dump(row, email, name) for row, email, name in db.session.execute(own.order_by(MerchantMember.joined_at))
        ],
        "invitations": [
            {**_invitation(row), "email": email}
            for row, email in db.session.execute(waiting.order_by(MerchantInvitation.id))
        ],
    }


def _dump(row: MerchantMember, email: str, name: str) -> dict[str, Any]:
    joined_at = clock.instant_text(row.joined_at)
    return {"user_id": str(row.user_id), "email": email, "name": name, "role": row.role, "joined_at": joined_at}


def _invitation(row: MerchantInvitation) -> dict[str, Any]:
    return {"id": str(row.id), "role": row.role, "invited_at": clock.instant_text(row.invited_at)}


def invite(actor_id: uuid.UUID, merchant_id: uuid.UUID, email: str, role: str) -> dict[str, Any]:
    """Ask the holder of an account to act for the merchant.

    Raises Problem `forbidden`, `account_unknown`, and `merchant_exists` when it acts for one or was asked already.
    """
    address = normal_email(email)
    try:
        with transaction() as session:
            _gate(session, actor_id, merchant_id)
            user_id = session.scalar(select(User.id).where(User.email == address, User.active))
            if user_id is None:
                raise invalid("email", "is the address of no account", ACCOUNT_UNKNOWN)
            acts = select(MerchantMember.user_id).join(Merchant, Merchant.id == MerchantMember.merchant_id)
            if session.scalar(acts.where(MerchantMember.user_id == user_id, Merchant.status != "rejected")) is not None:
                raise Problem(MERCHANT_EXISTS, errors={"email": ["acts for a merchant already"]})
            facts = {"merchant_id": merchant_id, "user_id": user_id, "role": role, "invited_by": actor_id}
            row = MerchantInvitation(id=new_id(), invited_at=clock.now(), **facts)
            session.add(row)
            session.flush()  # who was asked already is told before the log is written
            _log(session, actor_id, "member_invited", merchant_id, user_id, role=role)
            return {**_invitation(row), "email": address}
    except IntegrityError:
        raise Problem(MERCHANT_EXISTS, errors={"email": ["has been asked already"]}) from None


def _gate(session: Session, actor_id: uuid.UUID, merchant_id: uuid.UUID) -> None:
    """Lock the merchant's people, and see that the actor may still change them. Raises Problem `forbidden`."""
    session.execute(select(Merchant.id).where(Merchant.id == merchant_id).with_for_update()).all()
    own = (MerchantMember.user_id == actor_id, MerchantMember.merchant_id == merchant_id)
    rights.demand(session.scalar(select(MerchantMember.role).where(*own)), rights.MEMBERS)


def _log(
    session: Session, actor_id: uuid.UUID, action: str, merchant_id: uuid.UUID, user_id: uuid.UUID, **data: Any
) -> None:
    audit.record(session, str(actor_id), action, "merchant", merchant_id, person=str(user_id), **data)


def invitations(user_id: uuid.UUID) -> dict[str, Any]:
    """Who has asked this person to act for them."""
    statement = (
        select(MerchantInvitation, Merchant.registered_name)
        .join(Merchant, Merchant.id == MerchantInvitation.merchant_id)
        .where(MerchantInvitation.user_id == user_id)
        .order_by(MerchantInvitation.id)
    )
    rows = db.session.execute(statement)
    return {"items": [{**_invitation(row), "merchant": _named(row.merchant_id, name)} for row, name in rows]}


def _named(merchant_id: uuid.UUID, name: str) -> dict[str, str]:
    return {"id": str(merchant_id), "name": name}


def accept(user_id: uuid.UUID, invitation_id: uuid.UUID) -> dict[str, Any]:
    """Say yes. Raises Problem `not_found`, `merchant_exists` when the person acts for a merchant by now."""
    try:
        with transaction() as session:
            merchant_id = _merchant_of_invitation(session, invitation_id)
            merchant = session.scalars(select(Merchant).where(Merchant.id == merchant_id).with_for_update()).one()
            row = _taken(session, MerchantInvitation.id == invitation_id, MerchantInvitation.user_id == user_id)
            leave_rejected(session, user_id)
            facts = {"user_id": user_id, "merchant_id": merchant_id, "role": row.role, "joined_at": clock.now()}
            session.execute(insert(MerchantMember).values(**facts))
            if merchant.status in ("approved", "suspended"):
                ensure_role(session, user_id, "merchant")
            _log(session, user_id, "member_joined", merchant_id, user_id, role=row.role)
            return {"merchant": _named(merchant_id, merchant.registered_name), "role": row.role}
    except IntegrityError:
        raise Problem(MERCHANT_EXISTS, "your account acts for a merchant already") from None


def _merchant_of_invitation(session: Session, invitation_id: uuid.UUID) -> uuid.UUID:
    found = session.scalar(select(MerchantInvitation.merchant_id).where(MerchantInvitation.id == invitation_id))
    if found is None:
        raise Problem(NOT_FOUND, "no such invitation")
    return found


def _taken(session: Session, *conditions: Any) -> Any:
    """The invitation, taken off the table so that it is answered once. Raises Problem `not_found`."""
    told = (MerchantInvitation.role, MerchantInvitation.user_id)
    row = session.execute(delete(MerchantInvitation).where(*conditions).returning(*told)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such invitation")
    return row


def withdraw(actor_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """Say no to an own invitation, or take back one of the own merchant. Raises Problem `not_found`."""
    with transaction() as session:
        merchant_id = _merchant_of_invitation(session, invitation_id)
        mine = MerchantInvitation.user_id == actor_id
        own = (MerchantMember.user_id == actor_id, MerchantMember.merchant_id == merchant_id)
        role = session.scalar(select(MerchantMember.role).where(*own))
        if role is not None and rights.MEMBERS in rights.MAY[role]:
            mine = MerchantInvitation.merchant_id == merchant_id
        row = _taken(session, MerchantInvitation.id == invitation_id, mine)
        _log(session, actor_id, "invitation_withdrawn", merchant_id, row.user_id)


def change_role(actor_id: uuid.UUID, merchant_id: uuid.UUID, user_id: uuid.UUID, role: str) -> dict[str, Any]:
    """Give a member another role. Raises Problem `not_found`, `forbidden`, `last_owner`."""
    with transaction() as session:
        _gate(session, actor_id, merchant_id)
        row = _member(session, merchant_id, user_id)
        was, row.role = row.role, role
        _keep_an_owner(session, merchant_id)
        _log(session, actor_id, "member_role_changed", merchant_id, user_id, was=was, role=role)
        person = session.get_one(User, user_id)
        return _dump(row, person.email, person.name)


def remove(actor_id: uuid.UUID, merchant_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Take a member out; everybody may leave. Raises Problem `not_found`, `forbidden`, `last_owner`."""
    with transaction() as session:
        session.execute(select(Merchant.id).where(Merchant.id == merchant_id).with_for_update()).all()
        if actor_id != user_id:
            _gate(session, actor_id, merchant_id)
        session.delete(_member(session, merchant_id, user_id))
        _keep_an_owner(session, merchant_id)
        drop_role(session, user_id, "merchant")
        _log(session, actor_id, "member_removed", merchant_id, user_id)


def _member(session: Session, merchant_id: uuid.UUID, user_id: uuid.UUID) -> MerchantMember:
    own = (MerchantMember.user_id == user_id, MerchantMember.merchant_id == merchant_id)
    row = session.scalars(select(MerchantMember).where(*own).execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such member")
    return row


def _keep_an_owner(session: Session, merchant_id: uuid.UUID) -> None:
    session.flush()
    own = (MerchantMember.merchant_id == merchant_id, MerchantMember.role == "owner")
    if not session.scalar(select(func.count()).select_from(MerchantMember).where(*own)):
        raise Problem(LAST_OWNER)
