"""Freight and the way: by zone of the address, said when it is assumed, never charged for a zone that was not quoted."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from catalog import zones
from catalog.models import Lot
from core import clock
from core.database import db, transaction
from core.errors import Problem
from core.money import fen_text
from shop import addresses, checkout, freight, quotes
from shop.models import Order
from shop.quotes import Item
from tests.shop import builders, state

PEKING = {**builders.HOME, "province": "北京市", "city": "北京市", "district": "东城区", "district_code": "110101",
          "postcode": "100010"}  # fmt: skip
LHASA = {**builders.HOME, "province": "西藏自治区", "city": "拉萨市", "district_code": "540102", "postcode": "850000"}


def ask(listing: uuid.UUID, quantity: str = "1", account: Any = None, address: Any = None) -> dict[str, Any]:
    return quotes.quote([Item(listing, Decimal(quantity))], account, address)


def live_at(person: Any, values: dict[str, Any]) -> uuid.UUID:
    return uuid.UUID(addresses.add(person.id, dict(values))["id"])


@pytest.fixture
def nomad(context: None) -> Any:
    """A buyer with an identity and no address."""
    from customs import persons

    actor = builders.open_account("consumer", name="王芳")
    persons.set_identity(actor.id, "王芳", builders.identity_number(77), "13900000000")
    return actor


@pytest.mark.parametrize(
    ("province", "code", "post", "name"),
    [
        ("浙江省", None, None, "Zhejiang"),
        ("上海", None, None, "Shanghai"),
        ("广西壮族自治区", None, None, "Guangxi"),
        ("Inner Mongolia Autonomous Region", None, None, "Inner Mongolia"),
        ("ＳＨＡＮＧＨＡＩ", None, None, "Shanghai"),
        ("不详", "650102", None, "Xinjiang"),
        ("x", None, "518000", "Guangdong"),
        ("香港特别行政区", None, "999077", "Hong Kong"),
        ("香港特別行政區", None, "200000", "Hong Kong"),
        ("臺灣", None, "100213", "Taiwan"),
        ("Xinjiang Uyghur Autonomous Region", None, "100010", "Xinjiang"),
        ("Beijing City", None, None, "Beijing"),
    ],
)
def test_an_address_tells_its_province(province: str, code: Any, post: Any, name: str) -> None:
    found = zones.province_of(province, code, post)
    assert found is not None
    assert found.name["en"] == name


def test_every_province_of_the_mainland_is_served_and_three_regions_are_not() -> None:
    served = [province for province in zones.provinces() if province.zone is not None]
    assert len(served) == 31
    assert [each.name["zh"] for each in zones.provinces() if each.zone is None] == ["香港", "澳门", "台湾"]
    assert min(zone.transit_days for zone in zones.all_zones()) == zones.standard().transit_days
    for entry in freight._tariffs():
        assert set(entry.prices) == {zone.key for zone in zones.all_zones()}


@pytest.mark.parametrize(
    ("zone", "cold", "kg", "fen"),
    [
        ("east", False, "1", 800),
        ("east", False, "2.4", 1200),
        ("east", True, "1.01", 2300),
        ("middle", False, "2", 1300),
        ("far", True, "1", 2800),
        ("remote", False, "3", 4400),
    ],
)
def test_a_parcel_costs_by_weight_temperature_and_zone(zone: str, cold: bool, kg: str, fen: int) -> None:
    assert freight.tariff_on(date(2026, 11, 25)).freight_fen(Decimal(kg), cold, zone) == fen


def test_the_older_list_has_one_price_for_all(context: None) -> None:
    old = freight.tariff_on(date(2025, 12, 31))
    assert {old.freight_fen(Decimal(2), False, zone.key) for zone in zones.all_zones()} == {1000}
    assert freight.tariff_on(date(2026, 1, 1)) is not old


def test_without_an_address_the_standard_zone_is_taken_and_said(shelf: Any, context: None) -> None:
    body = ask(builders.put_listing(shelf))
    assert body["orders"][0]["freight"] == "10.00"  # 1.2 kg: 8.00 and one begun
    basis = body["freight_basis"]
    assert (basis["zone"]["key"], basis["assumed"], basis["address_id"]) == ("east", True, None)
    assert "standard zone" in basis["detail"]


def test_a_signed_in_quote_goes_to_the_first_address_unless_told(shelf: Any, nomad: Any) -> None:
    crab = builders.put_listing(shelf)
    first, other = live_at(nomad, PEKING), live_at(nomad, builders.HOME)
    body = ask(crab, account=nomad.id)
    assert body["orders"][0]["freight"] == "13.00"
    assert (body["freight_basis"]["province"]["en"], body["freight_basis"]["assumed"]) == ("Beijing", False)
    assert body["freight_basis"]["address_id"] == str(first)
    assert ask(crab, account=nomad.id, address=other)["orders"][0]["freight"] == "10.00"


def test_freight_quoted_for_one_zone_is_not_charged_for_another(shelf: Any, nomad: Any, stripe: Any) -> None:
    crab = builders.put_listing(shelf)
    near = live_at(nomad, builders.HOME)
    own = ask(crab, account=nomad.id)["quote"]
    far = live_at(nomad, PEKING)
    with pytest.raises(Problem) as refusal:
        checkout.place(nomad.id, uuid.uuid4(), quote=own, address_id=far)
    assert refusal.value.code == "quote_stale"
    assert state.stock(crab)[1] == 0
    assert checkout.place(nomad.id, uuid.uuid4(), quote=own, address_id=near)


def test_a_guests_quote_is_placed_at_its_freight_wherever_the_goods_can_go(shelf: Any, nomad: Any, stripe: Any) -> None:
    crab, iced = builders.put_listing(shelf), builders.put_listing(shelf, cold_chain=True)
    anybody, cold = ask(crab), ask(iced)["quote"]
    live_at(nomad, LHASA)
    purchase = checkout.place(nomad.id, uuid.uuid4(), quote=anybody["quote"])
    placed = db.session.scalars(select(Order).where(Order.purchase_id == purchase)).one()
    assert fen_text(placed.total_fen) == anybody["total"]
    with pytest.raises(Problem) as refusal:
        checkout.place(nomad.id, uuid.uuid4(), quote=cold)
    assert refusal.value.code == "not_delivered"


def test_an_address_that_moved_to_another_zone_makes_the_quote_stale(shelf: Any, nomad: Any, stripe: Any) -> None:
    crab, home = builders.put_listing(shelf), live_at(nomad, builders.HOME)
    token = ask(crab, account=nomad.id, address=home)["quote"]
    addresses.change(nomad.id, home, {name: PEKING[name] for name in ("province", "city", "district_code")})
    with pytest.raises(Problem) as refusal:
        checkout.place(nomad.id, uuid.uuid4(), quote=token)
    assert refusal.value.code == "quote_stale"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"province": "香港特别行政区", "district_code": None, "postcode": "999077"}, "not_delivered"),
        ({"province": "?", "district_code": None, "postcode": "000000"}, "province_unknown"),
    ],
)
def test_where_nothing_is_delivered_is_said_and_refused(
    shelf: Any, nomad: Any, stripe: Any, where: dict[str, Any], code: str
) -> None:
    crab, place = builders.put_listing(shelf), live_at(nomad, {**builders.HOME, **where})
    body = ask(crab, account=nomad.id)
    assert [entry["code"] for entry in body["blocked"]] == [code]
    assert body["freight_basis"]["assumed"] is True
    for wish in ({"quote": body["quote"]}, {"items": [Item(crab, Decimal(1))], "address_id": place}):
        with pytest.raises(Problem) as refusal:
            checkout.place(nomad.id, uuid.uuid4(), **wish)
        assert refusal.value.code == code


def test_goods_of_the_cold_chain_do_not_go_everywhere(shelf: Any, nomad: Any, stripe: Any) -> None:
    live_at(nomad, LHASA)
    cold, dry = builders.put_listing(shelf, cold_chain=True), builders.put_listing(shelf)
    body = ask(cold, account=nomad.id)
    assert [(entry["code"], entry["order"]) for entry in body["blocked"]] == [("not_delivered", 0)]
    with pytest.raises(Problem):
        checkout.place(nomad.id, uuid.uuid4(), quote=body["quote"])
    assert ask(dry, account=nomad.id)["blocked"] == []


def test_insurance_is_a_percentage_of_the_goods_shared_over_the_lines(
    shelf: Any, nomad: Any, stripe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule A3: shared apart from the freight; both are in the value that is taxed (rule A5)."""
    insured = replace(freight.tariff_on(clock.today()), insurance_percent=Decimal("0.35"))
    monkeypatch.setattr(freight, "_tariffs", lambda: [insured])
    live_at(nomad, builders.HOME)
    wanted = [Item(builders.put_listing(shelf, price_fen=price), Decimal(1)) for price in (3333, 3333, 3335)]
    body = quotes.quote(wanted, nomad.id, None)
    (order,) = body["orders"]
    assert order["insurance"] == "0.35"  # 100.01 x 0.35 % = 0.350035
    assert [line["insurance"] for line in order["lines"]] == ["0.12", "0.11", "0.12"]
    for line in order["lines"]:
        parts = (Decimal(line[name]) for name in ("goods", "freight", "insurance"))
        assert Decimal(line["dutiable_value"]) == sum(parts)
    checkout.place(nomad.id, uuid.uuid4(), quote=body["quote"])
    assert state.fresh().scalars(select(Order.insurance_fen)).one() == 35


def test_a_late_payment_holds_again_only_what_lives_long_enough(
    shelf: Any, nomad: Any, stripe: Any, move_clock: Any, run_jobs: Any
) -> None:
    """F28: the way is as long at the second hold as it was at the first."""
    from shop import expiry

    live_at(nomad, PEKING)
    crab = builders.put_listing(shelf)
    purchase = checkout.place(nomad.id, uuid.uuid4(), items=[Item(crab, Decimal(1))])
    checkout.pay_for(purchase)
    stripe.down = True
    move_clock(601)
    expiry.expire(purchase)
    age(crab, 3)
    stripe.down = False
    stripe.pay(next(iter(stripe.intents)))
    expiry.reconcile()
    run_jobs("shop.pay_refund")
    assert state.statuses({"purchase": str(purchase)}) == ["cancelled"]
    assert stripe.refunded() == sum(intent.amount_fen for intent in stripe.intents.values())


def age(listing: uuid.UUID, days: int) -> None:
    """So many days are left of every lot of a listing."""
    with transaction() as session:
        session.execute(
            update(Lot).where(Lot.listing_id == listing).values(expires_on=clock.today() + timedelta(days=days))
        )


def test_a_longer_way_asks_for_more_remaining_life(shelf: Any, nomad: Any, stripe: Any) -> None:
    """Ten days at delivery: 13 left are enough for three days on the way and not for four."""
    crab = builders.put_listing(shelf)
    with transaction() as session:
        session.execute(update(Lot).where(Lot.listing_id == crab).values(least_life_days=13))
        fresh = builders.add_lot(session, crab, shelf.bonded, Decimal(2))
        session.execute(update(Lot).where(Lot.id == fresh).values(least_life_days=13))
        session.execute(
            update(Lot).where(Lot.listing_id == crab, Lot.id != fresh)
            .values(expires_on=clock.today() + timedelta(days=13))
        )  # fmt: skip
    home, far = live_at(nomad, builders.HOME), live_at(nomad, PEKING)
    assert ask(crab, "3", nomad.id, home)["blocked"] == []
    (block,) = ask(crab, "3", nomad.id, far)["blocked"]
    assert (block["code"], block["help"]) == ("life_too_short", {"at_most": "2"})
    assert "4 days on the way" in block["detail"]
    assert ask(crab, "2", nomad.id, far)["blocked"] == []
    checkout.place(nomad.id, uuid.uuid4(), items=[Item(crab, Decimal(2))], address_id=far)
    held = state.fresh().scalars(select(Lot.id).where(Lot.reserved > 0)).all()
    assert held == [fresh], "first expired first out, but fit to travel"


def test_what_is_too_old_at_placing_is_not_held(shelf: Any, nomad: Any, stripe: Any) -> None:
    """The stock turned too old for the way between quote and placement."""
    crab, far = builders.put_listing(shelf), live_at(nomad, PEKING)
    token = ask(crab, account=nomad.id, address=far)["quote"]
    age(crab, 3)
    with pytest.raises(Problem) as refusal:
        checkout.place(nomad.id, uuid.uuid4(), quote=token)
    assert refusal.value.code == "out_of_stock"
