"""A quote holds for fifteen minutes: whatever changes under it, it is honoured whole or refused whole (F34 to F36)."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from sqlalchemy import select

from catalog.models import Listing, Merchant
from core import clock
from core.database import db, transaction
from core.errors import Problem
from core.periods import Period
from customs import edition
from shop import checkout, expiry, freight, quotes
from shop.models import Order, OrderLine
from shop.quotes import Item
from tests.catalog.statements import counted
from tests.shop import builders, state

SUMS = ("goods", "freight", "insurance", "dutiable_value", "duty", "consumption_tax", "vat", "tax")


def ask(listing: uuid.UUID, person: Any, quantity: str = "3") -> dict[str, Any]:
    return quotes.quote([Item(listing, Decimal(quantity))], person.id, None)


def is_the_quoted(quote: dict[str, Any]) -> None:
    """The stored order is the quote, every amount, its law and its goods."""
    session = state.fresh()
    order, line = session.scalars(select(Order)).one(), session.scalars(select(OrderLine)).one()
    (told,) = quote["orders"]
    for name in SUMS:
        assert Decimal(getattr(order, f"{name}_fen")) / 100 == Decimal(told[name]), name
    assert (order.tariff_edition, order.tariff_day.isoformat()) == (quote["edition"], quote["day"])
    assert (line.hs, line.unit_price_fen) == (
        told["lines"][0]["hs"],
        int(Decimal(told["lines"][0]["unit_price"]) * 100),
    )
    assert line.assessment["explanation"] == told["lines"][0]["explanation"]


def change(model: Any, which: uuid.UUID, **values: Any) -> None:
    with transaction() as session:
        row = session.get_one(model, which)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.fixture
def another_edition() -> Iterator[Callable[[], None]]:
    """Switch to the same law under another edition, and back after the test."""
    known = edition.tariff()

    def switch() -> None:
        other = copy.copy(known)
        other.edition = "another-edition"
        edition.set_tariff(other)

    yield switch
    edition.set_tariff(known)


@pytest.mark.parametrize("values", [{"price_fen": 99900}, {"hs": "0306171990"}, {"gross_weight_kg": Decimal(9)},
                                    {"origin": "CA"}, {"title_zh": "别的"}, {"cold_chain": True}])  # fmt: skip
def test_a_merchants_edit_does_not_reach_into_a_quote(shelf: Any, stripe: Any, values: dict[str, Any]) -> None:
    """F36: price, code, weight, origin: as quoted, never mixed."""
    crab, person = builders.put_listing(shelf, price_fen=3333), builders.buyer()
    quote = ask(crab, person)
    change(Listing, crab, **values, version=2)
    checkout.place(person.id, uuid.uuid4(), quote=quote["quote"])
    is_the_quoted(quote)


@pytest.mark.parametrize("gone", ["withdrawn", "hindrance", "suspended"])
def test_what_may_not_be_sold_any_more_is_refused_whole(shelf: Any, stripe: Any, gone: str) -> None:
    crab, person = builders.put_listing(shelf), builders.buyer()
    quote = ask(crab, person)
    if gone == "withdrawn":
        change(Listing, crab, status="withdrawn")
    elif gone == "hindrance":
        change(Listing, crab, hindrance={"code": "origin_banned", "detail": "banned since this morning"})
    else:
        change(Merchant, shelf.merchant_id, status="suspended")
    refused(person, quote, "quote_stale")
    assert state.stock(crab) == (Decimal(100), Decimal(0))


def refused(person: Any, quote: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as refusal:
        checkout.place(person.id, uuid.uuid4(), quote=quote["quote"])
    assert refusal.value.code == code
    assert state.fresh().scalars(select(Order)).all() == []
    assert state.allowance_sums() == (0, 0)


def test_another_edition_of_the_law_refuses_the_quote(shelf: Any, stripe: Any, another_edition: Any) -> None:
    """F34."""
    crab, person = builders.put_listing(shelf), builders.buyer()
    quote = ask(crab, person)
    another_edition()
    refused(person, quote, "quote_stale")
    fresh = ask(crab, person)
    checkout.place(person.id, uuid.uuid4(), quote=fresh["quote"])
    is_the_quoted(fresh)


def test_an_edition_that_turns_while_quoting_is_never_mixed(
    app: Any, shelf: Any, stripe: Any, another_edition: Any
) -> None:
    """Each quote asked while the law is switched names one edition, and only the new ones can be placed."""
    crab, person = builders.put_listing(shelf, stock="100"), builders.buyer()
    old, turned = edition.tariff().edition, Event()

    def quoting(_: int) -> list[dict[str, Any]]:
        with app.app_context():
            found = [ask(crab, person, "1") for _ in range(6)]
            turned.set()
            found += [ask(crab, person, "1") for _ in range(6)]
            db.session.remove()
            return found

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(quoting, number) for number in range(4)]
        turned.wait()
        another_edition()
        asked = [quote for each in running for quote in each.result()]
    assert {quote["edition"] for quote in asked} == {old, "another-edition"}
    for quote in asked[:3] + asked[-3:]:
        if quote["edition"] == old:
            refused(person, quote, "quote_stale")


def turn(move_clock: Callable[[int], None], before: int, after: int) -> Callable[[], None]:
    """Stand `before` seconds before Beijing midnight; what is returned goes to `after` seconds behind it."""
    now = clock.now()
    night = (now.astimezone(clock.BEIJING) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    left = int((night - now).total_seconds())
    move_clock(left - before)
    return lambda: move_clock(left + after)


@pytest.fixture
def dearer_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A freight list of twice the price begins with the next Beijing day."""
    today = freight.tariff_on(clock.today())
    doubled = {zone: {name: (2 * first, 2 * each) for name, (first, each) in classes.items()}
               for zone, classes in today.prices.items()}  # fmt: skip
    old = replace(today, period=Period(date(2014, 1, 1), clock.today()))
    new = replace(today, period=Period(clock.today() + timedelta(days=1)), prices=doubled)
    monkeypatch.setattr(freight, "_tariffs", lambda: [old, new])


def test_a_freight_list_that_turns_at_midnight(shelf: Any, stripe: Any, dearer_tomorrow: None, move_clock: Any) -> None:
    crab, person = builders.put_listing(shelf, gross_weight_kg=Decimal(1)), builders.buyer()
    go_on = turn(move_clock, 300, 300)
    quote = ask(crab, person, "1")
    go_on()
    assert quote["orders"][0]["freight"] == "8.00"
    assert ask(crab, person, "1")["orders"][0]["freight"] == "16.00"
    checkout.place(person.id, uuid.uuid4(), quote=quote["quote"])
    is_the_quoted(quote)


def test_a_day_that_turns_keeps_the_law_and_rates_of_the_quote(shelf: Any, stripe: Any, move_clock: Any) -> None:
    """F35: day, rates and exchange rates of the quoted day while the quote lives; afterwards none of it."""
    crab, person = builders.put_listing(shelf), builders.buyer()
    go_on = turn(move_clock, 60, 600)
    quote, day = ask(crab, person), clock.today()
    go_on()
    assert clock.today() == day + timedelta(days=1)
    checkout.place(person.id, uuid.uuid4(), quote=quote["quote"])
    is_the_quoted(quote)


def test_a_quote_ends_with_its_fifteenth_minute(shelf: Any, stripe: Any, move_clock: Any) -> None:
    crab, person = builders.put_listing(shelf), builders.buyer()
    quote = ask(crab, person)
    move_clock(901)
    refused(person, quote, "quote_expired")


def test_stock_that_went_meanwhile_refuses_the_whole(shelf: Any, stripe: Any) -> None:
    crab, person = builders.put_listing(shelf, stock="3"), builders.buyer()
    quote = ask(crab, person)
    checkout.place(builders.buyer().id, uuid.uuid4(), items=[Item(crab, Decimal(1))])
    with pytest.raises(Problem) as refusal:
        checkout.place(person.id, uuid.uuid4(), quote=quote["quote"])
    assert refusal.value.code == "out_of_stock"
    assert state.stock(crab)[1] == 1


def test_the_sweep_alone_frees_an_unpaid_order_within_a_minute(shelf: Any, place: Any, move_clock: Any) -> None:
    """The timer's worker died: the sweep runs every 15 seconds and takes what is five seconds over."""
    crab = builders.put_listing(shelf, stock="3")
    placed = place(builders.buyer(), (crab, "2"))
    move_clock(606)
    expiry.sweep_expired()
    assert state.statuses(placed) == ["cancelled"]
    assert state.stock(crab) == (Decimal(3), Decimal(0))
    assert state.allowance_sums() == (0, 0)


def test_statements_do_not_grow_with_the_lines(app: Any, shelf: Any, stripe: Any) -> None:
    """Per quote and per placement of it."""

    listings, person = [builders.put_listing(shelf, price_fen=100) for _ in range(6)], builders.buyer()

    def sent(wanted: list[uuid.UUID]) -> tuple[int, int]:
        with counted() as quoting:
            body = quotes.quote([Item(each, Decimal(1)) for each in wanted], person.id, None)
        with counted() as placing:
            checkout.place(person.id, uuid.uuid4(), quote=body["quote"])
        return len(quoting), len(placing)

    few, many = sent(listings[:1]), sent(listings)
    assert few == many
    assert 0 < few[0] <= 6, "one for the buyer, the year, the address, the listings and their stock"
