"""What a coupon takes off a quote, and why it does not apply: the rest of the quote is still shown."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.errors import Problem
from shop import coupons
from tests.shop import builders
from tests.shop.coupons import making
from tests.shop.test_http import Caller, items
from tests.shop.test_payment import fen


@pytest.fixture
def mine(client: Any, shelf: Any, stripe: Any) -> Caller:
    return Caller(client, builders.buyer())


def ask(caller: Caller, code: str, *pairs: tuple[uuid.UUID, str]) -> dict[str, Any]:
    answer = caller.post("/shop/quotes", {"items": items(*pairs), "coupon": code})
    assert answer.status_code == 200, answer.get_json()
    return dict(answer.get_json())


def test_the_buyer_pays_less_and_customs_is_owed_the_same(mine: Caller, shelf: Any) -> None:
    crab = builders.put_listing(shelf, price_fen=10000)
    made = making.make(code="Autumn 10")
    assert made["code"] == "AUTUMN10"
    without = mine.post("/shop/quotes", {"items": items((crab, "1"))}).get_json()
    assert without["coupon"] is None
    for spelled in ("AUTUMN10", "autumn-10", "ａｕｔｕｍｎ１０"):
        quote = ask(mine, spelled, (crab, "1"))
        (order,), (before,) = quote["orders"], without["orders"]
        same = ("goods", "freight", "insurance", "dutiable_value", "duty", "consumption_tax", "vat", "tax", "allowance")
        assert [order[name] for name in same] == [before[name] for name in same]
        assert (order["discount"], quote["coupon"]) == ("10.00", {"code": "AUTUMN10", "discount": "10.00"})
        assert fen(quote["total"]) == fen(without["total"]) - 1000
        assert quote["blocked"] == []


def test_one_coupon_over_several_orders_by_largest_remainder(mine: Caller, shelf: Any) -> None:
    """A third each, to the fen, and within an order over its lines."""
    crab = builders.put_listing(shelf, price_fen=3333)
    prawn = builders.put_listing(shelf, price_fen=3333)
    beef = builders.put_listing(shelf, price_fen=3333, route="general_trade", hs="0202300090")
    making.make(code="THIRD", amount=1000)
    quote = ask(mine, "THIRD", (crab, "1"), (beef, "1"), (prawn, "1"))
    assert [order["discount"] for order in quote["orders"]] == ["6.67", "3.33"]
    assert [line["discount"] for line in quote["orders"][0]["lines"]] == ["3.34", "3.33"]
    assert quote["coupon"]["discount"] == "10.00"


def test_percent_has_a_cap_and_only_its_goods_count(mine: Caller, shelf: Any) -> None:
    crab = builders.put_listing(shelf, price_fen=10005, category="crab")
    beef = builders.put_listing(
        shelf, price_fen=90000, route="general_trade", hs="0202300090", category="beef_boneless"
    )
    making.make(code="TENTH", percent=10, at_most=1500, categories=["aquatic_products"])
    quote = ask(mine, "TENTH", (crab, "1"), (beef, "1"))
    assert [order["discount"] for order in quote["orders"]] == ["10.01", "0.00"]
    assert ask(mine, "TENTH", (crab, "2"))["coupon"]["discount"] == "15.00"
    refused = ask(mine, "TENTH", (beef, "1"))
    assert [row["code"] for row in refused["blocked"]] == ["coupon_scope"]


def test_never_more_than_the_goods_and_never_nothing_to_pay(mine: Caller, shelf: Any) -> None:
    crab = builders.put_listing(shelf, price_fen=1000)
    making.make(code="LARGE", amount=100000, budget=100000)
    quote = ask(mine, "LARGE", (crab, "1"))
    (order,) = quote["orders"]
    assert order["discount"] == order["goods"] == "10.00"
    assert fen(quote["total"]) == fen(order["freight"]) + fen(order["tax"]) > 0


@pytest.mark.parametrize(
    ("terms", "code", "helps"),
    [
        ({}, "coupon_unknown", None),
        ({"minimum": 10001}, "coupon_minimum", {"minimum": "100.01", "missing": "0.01"}),
        ({"routes": ["general_trade"]}, "coupon_scope", None),
        ({"valid_from": timedelta(hours=1)}, "coupon_expired", "from"),
    ],
)
def test_what_does_not_apply_is_told_and_the_rest_is_shown(
    mine: Caller, shelf: Any, terms: dict[str, Any], code: str, helps: Any
) -> None:
    crab = builders.put_listing(shelf, price_fen=10000)
    if "valid_from" in terms:
        terms = {"valid_from": clock.now() + terms["valid_from"]}
    spelled = making.make(**terms)["code"] if terms else "NO-SUCH"
    quote = ask(mine, spelled, (crab, "1"))
    (reason,) = quote["blocked"]
    assert reason["code"] == code
    assert reason["hint"]
    if isinstance(helps, dict):
        assert reason["help"] == helps
    elif helps:
        assert helps in reason["help"]
    assert quote["orders"][0]["discount"] == "0.00"
    assert quote["quote"] is None  # it must not be placed as if the coupon had been taken
    placed = mine.post("/shop/orders", {"items": items((crab, "1")), "coupon": spelled}, key="k")
    assert placed.get_json()["code"] == code


def test_over_and_stopped(mine: Caller, shelf: Any, move_clock: Any) -> None:
    crab, operator = builders.put_listing(shelf), builders.open_account("operator")
    first, second = making.make(operator), making.make(operator)
    assert coupons.stop(operator.id, uuid.UUID(second["id"]))["state"] == "stopped"
    assert [row["code"] for row in ask(mine, second["code"], (crab, "1"))["blocked"]] == ["coupon_expired"]
    move_clock(2 * 86400)
    assert [row["code"] for row in ask(mine, first["code"], (crab, "1"))["blocked"]] == ["coupon_expired"]


def test_a_quote_holds_its_coupon_or_is_refused(mine: Caller, shelf: Any) -> None:
    crab, operator = builders.put_listing(shelf), builders.open_account("operator")
    made, other = making.make(operator), making.make(operator)
    quote = ask(mine, made["code"], (crab, "1"))
    wrong = mine.post("/shop/orders", {"quote": quote["quote"], "coupon": other["code"]}, key="a")
    assert (wrong.status_code, list(wrong.get_json()["errors"])) == (422, ["coupon"])
    placed = mine.post("/shop/orders", {"quote": quote["quote"], "coupon": made["code"]}, key="b").get_json()
    assert (placed["total"], placed["orders"][0]["discount"]) == (quote["total"], "10.00")
    assert placed["payment"]["amount"] == fen(quote["total"])


def test_a_stopped_coupon_refuses_the_quote_that_rested_on_it(mine: Caller, shelf: Any) -> None:
    crab, operator = builders.put_listing(shelf), builders.open_account("operator")
    made = making.make(operator)
    quote = ask(mine, made["code"], (crab, "1"))
    coupons.stop(operator.id, uuid.UUID(made["id"]))
    assert mine.post("/shop/orders", {"quote": quote["quote"]}, key="c").get_json()["code"] == "coupon_expired"
    assert making.taken(made) == (0, 0)


def test_operators_run_coupons_and_nobody_else(client: Any, shelf: Any) -> None:
    now = clock.now()
    body = {
        "percent": 15,
        "at_most": "50.00",
        "minimum": "200.00",
        "valid_from": clock.instant_text(now),
        "valid_to": clock.instant_text(now + timedelta(days=7)),
        "total_uses": 10,
        "budget": "500.00",
        "categories": ["beef"],
    }
    operator, other = Caller(client, builders.open_account("operator")), Caller(client, builders.buyer())
    made = operator.post("/shop/coupons", body, key="k")
    assert (made.status_code, operator.post("/shop/coupons", body, key="k").data) == (201, made.data)
    told = made.get_json()
    assert (told["state"], told["used"], told["spent"], len(told["code"])) == ("in_force", 0, "0.00", 12)
    assert operator.get(f"/shop/coupons/{told['id']}").get_json() == told
    assert [row["id"] for row in operator.get("/shop/coupons").get_json()["items"]] == [told["id"]]
    assert other.post("/shop/coupons", body, key="k").status_code == other.get("/shop/coupons").status_code == 403
    taken = operator.post("/shop/coupons", {**body, "code": told["code"].lower()}, key="l")
    assert taken.get_json()["code"] == "coupon_code_taken"
    for field, wrong in {
        "amount": {"amount": "1.00"},
        "at_most": {"at_most": None},
        "valid_to": {"valid_to": body["valid_from"]},
        "budget": {"budget": "49.99"},
        "category": {"categories": ["nothing"]},
        "code": {"code": "a!b"},
        "total_uses": {"total_uses": 0},
    }.items():
        refused = operator.post("/shop/coupons", {**body, **wrong}, key=field)
        assert refused.status_code == 422
        assert field in refused.get_json()["errors"]
    assert operator.post(f"/shop/coupons/{told['id']}/stop").get_json()["state"] == "stopped"
    assert operator.post(f"/shop/coupons/{uuid.uuid4()}/stop").status_code == 404


def test_a_code_is_refused_that_nobody_could_type() -> None:
    with pytest.raises(Problem):
        coupons._code("优惠")
