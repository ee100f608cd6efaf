"""Platform coupons as an operator runs them: made once, their terms never changed, stopped when they must end early."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from catalog import categories
from catalog.promotions import LONGEST
from core import audit, clock
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text
from shop import cursors
from shop.coupon_models import Coupon
from shop.coupon_terms import normal

COUPON_TAKEN = declare("coupon_code_taken", 409, "There is a coupon with this code already")

# Letters and digits that cannot be mistaken for each other when read aloud: 12 of them are 59 bits.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 12
CODE_LEAST, CODE_MOST = 4, 32


def create(actor_id: uuid.UUID, terms: dict[str, Any], attempt: uuid.UUID) -> dict[str, Any]:
    """Make a coupon; without a `code` it gets one that cannot be guessed. The same attempt is one coupon.

    Raises Problem `invalid_input`, `category_unknown`, `coupon_code_taken`.
    """
    _check(terms)
    code = _code(terms["code"])
    values = {name: terms[name] for name in ("percent", "valid_from", "valid_to", "total_uses", "routes", "categories")}
    values |= {"amount_fen": terms["amount"], "at_most_fen": terms["at_most"], "minimum_fen": terms["minimum"]}
    values |= {"budget_fen": terms["budget"], "per_person": terms["uses_per_person"], "code": code}
    row = {"id": attempt, **values, "created_by": actor_id, "created_at": clock.now()}
    with transaction() as session:
        fresh = insert(Coupon).values(row).on_conflict_do_nothing().returning(Coupon.id)
        if session.execute(fresh).first() is None:
            known = session.get(Coupon, attempt)
            if known is None:
                raise Problem(COUPON_TAKEN, f"the code {code} is taken")
            return dump(known)
        audit.record(session, str(actor_id), "coupon_created", "coupon", attempt, code=code)
        return dump(session.get_one(Coupon, attempt))


def _check(terms: dict[str, Any]) -> None:
    if (terms["amount"] is None) == (terms["percent"] is None):
        raise invalid("amount", "give either amount or percent")
    if (terms["percent"] is None) != (terms["at_most"] is None):
        raise invalid("at_most", "a percentage needs a cap, and nothing else has one")
    if terms["valid_from"] >= terms["valid_to"]:
        raise invalid("valid_to", "must lie after valid_from")
    if terms["valid_to"] <= clock.now():
        raise invalid("valid_to", "is over")
    if terms["valid_to"] > clock.now() + LONGEST:
        raise invalid("valid_to", "lies more than ten years ahead")
    most = terms["amount"] or terms["at_most"]
    if terms["budget"] < most:
        raise invalid("budget", f"is less than one use may take: {fen_text(most)}")
    for code in terms["categories"] or ():
        categories.find(code)


def _code(asked: str | None) -> str:
    if asked is None:
        return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    code = normal(asked)
    if not CODE_LEAST <= len(code) <= CODE_MOST or not code.isascii():
        raise invalid("code", f"must be {CODE_LEAST} to {CODE_MOST} letters A to Z and digits")
    return code


def stop(actor_id: uuid.UUID, coupon_id: uuid.UUID) -> dict[str, Any]:
    """End a coupon now: purchases that hold it keep it. Raises Problem `not_found`."""
    with transaction() as session:
        ended = update(Coupon).where(Coupon.id == coupon_id, Coupon.stopped_at.is_(None)).values(stopped_at=clock.now())
        if session.execute(ended.returning(Coupon.id)).first() is not None:
            audit.record(session, str(actor_id), "coupon_stopped", "coupon", coupon_id)
        return dump(_found(session.get(Coupon, coupon_id)))


def one(coupon_id: uuid.UUID) -> dict[str, Any]:
    """A coupon with its use. Raises Problem `not_found`."""
    return dump(_found(db.session.get(Coupon, coupon_id)))


def _found(row: Coupon | None) -> Coupon:
    if row is None:
        raise Problem(NOT_FOUND, "no such coupon")
    return row


def page_of(limit: int, cursor: str | None) -> dict[str, Any]:
    """All coupons, newest first."""
    statement = select(Coupon).order_by(Coupon.created_at.desc(), Coupon.id.desc()).limit(limit + 1)
    seen = cursors.after(cursor)
    if seen is not None:
        last = select(Coupon.created_at).where(Coupon.id == seen).scalar_subquery()
        statement = statement.where((Coupon.created_at < last) | ((Coupon.created_at == last) & (Coupon.id < seen)))
    rows, following = cursors.page(db.session.scalars(statement).all(), limit)
    return {"items": [dump(row) for row in rows], "next": following}


def dump(row: Coupon) -> dict[str, Any]:
    """A coupon as its operator sees it."""
    return {
        "id": str(row.id),
        "code": row.code,
        "amount": None if row.amount_fen is None else fen_text(row.amount_fen),
        "percent": row.percent,
        "at_most": None if row.at_most_fen is None else fen_text(row.at_most_fen),
        "minimum": fen_text(row.minimum_fen),
        "valid_from": clock.instant_text(row.valid_from),
        "valid_to": clock.instant_text(row.valid_to),
        "uses_per_person": row.per_person,
        "routes": row.routes,
        "categories": row.categories,
        "total_uses": row.total_uses,
        "used": row.uses,
        "budget": fen_text(row.budget_fen),
        "spent": fen_text(row.spent_fen),
        "state": _state(row),
        "created_at": clock.instant_text(row.created_at),
        "stopped_at": clock.instant_text(row.stopped_at),
    }


def _state(row: Coupon) -> str:
    now = clock.now()
    if row.stopped_at is not None:
        return "stopped"
    if now < row.valid_from:
        return "planned"
    if now >= row.valid_to:
        return "over"
    return "used_up" if row.uses >= row.total_uses or row.spent_fen >= row.budget_fen else "in_force"
