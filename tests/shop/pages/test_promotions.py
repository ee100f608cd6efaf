"""A merchant plans and ends a promotion, and the buyer sees which units have its price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from catalog.models import Listing
from core import clock
from shop import carts
from tests.shop import builders, state
from tests.shop.pages.conftest import Browser

CRAB = {"category": "crab", "department": "aquatic_products", "price_fen": 10000}


def test_planned_seen_by_the_buyer_and_ended(shelf: Any, stripe: Any, browser: Browser, another_browser: Any) -> None:
    crab = builders.put_listing(shelf, **CRAB)
    sku = state.fresh().get_one(Listing, crab).sku
    browser.sign_in(shelf.owner)
    today = clock.today()
    terms = {"sku": sku, "percent": "20", "per_person": "2", "first_day": today.isoformat()}
    terms["last_day"] = (today + timedelta(days=2)).isoformat()
    path = "/trade/promotions"
    wrong = browser.send(path, path, **{**terms, "sku": "NOBODYS"})
    assert (wrong.status_code, "is no listing of yours" in wrong.get_data(as_text=True)) == (422, True)
    assert browser.send(path, path, **terms).status_code == 303
    shown = browser.go(path).get_data(as_text=True)
    for text in ("Running", "¥80.00", "at most 2 for one person"):
        assert text in shown
    assert "进行中" in browser.go(path, "zh").get_data(as_text=True)

    person, other = builders.buyer(), another_browser()
    other.sign_in(person)
    carts.put(person.id, crab, Decimal(3))
    assert "2 at ¥80.00, the others at ¥100.00" in other.go("/checkout").get_data(as_text=True)
    assert "其中 2 件按 ¥80.00" in other.go("/checkout", "zh").get_data(as_text=True)

    stop = next(part.split('"')[0] for part in shown.split('action="') if part.startswith(path) and "/stop" in part)
    assert browser.send(path, stop).status_code == 303
    assert state.fresh().get_one(Listing, crab).price_fen == 10000
    assert other.go(path).status_code == 403
