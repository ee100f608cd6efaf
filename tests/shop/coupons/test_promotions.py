"""A merchant's dated reduction: it lowers price and dutiable value, for so many units, and ends by itself."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from catalog import listings, promotions
from catalog.models import Listing
from catalog.promotion_models import Promotion, PromotionHolder
from core import clock
from core.errors import Problem
from customs import filing_case, filing_documents, persons
from customs.models import Declaration
from shop import addresses, cancellation, checkout, expiry, payments, quotes, shortages
from shop.models import Order
from shop.pages.promotions import beijing_midnight
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.paying import sell
from tests.shop.test_http import Caller, items

TERMS: dict[str, Any] = {"percent": None, "price": None, "units": None, "per_person": None}


@pytest.fixture
def crab(shelf: Any) -> uuid.UUID:
    """For 100.00."""
    return builders.put_listing(shelf, price_fen=10000, category="crab", department="aquatic_products")


def plan(shelf: Any, listing: uuid.UUID, *, begins: int = -1, days: int = 1, **terms: Any) -> dict[str, Any]:
    now = clock.now().replace(microsecond=0)
    dates = {"valid_from": now + timedelta(hours=begins), "valid_to": now + timedelta(days=days)}
    values = {**TERMS, "listing_id": listing, **dates, **terms}
    return promotions.create(shelf.owner.id, shelf.merchant_id, values, uuid.uuid4())


def row_of(made: dict[str, Any]) -> Promotion:
    return state.fresh().get_one(Promotion, uuid.UUID(made["id"]))


def price_of(listing: uuid.UUID) -> int:
    return state.fresh().get_one(Listing, listing).price_fen


def line_of(buyer: Any, listing: uuid.UUID, quantity: str) -> dict[str, Any]:
    state.fresh()
    (order,) = quotes.quote([Item(listing, Decimal(quantity))], buyer and buyer.id, None)["orders"]
    (line,) = order["lines"]
    return dict(line)


def buy(buyer: Any, listing: uuid.UUID, quantity: str) -> uuid.UUID:
    return checkout.place(buyer.id, uuid.uuid4(), items=[Item(listing, Decimal(quantity))])


def test_price_and_dutiable_value_fall_and_come_back(shelf: Any, stripe: Any, crab: Any, move_clock: Any) -> None:
    made = plan(shelf, crab, percent=20)
    assert (made["state"], made["regular_price"], made["reduced_price"]) == ("running", "100.00", "80.00")
    line = line_of(None, crab, "2")
    assert (line["unit_price"], line["goods"]) == ("80.00", "160.00")
    assert Decimal(line["dutiable_value"]) == Decimal("160.00") + Decimal(line["freight"])
    assert line["promotion"]["regular_price"] == "100.00"
    move_clock(86400 + 60)
    assert line_of(None, crab, "2")["unit_price"] == "100.00"  # over by the clock, though no job has run
    promotions.turn()
    promotions.turn()
    assert (row_of(made).state, price_of(crab)) == ("over", 10000)
    assert line_of(None, crab, "2")["promotion"] is None


def test_the_card_shows_a_price_that_was_charged(shelf: Any, crab: Any, client: Any, move_clock: Any) -> None:
    """`was_price` is the history's own: the listing was on sale at 100.00 before."""
    from core.database import transaction

    with transaction() as session:
        listings.reprice(session, listings.lock_own(session, shelf.merchant_id, crab), 10000, None, "t", "seen")
    move_clock(3600)
    plan(shelf, crab, price=7500)
    card = client.get(f"/api/v1/catalog/listings/{crab}").get_json()
    assert (card["price"], card["was_price"]) == ("75.00", "100.00")


def test_planned_begins_by_itself_and_two_do_not_overlap(shelf: Any, crab: Any, move_clock: Any) -> None:
    first = plan(shelf, crab, begins=1, percent=10)
    promotions.turn()
    assert (first["state"], price_of(crab)) == ("planned", 10000)
    with pytest.raises(Problem) as refusal:
        plan(shelf, crab, begins=2, percent=5)
    assert refusal.value.code == "promotion_clash"
    move_clock(3700)
    promotions.turn()
    assert (row_of(first).state, price_of(crab)) == ("running", 9000)
    with pytest.raises(Problem) as refusal:
        listings.change("m", shelf.merchant_id, crab, None, {"price_fen": 9500})
    assert refusal.value.code == "promotion_running"
    assert promotions.stop(shelf.owner.id, shelf.merchant_id, uuid.UUID(first["id"]))["state"] == "stopped"
    assert price_of(crab) == 10000


def test_more_than_is_left_pays_the_regular_price_for_the_rest(
    shelf: Any, stripe: Any, crab: Any, run_jobs: Any
) -> None:
    """2 at 79.99 and 1 at 100.00: 259.98 over three, 86.66 each, and 5 decimals at customs (rule A13)."""
    made, buyer = plan(shelf, crab, price=7999, per_person=Decimal(2)), builders.buyer()
    line = line_of(buyer, crab, "3")
    assert (line["goods"], line["unit_price"], line["promotion"]["units"]) == ("259.98", "86.66", "2")
    purchase_id = buy(buyer, crab, "3")
    checkout.pay_for(purchase_id)
    assert line_of(buyer, crab, "1")["unit_price"] == "100.00"
    assert line_of(builders.buyer(), crab, "1")["unit_price"] == "79.99"
    other = builders.put_listing(shelf, price_fen=10000, category="crab", department="aquatic_products")
    odd = plan(shelf, other, price=9001, per_person=Decimal(1))
    second = buy(buyer, uuid.UUID(odd["listing_id"]), "3")
    checkout.pay_for(second)
    intent = next(each for each in stripe.intents.values() if each.metadata["purchase"] == str(second))
    stripe.pay(intent.id)
    payments.look(second)
    run_jobs("shop.file")
    session = state.fresh()
    (declaration,) = session.scalars(select(Declaration))
    case = filing_case.read_case(session, declaration.id)
    assert case is not None
    assert filing_documents.faults(case, clock.now()) == []
    (told,) = filing_documents.contents(case, clock.now())["311"]["lines"]
    assert (told["price"], told["totalPrice"]) == (Decimal("96.67000"), Decimal("290.01"))
    assert row_of(made).taken == 2


def test_units_come_back_when_the_order_comes_to_nothing(
    shelf: Any, stripe: Any, crab: Any, move_clock: Any, run_jobs: Any
) -> None:
    made, buyer = plan(shelf, crab, percent=50, units=Decimal(5), per_person=Decimal(5)), builders.buyer()
    first = buy(buyer, crab, "3")
    assert row_of(made).taken == 3
    order = state.fresh().scalars(select(Order).where(Order.purchase_id == first)).one()
    cancellation.cancel(buyer, order.id)
    cancellation.cancel(buyer, order.id)
    assert row_of(made).taken == 0
    second = buy(buyer, crab, "5")
    checkout.pay_for(second)
    move_clock(3600)
    expiry.expire(second)
    expiry.expire(second)
    holder = state.fresh().scalars(select(PromotionHolder)).one()
    assert (row_of(made).taken, holder.taken) == (0, 0)


def test_sold_out_ends_it(shelf: Any, stripe: Any, crab: Any) -> None:
    made = plan(shelf, crab, percent=50, units=Decimal(2))
    buy(builders.buyer(), crab, "2")
    assert line_of(None, crab, "1")["unit_price"] == "100.00"
    promotions.turn()
    assert (row_of(made).state, price_of(crab)) == ("sold_out", 10000)


def test_forty_buyers_and_five_reduced_units(app: Any, shelf: Any, stripe: Any) -> None:
    """Each quoted at the reduced price; five take it, the others are told, none pays more than was shown."""
    shelved = {"category": "beef_boneless", "department": "beef"}
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", price_fen=10000, **shelved)
    made = plan(shelf, beef, percent=50, units=Decimal(5))
    buyers = [builders.buyer(with_identity=False) for _ in range(8)]
    tokens = [quotes.quote([Item(beef, Decimal(1))], buyers[n % 8].id, None)["quote"] for n in range(40)]
    gate = Barrier(8)

    def place(number: int) -> str:
        with app.app_context():
            if number < 8:
                gate.wait()
            try:
                checkout.place(buyers[number % 8].id, uuid.uuid4(), quote=tokens[number])
            except Problem as refusal:
                return refusal.code
            return "placed"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(place, range(40))) == {"placed": 5, "promotion_used_up": 35}
    assert row_of(made).taken == 5
    assert state.stock(beef)[1] == 5


def test_one_person_at_one_instant(app: Any, shelf: Any, stripe: Any, crab: Any) -> None:
    plan(shelf, crab, percent=50, per_person=Decimal(1))
    twins: list[Any] = [builders.buyer(serial=778), builders.buyer(serial=778)]
    tokens = [quotes.quote([Item(crab, Decimal(1))], twin.id, None)["quote"] for twin in twins]
    gate = Barrier(2)

    def place(number: int) -> str:
        with app.app_context():
            gate.wait()
            try:
                checkout.place(twins[number].id, uuid.uuid4(), quote=tokens[number])
            except Problem as refusal:
                return refusal.code
            return "placed"

    with ThreadPoolExecutor(2) as pool:
        assert Counter(pool.map(place, range(2))) == {"placed": 1, "promotion_used_up": 1}


def test_only_own_listings_over_http(client: Any, shelf: Any, crab: Any, stripe: Any) -> None:
    owner, stranger = Caller(client, shelf.owner), Caller(client, builders.open_shelf().owner)
    now = clock.now()
    body = {"listing_id": str(crab), "percent": 10, "units": "100", "valid_from": clock.instant_text(now)}
    body["valid_to"] = clock.instant_text(now + timedelta(days=3))
    assert stranger.post("/catalog/manage/promotions", body, key="a").status_code == 404
    assert Caller(client, builders.buyer()).post("/catalog/manage/promotions", body, key="a").status_code == 403
    made = owner.post("/catalog/manage/promotions", body, key="k")
    assert (made.status_code, owner.post("/catalog/manage/promotions", body, key="k").data) == (201, made.data)
    told = made.get_json()
    path = f"/catalog/manage/promotions/{told['id']}"
    assert owner.get(path).get_json() == told
    assert [row["id"] for row in owner.get("/catalog/manage/promotions").get_json()["items"]] == [told["id"]]
    assert stranger.get(path).status_code == stranger.post(f"{path}/stop").status_code == 404
    assert owner.post(f"{path}/stop").get_json()["state"] == "stopped"
    for field, wrong in {
        "price": {"price": "1.00"},
        "units": {"units": "1.5"},
        "valid_to": {"valid_to": body["valid_from"]},
        "percent": {"percent": 100},
    }.items():
        refused = owner.post("/catalog/manage/promotions", {**body, **wrong}, key=field)
        assert (refused.status_code, field in refused.get_json()["errors"]) == (422, True)
    dear = {**body, "percent": None, "price": "100.00"}
    assert owner.post("/catalog/manage/promotions", dear, key="d").status_code == 422
    assert Caller(client, builders.buyer()).post("/shop/quotes", {"items": items((crab, "1"))}).status_code == 200


def test_units_that_were_not_supplied_at_all_are_free_again(shelf: Any, stripe: Any, place: Any) -> None:
    beef = builders.put_listing(
        shelf,
        route="general_trade",
        hs="0202300090",
        stock="10",
        price_fen=10000,
        category="beef_bone_in",
        department="beef",
    )
    made = plan(shelf, beef, percent=10, units=Decimal(3))
    sold = sell(place, stripe, builders.buyer(), (beef, "2"))
    assert row_of(made).taken == 2
    shortages.report(shelf.owner, sold["order"], [{"line": 1, "quantity": Decimal(2)}], "broken", uuid.uuid4())
    assert row_of(made).taken == 0


def test_sold_out_to_somebody_who_does_not_pay_goes_on(shelf: Any, stripe: Any, crab: Any, move_clock: Any) -> None:
    made = plan(shelf, crab, percent=10, units=Decimal(2))
    purchase = buy(builders.buyer(), crab, "2")
    promotions.turn()
    assert (row_of(made).state, price_of(crab)) == ("sold_out", 10000)
    move_clock(660)
    expiry.expire(purchase)
    promotions.turn()
    found = row_of(made)
    assert (found.state, found.taken, price_of(crab)) == ("running", 0, 9000)


def test_an_identity_given_afterwards_brings_no_second_share(shelf: Any, stripe: Any) -> None:
    beef = builders.put_listing(
        shelf,
        route="general_trade",
        hs="0202300090",
        stock="10",
        price_fen=10000,
        category="beef_bone_in",
        department="beef",
    )
    plan(shelf, beef, percent=10, units=Decimal(9), per_person=Decimal(2))
    buyer = builders.open_account("consumer", name="王芳")
    addresses.add(buyer.id, dict(builders.HOME))
    buy(buyer, beef, "2")
    guests = quotes.quote([Item(beef, Decimal(2))], None, None)["quote"]
    persons.set_identity(buyer.id, "王芳", builders.identity_number(81), "13900000000")
    with pytest.raises(Problem) as refusal:
        checkout.place(buyer.id, uuid.uuid4(), quote=guests)
    assert refusal.value.code == "promotion_used_up"


def test_days_out_of_reach_are_refused() -> None:
    for day, days, field in ((date.max, 1, "last_day"), (date.min, 0, "first_day")):
        with pytest.raises(Problem) as refusal:
            beijing_midnight(day, days)
        assert field in refusal.value.errors
