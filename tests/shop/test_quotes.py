"""Quotes: the landed price to the fen, every tax explained, by the law of the day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from shop import freight, quotes
from shop.quotes import Item
from tests.shop import builders


def ask(*pairs: tuple[Any, str], account: Any = None) -> dict[str, Any]:
    return quotes.quote([Item(listing, Decimal(quantity)) for listing, quantity in pairs], account, None)


def test_vat_of_a_retail_line_is_seventy_percent_of_nine(shelf: Any, context: None) -> None:
    """Food: P x 9 % x 70 %, rounded once (Caiguanshui 2018 No.49)."""
    crab = builders.put_listing(shelf, price_fen=3333)
    line = ask((crab, "3"))["orders"][0]["lines"][0]
    value = Decimal(line["goods"]) + Decimal(line["freight"])
    assert line["goods"] == "99.99"
    assert Decimal(line["dutiable_value"]) == value
    assert Decimal(line["vat"]) == (value * 9 * 70 / 10000).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert line["duty"] == line["consumption_tax"] == "0.00"
    assert [step["step"] for step in line["explanation"]] == ["dutiable_value", "duty", "vat"]
    assert all(step["law"] for step in line["explanation"])


def test_one_item_above_the_single_limit_pays_in_full(shelf: Any, context: None) -> None:
    """Rule A6: exactly one line with quantity 1; then duty is due as well."""
    dear = builders.put_listing(shelf, price_fen=600_000)
    one = ask((dear, "1"))
    assert "single_limit" not in [entry["code"] for entry in one["blocked"]]
    assert Decimal(one["orders"][0]["duty"]) > 0


def test_two_items_above_the_single_limit_are_not_split(shelf: Any, context: None) -> None:
    buyer = builders.buyer()
    lobster = builders.put_listing(shelf, price_fen=260_000)
    body = ask((lobster, "2"), account=buyer.id)
    (block,) = body["blocked"]
    assert (block["code"], block["order"]) == ("single_limit", 0)
    assert "orders" in block["hint"]
    assert len(body["orders"]) == 1
    assert body["orders"][0]["lines"][0]["explanation"][0]["step"] == "indicative"
    assert Decimal(body["orders"][0]["tax"]) > 0


@pytest.mark.parametrize(("price", "blocked"), [(497_000, False), (497_001, True)])
def test_the_single_limit_itself_is_allowed(shelf: Any, context: None, price: int, blocked: bool) -> None:
    """P = goods + freight = 5,000.00 is inside, a fen more is not (rule A5)."""
    crab = builders.put_listing(shelf, price_fen=price, gross_weight_kg=Decimal("1"))
    free = builders.put_listing(shelf, price_fen=2200, gross_weight_kg=Decimal("0"))
    body = ask((crab, "1"), (free, "1"), account=builders.buyer().id)
    value = Decimal(body["orders"][0]["dutiable_value"])
    assert value == Decimal(price + 2200) / 100 + Decimal("8.00")
    assert ("single_limit" in [entry["code"] for entry in body["blocked"]]) is (value > 5000) is blocked


def test_the_allowance_is_drawn_by_one_order_after_the_other(shelf: Any, context: None) -> None:
    one, other = builders.put_listing(shelf), builders.put_listing(builders.open_shelf())
    first, second = ask((one, "1"), (other, "1"), account=builders.buyer().id)["orders"]
    assert first["allowance"]["before"] == "26000.00"
    assert Decimal(first["allowance"]["after"]) == Decimal(26000) - Decimal(first["dutiable_value"])
    assert second["allowance"]["before"] == first["allowance"]["after"]


def test_a_banned_origin_and_an_unlisted_code_are_refused_with_their_reason(shelf: Any, context: None) -> None:
    japanese = builders.put_listing(shelf, origin="JP")
    beef = builders.put_listing(shelf, hs="0202300090")
    good = builders.put_listing(shelf)
    body = ask((japanese, "1"), (beef, "1"), (good, "1"), account=builders.buyer().id)
    found = {(entry["listing_id"], entry["code"]) for entry in body["blocked"]}
    assert (str(japanese), "origin_banned") in found
    assert (str(beef), "not_on_positive_list") in found
    assert body["quote"] is None
    assert [line["listing_id"] for order in body["orders"] for line in order["lines"]] == [str(good)]


def test_domestic_stock_has_borne_its_duty(shelf: Any, context: None) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", price_fen=8800)
    (order,) = ask((beef, "2"))["orders"]
    assert (order["goods"], order["tax"], order["mode"]) == ("176.00", "0.00", "0110")
    (line,) = order["lines"]
    assert line["tax_included"] is True
    assert line["explanation"][0]["step"] == "tax_included"


def test_freight_is_by_weight_and_shared_to_the_fen(shelf: Any, context: None) -> None:
    """2.4 kg begun: 8.00 + 2 x 2.00; shared over the lines by largest remainder (rule A3)."""
    listings = [builders.put_listing(shelf, price_fen=1000, gross_weight_kg=Decimal("0.8")) for _ in range(3)]
    (order,) = ask(*((listing, "1") for listing in listings))["orders"]
    assert order["freight"] == "12.00"
    assert [line["freight"] for line in order["lines"]] == ["4.00", "4.00", "4.00"]
    cold = builders.put_listing(shelf, price_fen=1000, cold_chain=True, gross_weight_kg=Decimal("1"))
    assert ask((cold, "1"))["orders"][0]["freight"] == "18.00"


def test_a_day_without_a_price_list_is_an_error() -> None:
    from datetime import date

    with pytest.raises(LookupError, match="2013-12-31"):
        freight.tariff_on(date(2013, 12, 31))
    assert freight.tariff_on(clock.today()).source


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 120_000), st.integers(1, 3)), min_size=1, max_size=6))
def test_lines_always_sum_to_orders_and_orders_to_the_total(shelf: Any, context: None, wanted: Any) -> None:
    pairs = [(builders.put_listing(shelf, price_fen=price), str(quantity)) for price, quantity in wanted]
    body = ask(*pairs)
    for order in body["orders"]:
        for name in ("goods", "freight", "insurance", "dutiable_value", "duty", "consumption_tax", "vat", "tax"):
            assert sum(Decimal(line[name]) for line in order["lines"]) == Decimal(order[name])
        parts = sum(Decimal(order[name]) for name in ("goods", "freight", "insurance", "tax"))
        assert parts - Decimal(order["discount"]) == Decimal(order["total"])
    assert sum(Decimal(order["total"]) for order in body["orders"]) == Decimal(body["total"])
