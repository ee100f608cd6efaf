"""Uses of a coupon: taken in the transaction that places a purchase, given back exactly once.

Three things are scarce: the uses of one person, the uses of the coupon, its budget. The holder's row comes before the
coupon's, and both come after stock and allowance, so that nobody waits in a ring and the row that all want is locked
only for a moment. Callers of `restore` hold the lock on the purchase.

What comes back by a partial return is credit of the person: to be spent again up to that amount, while the coupon is in
force. When the whole discount has come back, and none of its credit was spent meanwhile, the use itself is free again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import clock
from core.errors import Problem
from shop.coupon_models import Coupon, CouponHolder, CouponUse
from shop.coupon_terms import COUPON_EXPIRED, COUPON_USED, exhausted
from shop.models import Order


def take(
    session: Session,
    purchase_id: uuid.UUID,
    coupon_id: uuid.UUID,
    account_id: uuid.UUID,
    person_id: uuid.UUID | None,
    discount_fen: int,
) -> None:
    """Take a use, or credit of the person, and so much of the budget.

    Raises Problem `coupon_used`, `coupon_exhausted`, `coupon_expired`.
    """
    holder_id = person_id or account_id
    per_person = session.scalars(select(Coupon.per_person).where(Coupon.id == coupon_id)).one()
    fresh = {"coupon_id": coupon_id, "holder_id": holder_id, "uses": 0, "most": per_person, "credit_fen": 0}
    session.execute(upsert(CouponHolder).values(fresh).on_conflict_do_nothing())
    of_credit = not _take_own(session, coupon_id, holder_id, account_id)
    if of_credit and not _take_credit(session, coupon_id, holder_id, discount_fen):
        raise Problem(COUPON_USED)
    _take_budget(session, coupon_id, 0 if of_credit else 1, discount_fen)
    row = {"purchase_id": purchase_id, "coupon_id": coupon_id, "holder_id": holder_id, "discount_fen": discount_fen}
    session.execute(insert(CouponUse).values(**row, of_credit=of_credit, at=clock.now()))


def _take_own(session: Session, coupon_id: uuid.UUID, holder_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    """One more use of the person. What the account used before it had an identity counts with it."""
    nameless = (
        select(CouponHolder.uses)
        .where(CouponHolder.coupon_id == coupon_id, CouponHolder.holder_id == account_id)
        .where(CouponHolder.holder_id != holder_id)
    )
    before = session.scalar(nameless) or 0
    taken = (
        update(CouponHolder)
        .where(CouponHolder.coupon_id == coupon_id, CouponHolder.holder_id == holder_id)
        .where(CouponHolder.uses + before < CouponHolder.most)
        .values(uses=CouponHolder.uses + 1)
    )
    return _hit(session, taken.returning(CouponHolder.uses))


def _take_credit(session: Session, coupon_id: uuid.UUID, holder_id: uuid.UUID, amount: int) -> bool:
    taken = (
        update(CouponHolder)
        .where(CouponHolder.coupon_id == coupon_id, CouponHolder.holder_id == holder_id)
        .where(CouponHolder.credit_fen >= amount)
        .values(credit_fen=CouponHolder.credit_fen - amount)
    )
    return _hit(session, taken.returning(CouponHolder.credit_fen))


def _take_budget(session: Session, coupon_id: uuid.UUID, uses: int, amount: int) -> None:
    now = clock.now()
    taken = (
        update(Coupon)
        .where(Coupon.id == coupon_id, Coupon.stopped_at.is_(None), Coupon.valid_from <= now, Coupon.valid_to > now)
        .where(Coupon.uses + uses <= Coupon.total_uses, Coupon.spent_fen + amount <= Coupon.budget_fen)
        .values(uses=Coupon.uses + uses, spent_fen=Coupon.spent_fen + amount)
    )
    if _hit(session, taken.returning(Coupon.id)):
        return
    coupon = session.scalars(select(Coupon).where(Coupon.id == coupon_id)).one()
    if coupon.stopped_at is not None or not coupon.valid_from <= now < coupon.valid_to:
        raise Problem(COUPON_EXPIRED)
    raise Problem(exhausted().code, exhausted().detail)


def give_back(session: Session, orders: Sequence[Order]) -> None:
    """What orders that end unpaid held of their coupon."""
    for order in orders:
        restore(session, order.purchase_id, order.discount_fen)


def restore(session: Session, purchase_id: uuid.UUID, amount: int) -> None:
    """Give `amount` fen of a purchase's discount back to the coupon's budget and to the person."""
    if not amount:
        return
    more = (
        update(CouponUse)
        .where(CouponUse.purchase_id == purchase_id, CouponUse.restored_fen + amount <= CouponUse.discount_fen)
        .values(restored_fen=CouponUse.restored_fen + amount)
        .returning(CouponUse)
        .execution_options(populate_existing=True)
    )
    use = session.scalars(more).one()
    whole = use.restored_fen == use.discount_fen and not use.of_credit
    free = whole and _free_use(session, use)
    if not free:
        _credit(session, use, amount)
    freed = update(Coupon).where(Coupon.id == use.coupon_id)
    uses = Coupon.uses - (1 if free else 0)
    session.execute(freed.values(uses=uses, spent_fen=Coupon.spent_fen - amount), execution_options=_BLIND)


def _free_use(session: Session, use: CouponUse) -> bool:
    """The person may use the coupon once more, instead of the credit that this use has left."""
    freed = (
        update(CouponHolder)
        .where(CouponHolder.coupon_id == use.coupon_id, CouponHolder.holder_id == use.holder_id)
        .where(CouponHolder.credit_fen >= use.credited_fen)
        .values(uses=CouponHolder.uses - 1, credit_fen=CouponHolder.credit_fen - use.credited_fen)
    )
    return _hit(session, freed.returning(CouponHolder.uses))


def _credit(session: Session, use: CouponUse, amount: int) -> None:
    mine = (CouponHolder.coupon_id == use.coupon_id, CouponHolder.holder_id == use.holder_id)
    more = update(CouponHolder).where(*mine).values(credit_fen=CouponHolder.credit_fen + amount)
    session.execute(more, execution_options=_BLIND)
    kept = update(CouponUse).where(CouponUse.purchase_id == use.purchase_id)
    session.execute(kept.values(credited_fen=CouponUse.credited_fen + amount), execution_options=_BLIND)


_BLIND = {"synchronize_session": False}


def _hit(session: Session, statement: object) -> bool:
    return session.execute(statement, execution_options=_BLIND).first() is not None  # type: ignore[call-overload]
