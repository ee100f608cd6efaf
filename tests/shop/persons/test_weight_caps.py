"""Rule A24: sugar 2 kg and long-grain rice 20 kg a person and year, however the orders are cut."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core import clock
from core.accounts import Actor
from core.database import db, transaction
from core.errors import Problem
from customs import allowance, persons, weight_caps
from customs.models import AllowanceHold
from customs.person_models import WeightCapYear
from customs.weight_caps import Weight
from shop import capped_weights, checkout, expiry, holds, quotes
from shop.models import OrderLine
from shop.quotes import Item
from tests.shop import builders, paying, state
from tests.shop.builders import Shelf
from tests.shop.persons.conftest import neighbour

SUGAR_HS = "1701991010"


def put_sugar(shelf: Shelf, grams: int = 500) -> uuid.UUID:
    kg = Decimal(grams) / 1000
    facts = {"net_weight_kg": kg, "gross_weight_kg": kg, "statutory": {"unit1_quantity": str(kg)}}
    return builders.put_listing(shelf, hs=SUGAR_HS, origin="TH", price_fen=2000, stock="1000", **facts)


def sugar(person: Actor | uuid.UUID, year: int | None = None) -> tuple[str, str]:
    """(held, used) kilograms of sugar."""
    known = persons.identity_of(person.id) if isinstance(person, Actor) else None
    person_id = known.person_id if known else person
    [row] = weight_caps.sums(person_id, year or clock.today().year) or [{"held_kg": "0", "used_kg": "0"}]
    db.session.rollback()
    return row["held_kg"], row["used_kg"]


def blocked(buyer: Actor, *items: tuple[uuid.UUID, str]) -> list[dict[str, Any]]:
    wants = [Item(listing_id, Decimal(quantity)) for listing_id, quantity in items]
    found = quotes.quote(wants, buyer.id, None)["blocked"]
    db.session.rollback()
    return found


def test_the_cap_is_reached_by_two_orders_and_not_passed(shelf: Shelf, place: Any) -> None:
    bags, buyer = put_sugar(shelf), neighbour()
    place(buyer, (bags, "3"))
    assert sugar(buyer) == ("1.5", "0")
    [found] = blocked(buyer, (bags, "2"))
    assert (found["code"], found["help"]["left_kg"]) == ("weight_cap", "0.5")
    assert "0.5 kg" in found["detail"]
    assert "2027" in found["hint"] or str(clock.today().year + 1) in found["hint"]
    with pytest.raises(Problem) as refusal:
        place(buyer, (bags, "2"))
    assert refusal.value.code == "weight_cap"
    assert blocked(buyer, (bags, "1")) == []
    place(buyer, (bags, "1"))  # equal is allowed
    assert sugar(buyer) == ("2", "0")
    [found] = blocked(buyer, (bags, "1"))
    assert found["help"]["left_kg"] == "0"


def test_two_listings_of_the_group_count_together(shelf: Shelf, place: Any) -> None:
    half, other, buyer = put_sugar(shelf), put_sugar(shelf, 750), neighbour()
    place(buyer, (half, "1"), (other, "2"))
    assert sugar(buyer) == ("2", "0")


def test_two_accounts_of_one_person_share_the_cap(shelf: Shelf, place: Any) -> None:
    bags = put_sugar(shelf)
    first, second = builders.buyer(serial=901), builders.buyer(serial=901)
    place(first, (bags, "3"))
    assert [found["code"] for found in blocked(second, (bags, "2"))] == ["weight_cap"]


def test_goods_without_a_cap_ask_nothing(shelf: Shelf, place: Any) -> None:
    crab, buyer = builders.put_listing(shelf), neighbour()
    place(buyer, (crab, "5"))
    assert state.fresh().scalars(select(WeightCapYear)).all() == []
    assert state.fresh().scalars(select(AllowanceHold.weights)).all() == [None]


def test_held_used_and_given_back_with_the_order(
    shelf: Shelf, place: Any, stripe: Any, move_clock: Any, run_jobs: Any
) -> None:
    bags, buyer = put_sugar(shelf), neighbour()
    sold = paying.sell(place, stripe, buyer, (bags, "3"))
    assert sugar(buyer) == ("0", "1.5")
    unpaid = place(buyer, (bags, "1"))
    assert sugar(buyer) == ("0.5", "1.5")
    move_clock(700)
    expiry.expire(uuid.UUID(unpaid["purchase"]))
    assert sugar(buyer) == ("0", "1.5")
    with transaction() as session:
        allowance.give_back(session, sold["number"])
        allowance.give_back(session, sold["number"])
    assert sugar(buyer) == ("0", "0")


def test_a_part_sent_back_gives_its_weight_back(shelf: Shelf, place: Any, stripe: Any) -> None:
    bags, buyer = put_sugar(shelf), neighbour()
    sold = paying.sell(place, stripe, buyer, (bags, "4"))
    with transaction() as session:
        lines: list[OrderLine] = holds.lines_of(session, [sold["order"]])
        part = capped_weights.of_part(clock.today(), lines, [(1, "1")])
        assert part == {"sugar": Decimal("0.50000")}
        allowance.give_back(session, sold["number"], 100, "returned", part)
    assert sugar(buyer) == ("0", "1.5")
    with transaction() as session:
        allowance.give_back(session, sold["number"], 10**9, "returned")  # the rest, and its weight
    assert sugar(buyer) == ("0", "0")


def test_a_hold_that_turns_the_year_moves_its_weight(context: None) -> None:
    account = neighbour().id
    person = persons.identity_of(account)
    assert person is not None
    weights = {"sugar": Weight(Decimal("1.5"), Decimal(2))}
    with transaction() as session:
        allowance.hold(session, person.person_id, "LF1", 100, 2026, 1000, account_id=account, weights=weights)
    with transaction() as session:
        allowance.use(session, "LF1", 2027)
    assert (sugar(person.person_id, 2026), sugar(person.person_id, 2027)) == (("0", "0"), ("0", "1.5"))
    with transaction() as session:
        allowance.hold(session, person.person_id, "LF2", 100, 2026, 1000, account_id=account, weights=weights)
    with pytest.raises(Problem) as refusal, transaction() as session:
        allowance.use(session, "LF2", 2027)
    assert (refusal.value.code, refusal.value.extra["left"]) == ("weight_cap", "0.5")
    assert sugar(person.person_id, 2026) == ("1.5", "0")


def test_sixteen_at_once_from_two_accounts_stop_at_the_cap(app: Any, shelf: Shelf, stripe: Any) -> None:
    """Each wants half a kilogram of two: four are placed, whoever comes first."""
    bags = put_sugar(shelf)
    buyers = [builders.buyer(serial=902), builders.buyer(serial=902)]
    gate = Barrier(8)

    def order(number: int) -> str:
        with app.app_context():
            if number < 8:
                gate.wait()
            try:
                checkout.place(buyers[number % 2].id, uuid.uuid4(), items=[Item(bags, Decimal(1))])
            except Problem as refusal:
                return refusal.code
            return "placed"

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(order, range(16)))
    assert (ends.count("placed"), ends.count("weight_cap")) == (4, 12)
    assert sugar(buyers[0]) == ("2", "0")


def test_the_database_itself_refuses_more(shelf: Shelf, place: Any) -> None:
    place(neighbour(), (put_sugar(shelf), "4"))
    with pytest.raises(DBAPIError, match="within_cap"), transaction() as session:
        session.execute(text("UPDATE weight_cap_year SET used_kg = used_kg + 0.00001"))
