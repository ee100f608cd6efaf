"""F29 to F31: one person at the annual edge from two accounts, typed in five ways, and the turn of the Beijing year."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock
from core.config import ClockSetting
from core.database import db
from core.errors import Problem
from customs import persons
from customs.models import AllowanceEntry, AllowanceYear, Person
from shop import checkout, payments, quotes
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.builders import FakeStripe, Shelf

LIMIT = 2_600_000
NUMBER = "11010519491231002X"
TYPED = (NUMBER, NUMBER.lower(), f" {NUMBER} ", "110105 19491231 002X", "１１０１０５１９４９１２３１００２Ｘ")


@pytest.fixture
def at() -> Iterator[Callable[[str], None]]:
    """Stop the clock at an instant."""
    yield lambda instant: clock.set_clock(ClockSetting(fixed=datetime.fromisoformat(instant).astimezone(UTC)))
    clock.set_clock(ClockSetting())


def listing_of(shelf: Shelf, dutiable_fen: int, **more: Any) -> uuid.UUID:
    """Goods of which one piece has exactly this dutiable value, freight and insurance included."""
    price = dutiable_fen
    for _ in range(8):
        probe = builders.put_listing(shelf, price_fen=price, **more)
        [order] = quotes.quote([Item(probe, Decimal(1))], None, None)["orders"]
        db.session.rollback()
        found = round(Decimal(order["dutiable_value"]) * 100)
        if found == dutiable_fen:
            return probe
        price += dutiable_fen - found
    raise AssertionError(f"no price gives {dutiable_fen}")


def person_of(actor: Any) -> uuid.UUID:
    known = persons.identity_of(actor.id)
    db.session.rollback()
    assert known is not None
    return known.person_id


def sums(year: int) -> tuple[int, int]:
    row = AllowanceYear
    found = state.fresh().execute(select(row.reserved_fen, row.used_fen).where(row.year == year)).one_or_none()
    return (found[0], found[1]) if found else (0, 0)


def test_five_ways_of_typing_are_one_person(context: None) -> None:
    people = [builders.buyer(with_identity=False) for _ in TYPED]
    for who, typed in zip(people, TYPED, strict=True):
        persons.set_identity(who.id, "张三", typed, "13800000000")
    assert len({person_of(who) for who in people}) == 1
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1
    db.session.rollback()


def test_twenty_parallel_orders_of_one_person_from_two_accounts(app: Any, shelf: Shelf, stripe: FakeStripe) -> None:
    """Twenty orders of 2,600.00 against 26,000.00: exactly ten are placed and fill the year to the fen."""
    crab = listing_of(shelf, 260_000, stock="40")
    accounts = [builders.buyer(with_identity=False) for _ in range(2)]
    for who, typed in zip(accounts, TYPED[1:3], strict=True):
        persons.set_identity(who.id, "张三", typed, "13800000000")
    gate = Barrier(8)

    def order(number: int) -> str:
        with app.app_context():
            if number < 8:
                gate.wait()
            try:
                checkout.place(accounts[number % 2].id, uuid.uuid4(), items=[Item(crab, Decimal(1))])
            except Problem as refusal:
                return refusal.code
            return "placed"

    with ThreadPoolExecutor(8) as pool:
        ends = Counter(pool.map(order, range(20)))
    assert ends == {"placed": 10, "annual_limit": 10}
    assert sums(clock.today().year) == (LIMIT, 0)
    assert state.stock(crab)[1] == 10  # the refused hold no goods


def codes(actor: Any, *items: tuple[uuid.UUID, str]) -> list[str]:
    found = quotes.quote([Item(listing, Decimal(quantity)) for listing, quantity in items], actor.id, None)["blocked"]
    db.session.rollback()
    return [each["code"] for each in found]


def test_equal_to_the_single_limit_is_allowed_and_a_fen_more_is_not(shelf: Shelf, place: Any) -> None:
    equal, more = listing_of(shelf, 500_000), listing_of(shelf, 500_001)
    half = listing_of(shelf, 260_000)
    buyer = builders.buyer()
    assert codes(buyer, (equal, "1")) == []
    assert codes(buyer, (more, "1")) == []  # one single item above it bears the full tax (rule A6)
    assert codes(buyer, (half, "2")) == ["single_limit"]
    assert codes(buyer, (equal, "1"), (half, "1")) == ["single_limit"]
    place(buyer, (equal, "1"))
    place(buyer, (more, "1"))
    assert sums(clock.today().year) == (1_000_001, 0)  # P of the single item counts (rule A5)


def test_equal_to_what_is_left_is_allowed_and_a_fen_more_is_not(shelf: Shelf, place: Any) -> None:
    big, equal, more = listing_of(shelf, LIMIT - 100_000), listing_of(shelf, 100_000), listing_of(shelf, 100_001)
    buyer = builders.buyer()
    place(buyer, (big, "1"))
    assert codes(buyer, (more, "1")) == ["annual_limit"]
    assert codes(buyer, (equal, "1")) == []
    place(buyer, (equal, "1"))
    assert sums(clock.today().year) == (LIMIT, 0)
    assert codes(buyer, (equal, "1")) == ["annual_limit"]


@pytest.mark.parametrize(
    ("instant", "year"), [("2026-12-31T15:59:59+00:00", 2026), ("2026-12-31T16:00:00+00:00", 2027)]
)
def test_the_year_turns_at_midnight_in_beijing(
    shelf: Shelf, place: Any, at: Callable[[str], None], instant: str, year: int
) -> None:
    at("2026-12-31T15:00:00+00:00")
    crab, buyer = listing_of(shelf, 100_000), builders.buyer()
    at(instant)
    place(buyer, (crab, "1"))
    assert (sums(year), sums(4053 - year)) == ((100_000, 0), (0, 0))


def test_held_on_the_last_day_and_paid_on_the_first_moves(
    shelf: Shelf, place: Any, stripe: FakeStripe, at: Callable[[str], None]
) -> None:
    at("2026-12-31T15:58:00+00:00")
    crab, buyer = listing_of(shelf, 100_000), builders.buyer()
    bought = place(buyer, (crab, "1"))
    assert sums(2026) == (100_000, 0)
    at("2026-12-31T16:01:00+00:00")
    stripe.pay(bought["payment"]["intent"])
    payments.look(uuid.UUID(bought["purchase"]))
    assert state.statuses(bought) == ["paid"]
    assert (sums(2026), sums(2027)) == ((0, 0), (0, 100_000))
    kinds = state.fresh().execute(select(AllowanceEntry.kind, AllowanceEntry.year).order_by(AllowanceEntry.id)).all()
    assert [tuple(row) for row in kinds] == [("held", 2026), ("moved", 2026), ("used", 2027)]


def test_a_full_new_year_pays_back_what_was_held_in_the_old(
    shelf: Shelf, place: Any, stripe: FakeStripe, at: Callable[[str], None], run_jobs: Any
) -> None:
    at("2026-12-31T15:58:00+00:00")
    crab, big, buyer = listing_of(shelf, 100_000), listing_of(shelf, LIMIT), builders.buyer()
    bought = place(buyer, (crab, "1"))
    at("2026-12-31T16:01:00+00:00")
    place(buyer, (big, "1"))
    stripe.pay(bought["payment"]["intent"])
    payments.look(uuid.UUID(bought["purchase"]))
    run_jobs("shop.pay_refund")
    assert state.statuses(bought) == ["refunded"]
    assert (sums(2026), sums(2027)) == ((0, 0), (LIMIT, 0))
    assert state.books_balance()
