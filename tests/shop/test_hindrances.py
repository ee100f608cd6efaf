"""What stands in the way is said at once, with what would help, in both languages; nothing is split by itself."""

from __future__ import annotations

import math
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from core.errors import Problem
from customs.duty.wording import in_language, learn
from shop import checkout, freight, phrases, quotes
from shop.offers import OfferLine, OfferOrder
from shop.quotes import Item
from shop.splitting import PIECES_MOST, split
from tests.shop import builders, state
from tests.shop.coupons.test_promotions import plan

TARIFF = freight.tariff_on(clock.today())
LIMIT = 500_000


def ask(*pairs: tuple[Any, str], account: Any = None) -> dict[str, Any]:
    return quotes.quote([Item(listing, Decimal(quantity)) for listing, quantity in pairs], account, None)


def blocks(body: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [entry for entry in body["blocked"] if entry["code"] == code]


def order_of(*lines: tuple[int, str, str]) -> OfferOrder:
    """An order of (price in fen, quantity, gross kg)."""
    made = []
    for price, quantity, gross in lines:
        facts = {"gross_weight_kg": gross, "cold_chain": False}
        goods = int(Decimal(quantity) * price)
        made.append(OfferLine(builders.new_id(), 1, facts, Decimal(quantity), price, goods))
    return OfferOrder(builders.new_id(), "m", "cross_border_retail", "1210", None, made)


def test_several_pieces_above_the_single_limit_are_advised_to_be_split(shelf: Any, context: None) -> None:
    lobster = builders.put_listing(shelf, price_fen=260_000)
    body = ask((lobster, "2"), account=builders.buyer().id)
    (block,) = body["blocked"]
    assert block["help"] == {"orders": 2, "at_most": "5000.00"}
    assert block["hint"] == "split it into 2 orders of at most 5000.00 CNY each, freight included"
    assert in_language(block, "zh")["hint"] == "可分成 2 个订单，每单含运费不超过 5000.00 元"
    assert len(body["orders"]) == 1


def test_an_item_above_the_limit_goes_alone_and_bears_the_full_tax(shelf: Any, context: None) -> None:
    dear, cheap = builders.put_listing(shelf, price_fen=600_000), builders.put_listing(shelf, price_fen=10_000)
    (block,) = blocks(ask((dear, "1"), (cheap, "1"), account=builders.buyer().id), "single_limit")
    assert block["help"]["orders"] == 2
    assert "goes alone and bears the full tax" in block["hint"]


def test_no_split_is_advised_that_the_year_would_not_bear(shelf: Any, context: None) -> None:
    lobster = builders.put_listing(shelf, price_fen=260_000)
    body = ask((lobster, "11"), account=builders.buyer().id)
    (single,), (year,) = blocks(body, "single_limit"), blocks(body, "annual_limit")
    assert "help" not in single
    assert "splitting would not help" in single["hint"]
    assert "above the limit of a whole year" in year["hint"]


def test_above_what_is_left_of_the_year_the_first_of_january_helps(shelf: Any, context: None, place: Any) -> None:
    dear = builders.put_listing(shelf, price_fen=480_000)
    person = builders.buyer()
    for _ in range(5):
        place(person, (dear, "1"))
    (block,) = blocks(ask((dear, "1"), account=person.id), "annual_limit")
    year = clock.today().year
    assert block["help"] == {"left": "1950.00", "from": f"{year + 1}-01-01"}
    assert block["hint"] == f"order for at most 1950.00 CNY now, or buy from 1 January {year + 1}"
    assert in_language(block, "zh")["hint"] == f"现在最多可购 1950.00 元，或者 {year + 1} 年 1 月 1 日起再买"


def test_what_is_left_in_stock_is_said(shelf: Any, context: None) -> None:
    few, none = builders.put_listing(shelf, stock="3"), builders.put_listing(shelf, stock="0")
    body = ask((few, "5"), (none, "1"), account=builders.buyer().id)
    short, gone = blocks(body, "out_of_stock")
    assert (short["hint"], short["help"]) == ("order at most 3", {"at_most": "3"})
    assert in_language(short, "zh")["detail"] == "需要 5，库存仅余 3"
    assert gone["hint"] == "sold out: leave it out of the order"


def test_every_reason_of_the_shop_is_told_in_both_languages(shelf: Any, context: None) -> None:
    from catalog.models import Listing
    from core.database import transaction

    gone, service = builders.put_listing(shelf), builders.put_listing(shelf, route="services", hs=None)
    with transaction() as session:
        session.get_one(Listing, gone).status = "withdrawn"
    body = ask((gone, "1"), (service, "1"), (builders.put_listing(shelf, stock="0"), "1"), (builders.new_id(), "1"))
    assert len(body["blocked"]) == 5
    for entry, other in zip(body["blocked"], in_language(body["blocked"], "zh"), strict=True):
        assert entry["detail"] != other["detail"]
        assert entry["hint"] is None or entry["hint"] != other["hint"]


def test_the_shops_sentences_are_whole_and_all_of_them_are_said() -> None:
    from pathlib import Path

    sources = [path for path in Path(phrases.__file__).parent.glob("*.py") if path.name != "phrases.py"]
    text = "".join(path.read_text("utf-8") for path in sources)
    for key, (english, chinese) in phrases.SENTENCES.items():
        assert gaps(english) == gaps(chinese), key
        assert f'"{key}"' in text, key
    with pytest.raises(ValueError, match="shop_split"):
        learn(phrases.SENTENCES)


def gaps(text: str) -> set[str]:
    import string

    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_a_total_that_no_unit_price_gives_is_found_before_it_is_paid(shelf: Any, stripe: Any) -> None:
    """Customs would refuse the order message: price x quantity must be the total, and a price has five decimals."""
    light = {"net_weight_kg": Decimal("0.001"), "gross_weight_kg": Decimal("0.001")}
    shrimp = builders.put_listing(shelf, price_fen=100, stock="9000", category="crab", **light)
    buyer = builders.buyer()

    def told(quantity: str) -> list[dict[str, Any]]:
        state.fresh()
        return blocks(ask((shrimp, quantity), account=buyer.id), "price_not_declarable")

    assert told("3000") == []
    plan(shelf, shrimp, price=50, units=Decimal(7))
    (block,) = told("3000")  # 2996.50 / 3000 = 0.998833..., and 3000 x 0.99883 = 2996.49
    assert (block["listing_id"], block["help"]) == (str(shrimp), {"at_most": "999"})
    assert block["detail"].startswith("3000 cost 2996.50 CNY, partly at the reduced price")
    assert in_language(block, "zh")["hint"] == "最多可订购 999"
    with pytest.raises(Problem) as refusal:
        checkout.place(buyer.id, uuid.uuid4(), items=[Item(shrimp, Decimal("3000"))])
    assert refusal.value.code == "price_not_declarable"
    assert told("999") == []


@pytest.mark.parametrize(
    ("lines", "orders", "lone"),
    [
        ([(260_000, "2", "1")], 2, 0),
        ([(100_000, "9", "1")], 3, 0),  # four of 1,000 and their freight fit, five do not
        ([(600_000, "2", "1")], 2, 2),
        ([(600_000, "1", "1"), (100, "3", "0.1")], 2, 1),
        ([(499_300, "1", "1"), (100, "1", "0")], 2, 1),  # above the limit with its own freight
    ],
)
def test_how_many_orders_it_takes(lines: Any, orders: int, lone: int) -> None:
    found = split(order_of(*lines), TARIFF, "east", LIMIT)
    assert found is not None
    assert (found.orders, found.lone) == (orders, lone)


def test_no_advice_on_thousands_of_pieces_nor_where_nothing_is_carried() -> None:
    assert split(order_of((100, str(PIECES_MOST + 1), "1")), TARIFF, "east", LIMIT) is None
    cold = order_of((260_000, "2", "1"))
    cold.lines[0].facts["cold_chain"] = True
    assert split(cold, TARIFF, "remote", LIMIT) is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 400_000), st.integers(1, 8)), min_size=1, max_size=4))
def test_as_many_orders_as_advised_do_suffice(wanted: list[tuple[int, int]]) -> None:
    """Never fewer than the sum needs, never more than one an item; without lone items all are inside the limit."""
    order = order_of(*((price, str(count), "0.5") for price, count in wanted))
    found = split(order, TARIFF, "east", LIMIT)
    goods, pieces = sum(price * count for price, count in wanted), sum(count for _, count in wanted)
    if found is None:
        assert goods <= LIMIT
        return
    assert math.ceil(goods / LIMIT) <= found.orders <= pieces
    assert found.lone == 0
    assert found.value_fen >= goods + found.orders * 800
