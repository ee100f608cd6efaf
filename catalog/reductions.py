"""What a running promotion takes off a line, and the units of a limited one: held at placement, given back once.

Of a line that goes beyond what is left, so many units have the reduced price and the others the regular one; its unit
price is then the line's total spread over its quantity, to five decimals in the messages to customs (rule A13).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from sqlalchemy import and_, case, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from catalog.promotion_models import Promotion, PromotionHolder, PromotionUse
from catalog.receiving import divisible
from catalog.sale import SaleFacts
from core import clock
from core.database import db
from core.errors import Problem, declare
from core.money import fen_text, plain, round_to_fen

PROMOTION_GONE = declare("promotion_used_up", 409, "The reduced price is not left for so many")
_BLIND = {"synchronize_session": False}


@dataclass(slots=True)
class Cut:
    """A promotion of a listing; `left` units of it can still be had by who asks, None without a limit."""

    promotion_id: uuid.UUID
    reduced_fen: int
    regular_fen: int
    limited: bool
    left: Decimal | None


@dataclass(frozen=True, slots=True)
class Price:
    """A line's goods value; `promotion` is what the order keeps of it, JSON values, None at the regular price."""

    goods_fen: int
    unit_fen: int
    promotion: dict[str, Any] | None


def cuts_of(facts: Mapping[uuid.UUID, SaleFacts], holder_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Cut]:
    """The promotions of these listings; no statement when there are none. Nothing is left of one that is over."""
    wanted = {row.promotion_id for row in facts.values() if row.promotion_id is not None}
    if not wanted:
        return {}
    mine = and_(PromotionHolder.promotion_id == Promotion.id, PromotionHolder.holder_id.in_(holder_ids))
    taken = func.coalesce(func.sum(PromotionHolder.taken), 0)
    statement = select(Promotion, taken).outerjoin(PromotionHolder, mine).where(Promotion.id.in_(wanted))
    rows = db.session.execute(statement.group_by(Promotion.id)).all()
    return {row.listing_id: _cut(row, had) for row, had in rows}


def _cut(row: Promotion, had: Decimal) -> Cut:
    left = [] if row.units_most is None else [row.units_most - row.taken]
    left += [] if row.per_person is None else [row.per_person - had]
    if row.state != "running" or row.valid_to <= clock.now():
        left = [Decimal(0)]
    least = max(Decimal(0), min(left)) if left else None
    return Cut(row.id, row.reduced_fen or 0, row.regular_fen or 0, row.limited, least)


def price(facts: SaleFacts, quantity: Decimal, cut: Cut | None) -> Price:
    """What so much costs; the units at the reduced price are taken off what `cut` has left."""
    if cut is None:
        return Price(round_to_fen(quantity * facts.price_fen / 100), facts.price_fen, None)
    units = quantity if cut.left is None else min(quantity, cut.left)
    if not divisible(facts.unit):
        units = units.to_integral_value(ROUND_FLOOR)
    if cut.left is not None:
        cut.left -= units
    goods = round_to_fen((units * cut.reduced_fen + (quantity - units) * cut.regular_fen) / 100)
    if not units:
        return Price(goods, cut.regular_fen, None)
    told = {"id": str(cut.promotion_id), "units": plain(units), "limited": cut.limited}
    told |= {"price": fen_text(cut.reduced_fen), "regular_price": fen_text(cut.regular_fen)}
    whole = units == quantity
    return Price(goods, cut.reduced_fen if whole else round_to_fen(Decimal(goods) / 100 / quantity), told)


def take(
    session: Session, holder_id: uuid.UUID, account_id: uuid.UUID, lines: Sequence[tuple[uuid.UUID, dict[str, Any]]]
) -> None:
    """Hold the units of limited promotions for order lines (id, promotion as kept). `holder_id` is the person, or the
    account of somebody who has not said who they are.

    Persons' rows before promotions', each in id order. Raises Problem `promotion_used_up`.
    """
    uses: list[dict[str, Any]] = [
        {"line_id": line_id, "promotion_id": uuid.UUID(kept["id"]), "quantity": Decimal(kept["units"])}
        for line_id, kept in lines
        if kept["limited"]
    ]
    if not uses:
        return
    wanted: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for use in uses:
        wanted[use["promotion_id"]] += use["quantity"]
    for promotion_id in sorted(wanted):
        _take_own(session, promotion_id, holder_id, account_id, wanted[promotion_id])
    for promotion_id in sorted(wanted):
        free = (Promotion.units_most.is_(None)) | (Promotion.taken + wanted[promotion_id] <= Promotion.units_most)
        taken = update(Promotion).where(Promotion.id == promotion_id, free)
        more = taken.values(taken=Promotion.taken + wanted[promotion_id]).returning(Promotion.id)
        if session.execute(more, execution_options=_BLIND).first() is None:
            raise Problem(PROMOTION_GONE)
    session.execute(insert(PromotionUse), [{**use, "holder_id": holder_id, "given_back": False} for use in uses])


def _take_own(
    session: Session, promotion_id: uuid.UUID, holder_id: uuid.UUID, account_id: uuid.UUID, units: Decimal
) -> None:
    """More units of the person. What the account took before it had an identity counts with it."""
    nameless = (
        select(PromotionHolder.taken)
        .where(PromotionHolder.promotion_id == promotion_id, PromotionHolder.holder_id == account_id)
        .where(PromotionHolder.holder_id != holder_id)
    )
    before = session.scalar(nameless) or 0
    most = select(Promotion.per_person).where(Promotion.id == promotion_id).scalar_subquery()
    fresh = {"promotion_id": promotion_id, "holder_id": holder_id, "taken": 0, "most": most}
    session.execute(upsert(PromotionHolder).values(fresh).on_conflict_do_nothing())
    free = (PromotionHolder.most.is_(None)) | (PromotionHolder.taken + before + units <= PromotionHolder.most)
    mine = (PromotionHolder.promotion_id == promotion_id, PromotionHolder.holder_id == holder_id, free)
    more = update(PromotionHolder).where(*mine).values(taken=PromotionHolder.taken + units)
    if session.execute(more.returning(PromotionHolder.taken), execution_options=_BLIND).first() is None:
        raise Problem(PROMOTION_GONE)


def give_back(session: Session, line_ids: Any) -> None:
    """Give back what these lines held; `line_ids` is a list or a select of them. The second time changes nothing."""
    freed = (
        update(PromotionUse)
        .where(PromotionUse.line_id.in_(line_ids), PromotionUse.given_back.is_(False))
        .values(given_back=True)
        .returning(PromotionUse.promotion_id, PromotionUse.holder_id, PromotionUse.quantity)
    )
    back: dict[tuple[uuid.UUID, uuid.UUID], Decimal] = defaultdict(Decimal)
    for promotion_id, holder_id, quantity in session.execute(freed, execution_options=_BLIND):
        back[promotion_id, holder_id] += quantity
    for (promotion_id, holder_id), units in sorted(back.items()):
        mine = (PromotionHolder.promotion_id == promotion_id, PromotionHolder.holder_id == holder_id)
        less = update(PromotionHolder).where(*mine).values(taken=PromotionHolder.taken - units)
        session.execute(less, execution_options=_BLIND)
    # What was sold out and is in force goes on: units that nobody paid for have not been sold.
    again = (Promotion.state == "sold_out") & (Promotion.valid_to > clock.now())
    anew = {
        "state": case((again, "planned"), else_=Promotion.state),
        "ended_at": case((again, None), else_=Promotion.ended_at),
    }
    for (promotion_id, _), units in sorted(back.items()):
        more = update(Promotion).where(Promotion.id == promotion_id).values(taken=Promotion.taken - units, **anew)
        session.execute(more, execution_options=_BLIND)
