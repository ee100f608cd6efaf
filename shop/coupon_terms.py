"""What a platform coupon takes off an offer, and why it does not apply.

The platform bears it: goods value and dutiable value stay as they are, the buyer pays less (rule A13). It is shared
over the orders, and in them over the lines, by largest remainder on the goods it is good for.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, select

from catalog import categories
from core import clock
from core.database import db
from core.errors import declare
from core.money import fen_text, half_up, share
from customs.duty.wording import Phrase, learn
from shop.coupon_models import Coupon, CouponHolder
from shop.offers import Blocked, Offer, OfferLine
from shop.phrases import blocked

COUPON_UNKNOWN = declare("coupon_unknown", 422, "There is no such coupon")
COUPON_EXPIRED = declare("coupon_expired", 409, "The coupon is not in force")
COUPON_EXHAUSTED = declare("coupon_exhausted", 409, "The coupon is used up")
COUPON_MINIMUM = declare("coupon_minimum", 422, "Too few goods for the coupon")
COUPON_SCOPE = declare("coupon_scope", 422, "The coupon is not for these goods")
COUPON_USED = declare("coupon_used", 409, "This person has used the coupon")
CODES = (COUPON_UNKNOWN, COUPON_EXPIRED, COUPON_EXHAUSTED, COUPON_MINIMUM, COUPON_SCOPE, COUPON_USED)

SENTENCES = {
    "coupon_no_such": ("there is no coupon {code}", "没有优惠券 {code}"),
    "coupon_check": ("check how it is spelled, or buy without it", "请核对优惠券代码，或不使用优惠券"),
    "coupon_not_yet": ("the coupon is good from {at}", "优惠券自 {at} 起有效"),
    "coupon_over": ("the coupon was good until {at}", "优惠券有效期至 {at}"),
    "coupon_stopped": ("the coupon was taken back", "优惠券已停用"),
    "coupon_none_left": ("all of the coupon's uses or its budget are taken", "优惠券已被领完或预算已用完"),
    "coupon_under_way": (
        "what unpaid orders hold comes back when they lapse: try again in a few minutes, or buy without it",
        "未付款订单取消后会释放名额：请几分钟后再试，或不使用优惠券"),
    "coupon_leave": ("buy without it", "请不使用优惠券购买"),
    "coupon_too_few": ("the coupon needs goods for {minimum} CNY, and there are {goods} CNY",
                       "使用优惠券需商品满 {minimum} 元，当前为 {goods} 元"),
    "coupon_add": ("add goods for {missing} CNY", "请再添加 {missing} 元的商品"),
    "coupon_others": ("the coupon is for other goods", "优惠券不适用于这些商品"),
    "coupon_had": ("the coupon can be used {most} times by one person", "每人最多使用此优惠券 {most} 次"),
    "coupon_had_one": ("the coupon can be used once by one person", "每人只能使用一次此优惠券"),
}  # fmt: skip
learn(SENTENCES)


def normal(code: str) -> str:
    """A code as it is kept: full width, case, spaces and dashes do not count."""
    text = unicodedata.normalize("NFKC", code).upper()
    return "".join(letter for letter in text if letter.isalnum())


def apply(offer: Offer, holder_ids: Sequence[uuid.UUID], code: str) -> list[Blocked]:
    """Write the coupon's discount onto the lines of a taxed offer, or say why it does not apply.

    `holder_ids` are those whose uses count, the person before the account; a guest's quote has none.
    """
    found = _find(normal(code), holder_ids)
    if found is None:
        return [blocked(COUPON_UNKNOWN, ["coupon_no_such", {"code": code}], ["coupon_check"])]
    coupon, uses, credit = found
    refusal = _not_in_force(coupon)
    if refusal is not None:
        return [refusal]
    lines = [line for order in offer.orders for line in order.lines if _good_for(coupon, order.route, line)]
    worth, refusal = _worth(coupon, lines)
    if refusal is not None:
        return [refusal]
    own = uses < coupon.per_person
    if not own and not credit:
        return [_had(coupon)]
    # Never more than the goods, and a purchase is always paid something.
    discount = min(worth, offer.total_fen - 1, worth if own else credit)
    spent = coupon.spent_fen + discount > coupon.budget_fen
    if spent or (own and coupon.uses >= coupon.total_uses):
        return [exhausted()]
    if discount > 0:
        _spread(offer, lines, discount)
        offer.coupon, offer.coupon_id = coupon.code, coupon.id
    return []


def _find(code: str, holder_ids: Sequence[uuid.UUID]) -> tuple[Coupon, int, int] | None:
    """A coupon with the uses and the credit of who asks; what the account used before it had an identity counts too."""
    mine = and_(CouponHolder.coupon_id == Coupon.id, CouponHolder.holder_id.in_(holder_ids))
    statement = select(Coupon, CouponHolder).outerjoin(CouponHolder, mine).where(Coupon.code == code)
    rows = db.session.execute(statement).all()
    if not rows:
        return None
    holders = [row[1] for row in rows if row[1] is not None]
    credit = sum(each.credit_fen for each in holders if each.holder_id == holder_ids[0])
    return rows[0][0], sum(each.uses for each in holders), credit


def _not_in_force(coupon: Coupon) -> Blocked | None:
    now = clock.now()
    if coupon.stopped_at is not None:
        return blocked(COUPON_EXPIRED, ["coupon_stopped"], ["coupon_leave"])
    if now < coupon.valid_from:
        return _dated("coupon_not_yet", coupon.valid_from, "from")
    if now >= coupon.valid_to:
        return _dated("coupon_over", coupon.valid_to, "until")
    return None


def _dated(key: str, instant: datetime, name: str) -> Blocked:
    at = instant.astimezone(clock.BEIJING).strftime("%Y-%m-%d %H:%M")
    return replace(
        blocked(COUPON_EXPIRED, [key, {"at": at}], ["coupon_leave"]), help={name: clock.instant_text(instant)}
    )


def _good_for(coupon: Coupon, route: str, line: OfferLine) -> bool:
    if coupon.routes is not None and route not in coupon.routes:
        return False
    return coupon.categories is None or line.facts["category"] in categories.under(coupon.categories)


def _worth(coupon: Coupon, lines: Sequence[OfferLine]) -> tuple[int, Blocked | None]:
    """What the coupon takes off these lines, in fen, whoever uses it."""
    goods = sum(line.goods_fen for line in lines)
    if not goods:
        return 0, blocked(COUPON_SCOPE, ["coupon_others"], ["coupon_leave"])
    if goods < coupon.minimum_fen:
        figures = {"minimum": fen_text(coupon.minimum_fen), "goods": fen_text(goods)}
        figures["missing"] = fen_text(coupon.minimum_fen - goods)
        told = blocked(COUPON_MINIMUM, ["coupon_too_few", figures], ["coupon_add", figures])
        return 0, replace(told, help={"minimum": figures["minimum"], "missing": figures["missing"]})
    if coupon.amount_fen is not None:
        return min(coupon.amount_fen, goods), None
    return min(half_up(goods * (coupon.percent or 0), 100), coupon.at_most_fen or 0, goods), None


def _spread(offer: Offer, lines: Sequence[OfferLine], discount: int) -> None:
    """Over the orders, then over the lines of each."""
    parts = [[line for line in order.lines if any(line is each for each in lines)] for order in offer.orders]
    keys = [sum(line.goods_fen for line in part) for part in parts]
    for part, given in zip(parts, share(discount, keys), strict=True):
        if given:
            for line, fen in zip(part, share(given, [line.goods_fen for line in part]), strict=True):
                line.discount_fen = fen


def exhausted() -> Blocked:
    return blocked(COUPON_EXHAUSTED, ["coupon_none_left"], ["coupon_under_way"])


def _had(coupon: Coupon) -> Blocked:
    most: Phrase = ["coupon_had", {"most": str(coupon.per_person)}] if coupon.per_person > 1 else ["coupon_had_one"]
    return blocked(COUPON_USED, most, ["coupon_leave"])
