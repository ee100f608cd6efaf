"""An order's page for its buyer and for its merchant: parcels, what falls short, what comes next, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from shop import shortages
from tests.shop import builders, state
from tests.shop.pages.conftest import Browser
from tests.shop.paying import sell


@pytest.fixture
def sold(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="10", title_en="Topside")
    found = sell(place, stripe, builders.buyer(), (beef, "5"))
    return {**found, "beef": beef, "owner": shelf.owner}


def test_a_merchant_sends_parts_and_says_what_is_missing(browser: Browser, sold: Any, run_jobs: Any) -> None:
    browser.sign_in(sold["owner"])
    page = f"/trade/orders/{sold['order']}"
    assert page in browser.go("/trade/orders").get_data(as_text=True)
    assert browser.send(page, f"{page}/parcels", **{"line-1": "2"}).status_code == 303
    told = browser.send(page, f"{page}/shortages", **{"line-1": "1", "reason": "torn packing"})
    assert told.status_code == 303
    assert state.stock(sold["beef"])[0] == 7
    text = browser.go(page).get_data(as_text=True)
    assert "torn packing" in text
    assert text.count("LFW") == 2, "the parcel, and the remark in the timeline"
    assert browser.send(page, f"{page}/parcels", **{"line-1": "3"}).status_code == 303
    assert state.statuses(sold) == ["paid"], "more than is left was refused"
    assert browser.send(page, f"{page}/parcels", **{"line-1": ""}).status_code == 303
    assert browser.send(page, f"{page}/parcels", **{"line-1": "2"}).status_code == 303
    assert state.statuses(sold) == ["shipped"]
    assert f"{page}/parcels" not in browser.go(page).get_data(as_text=True)


def test_another_merchants_order_is_not_there(browser: Browser, sold: Any) -> None:
    browser.sign_in(builders.open_shelf().owner)
    page = f"/trade/orders/{sold['order']}"
    assert browser.go(page).status_code == 404
    for end in ("parcels", "shortages"):
        form = {"line-1": "1", "reason": "x", "attempt": str(builders.new_id())}
        assert browser.send("/account", "/logout", to=f"{page}/{end}", **form).status_code == 404
    assert state.stock(sold["beef"])[0] == 10


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("A parcel has left", "Not supplied, paid back", "the rest follows")), ("zh", ("一个包裹已发出", "未能供应，已退款", "其余随后发出"))],
)  # fmt: skip
def test_the_buyer_sees_parcels_and_what_went_back(browser: Browser, sold: Any, language: str, words: Any) -> None:
    from core import clock
    from shop import fulfilment

    one = [{"line": 1, "quantity": builders.Decimal(1)}]
    fulfilment.ship(sold["owner"], sold["order"], clock.now(), one)
    shortages.report(sold["owner"], sold["order"], one, "torn", builders.new_id())
    browser.sign_in(sold["buyer"])
    text = browser.go(f"/orders/{sold['order']}", language).get_data(as_text=True)
    for each in words:
        assert each in text


def test_the_cart_tells_what_blocks_and_what_helps(browser: Browser, shelf: Any) -> None:
    from shop import carts

    who = builders.buyer()
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf, price_fen=260_000), builders.Decimal(2))
    english, chinese = (browser.go("/cart", word).get_data(as_text=True) for word in ("en", "zh"))
    assert "split it into 2 orders" in english
    assert "freight to" in english.lower()
    assert "可分成 2 个订单" in chinese
    assert "运费按浙江" in chinese
