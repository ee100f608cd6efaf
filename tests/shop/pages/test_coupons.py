"""Coupons as people see them: the operator makes and stops one, the buyer types it and reads why it does not apply."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from shop import carts
from shop.coupon_models import Coupon
from tests.shop import builders, state
from tests.shop.coupons import making
from tests.shop.pages.conftest import Browser


@pytest.fixture
def buyer(shelf: Any, stripe: Any, browser: Browser) -> Any:
    """Signed in, with a listing for 100.00 in the cart."""
    person, crab = builders.buyer(), builders.put_listing(shelf, price_fen=10000)
    browser.sign_in(person)
    carts.put(person.id, crab, Decimal(1))
    return person


def page(browser: Browser, path: str, language: str = "en") -> str:
    answer = browser.go(path, language)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def test_a_buyer_types_a_coupon_and_pays_less(buyer: Any, browser: Browser) -> None:
    made = making.make(code="AUTUMN10")
    assert "takes ¥10.00 off" in page(browser, "/checkout?coupon=autumn-10")
    assert "减免 ¥10.00" in page(browser, "/checkout?coupon=autumn-10", "zh")
    answer = browser.send("/checkout?coupon=autumn-10", "/checkout", notice=_version(browser))
    assert answer.status_code == 303
    assert making.taken(made) == (1, 1000)


def _version(browser: Browser) -> str:
    text = page(browser, "/checkout")
    return text.split('name="notice" value="')[1].split('"')[0]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["The coupon is used up", "Buy without the coupon", "What is marked in red must be settled first."]),
        ("zh", ["优惠券已用完", "不使用优惠券", "请几分钟后再试"]),
    ],
)
def test_a_refused_coupon_is_told_beside_its_field(
    buyer: Any, browser: Browser, shelf: Any, language: str, texts: list[str]
) -> None:
    made = making.make(total_uses=1)
    making.buy(builders.buyer(), made["code"], (builders.put_listing(shelf), "1"))
    shown = page(browser, f"/checkout?coupon={made['code']}", language)
    for text in texts:
        assert text in shown
    assert 'name="quote"' not in shown
    assert 'name="quote"' in page(browser, "/checkout", language)


def test_an_operator_makes_and_stops_a_coupon(browser: Browser, shelf: Any) -> None:
    operator = builders.open_account("operator")
    browser.sign_in(operator)
    today = clock.today()
    terms = {"code": "beef week", "percent": "15", "at_most": "50", "minimum": "200", "total_uses": "10"}
    terms |= {"budget": "400.00", "uses_per_person": "1", "category": "beef", "route": "general_trade"}
    days = {"first_day": today.isoformat(), "last_day": (today + timedelta(days=6)).isoformat()}
    assert browser.send("/operations/coupons", "/operations/coupons", **terms, **days).status_code == 303
    row = state.fresh().query(Coupon).one()
    assert (row.code, row.percent, row.at_most_fen, row.categories) == ("BEEFWEEK", 15, 5000, ["beef"])
    assert row.valid_to - row.valid_from == timedelta(days=7)
    assert row.valid_from.astimezone(clock.BEIJING).hour == 0
    shown = page(browser, "/operations/coupons")
    for text in ("BEEFWEEK", "15 %, at most ¥50.00", "from ¥200.00 of goods", "0 of 10, 1 by one person", "Beef"):
        assert text in shown
    assert "每人 1 次" in page(browser, "/operations/coupons", "zh")
    wrong = browser.send("/operations/coupons", "/operations/coupons", **{**terms, "budget": "10"}, **days)
    assert wrong.status_code == 422
    assert "is less than one use may take" in wrong.get_data(as_text=True)
    stop = f"/operations/coupons/{row.id}/stop"
    assert browser.send("/operations/coupons", stop).status_code == 303
    assert "Stopped" in page(browser, "/operations/coupons")


def test_coupons_are_an_operators_page(buyer: Any, browser: Browser) -> None:
    assert browser.go("/operations/coupons").status_code == 403
    assert browser.post(f"/operations/coupons/{uuid.uuid4()}/stop").status_code == 403
