"""Coupons for the tests, and what the tables say of them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core import clock
from core.accounts import Actor
from shop import checkout, coupons, orders, payments
from shop.coupon_models import Coupon, CouponHolder, CouponUse
from shop.quotes import Item
from tests.shop import builders, state

TERMS: dict[str, Any] = {
    "code": None,
    "amount": 1000,
    "percent": None,
    "at_most": None,
    "minimum": 0,
    "total_uses": 100,
    "budget": 1_000_000,
    "uses_per_person": 1,
    "routes": None,
    "categories": None,
}


def make(operator: Actor | None = None, **changed: Any) -> dict[str, Any]:
    """A coupon in force since an hour, for a day; 10 CNY off unless told otherwise."""
    now = clock.now().replace(microsecond=0)
    terms = {**TERMS, "valid_from": now - timedelta(hours=1), "valid_to": now + timedelta(days=1), **changed}
    if changed.get("percent"):
        terms["amount"] = None
    return coupons.create((operator or builders.open_account("operator")).id, terms, uuid.uuid4())


def buy(buyer: Actor, code: str | None, *wants: tuple[uuid.UUID, str], attempt: uuid.UUID | None = None) -> Any:
    """Place these goods with a coupon; answers as the API does."""
    items = [Item(listing_id, Decimal(quantity)) for listing_id, quantity in wants]
    purchase_id = checkout.place(buyer.id, attempt or uuid.uuid4(), items=items, coupon=code)
    checkout.pay_for(purchase_id)
    return {**orders.purchase_of(buyer.id, purchase_id), "buyer": buyer}


def pay(stripe: Any, answer: dict[str, Any]) -> None:
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))


def coupon(made: dict[str, Any]) -> Coupon:
    return state.fresh().get_one(Coupon, uuid.UUID(made["id"]))


def taken(made: dict[str, Any]) -> tuple[int, int]:
    """(uses, spent fen) of a coupon."""
    row = coupon(made)
    return row.uses, row.spent_fen


def holder(made: dict[str, Any], holder_id: uuid.UUID) -> tuple[int, int]:
    """(uses, credit fen) of one person."""
    row = state.fresh().get_one(CouponHolder, (uuid.UUID(made["id"]), holder_id))
    return row.uses, row.credit_fen


def use(answer: dict[str, Any]) -> CouponUse:
    return state.fresh().get_one(CouponUse, uuid.UUID(answer["purchase"]))
