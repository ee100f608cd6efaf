"""Stock: first expired first out, all or nothing, and one winner for the last unit."""

import threading
import uuid
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog import listings, lots, receiving
from catalog.api import inputs, schemas
from catalog.lots import Want
from catalog.models import Lot, StockMovement
from catalog.sale import sale_facts
from core import clock
from core.database import db, transaction
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller

ONE = Decimal(1)


@pytest.fixture
def listing(seller: Seller) -> uuid.UUID:
    return builders.publish(seller, builders.retail())


def hold(*wants: Want) -> list[lots.Allocation]:
    with transaction() as session:
        return lots.hold(session, wants, "order 1")


def stock(lot_id: uuid.UUID) -> tuple[Decimal, Decimal]:
    db.session.rollback()
    row = db.session.get(Lot, lot_id, populate_existing=True)
    assert row is not None
    return row.on_hand, row.reserved


def in_days(days: int) -> date:
    return clock.today() + timedelta(days=days)


def test_what_expires_first_goes_first(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    late = builders.receive(seller, listing, bonded, "5", expires_on=in_days(300))
    early = builders.receive(seller, listing, bonded, "2", expires_on=in_days(100))
    taken = hold(Want(listing, Decimal(3)))
    assert [(each.lot_id, each.quantity) for each in taken] == [(early, Decimal(2)), (late, ONE)]


@pytest.mark.parametrize(("left", "sold"), [(lots.TRANSIT_DAYS, True), (lots.TRANSIT_DAYS - 1, False)])
def test_a_lot_is_sold_until_it_would_spoil_on_the_way(
    seller: Seller, listing: uuid.UUID, bonded: uuid.UUID, left: int, sold: bool
) -> None:
    builders.receive(seller, listing, bonded, "5", expires_on=in_days(left))
    assert (sale_facts([listing])[listing].available == 5) is sold
    if sold:
        assert hold(Want(listing, ONE))
    else:
        with pytest.raises(Problem, match="has 0 left"):
            hold(Want(listing, ONE))


@pytest.mark.parametrize(
    ("rule", "produced", "expires", "days"),
    [
        ({"days": 30}, -10, 33, 30),
        ({"days": 31}, -10, 33, None),
        ({"percent": 50}, -47, 53, 50),
        ({"percent": 51}, -47, 53, None),
        ({"percent": 33}, -1, 2 + 3, 2),  # a third of six days is two, rounded up
    ],
)
def test_a_listing_says_what_must_be_left_at_delivery(
    seller: Seller, bonded: uuid.UUID, rule: dict[str, int], produced: int, expires: int, days: int | None
) -> None:
    """Three days are spent on the way; the rule holds for what was received before it was made, too."""
    listing = builders.publish(seller, builders.retail())
    life = {"produced_on": in_days(produced), "expires_on": in_days(expires)}
    before = builders.receive(seller, listing, bonded, "5", **life)
    values = inputs.listing_values(schemas.ListingChange().load({"least_life": rule}))
    listings.change("tests", seller.id, listing, None, values)
    after = builders.receive(seller, listing, bonded, "5", **life)
    db.session.rollback()
    needed = {row.least_life_days for row in db.session.query(Lot).filter(Lot.id.in_([before, after]))}
    assert len(needed) == 1
    assert sale_facts([listing])[listing].available == (10 if days is not None else 0)
    if days is not None:
        assert needed == {days + lots.TRANSIT_DAYS}


def test_a_blocked_lot_is_not_sold_and_not_shown(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    lot = builders.receive(seller, listing, bonded, "5")
    receiving.block("tests", seller.id, lot, "recall")
    assert sale_facts([listing])[listing].available == 0
    with pytest.raises(Problem) as refused:
        hold(Want(listing, ONE))
    assert refused.value.code == "out_of_stock"
    receiving.block("tests", seller.id, lot, None)
    assert hold(Want(listing, ONE))


def test_demand_of_one_listing_is_summed_before_it_is_checked(
    seller: Seller, listing: uuid.UUID, bonded: uuid.UUID
) -> None:
    lot = builders.receive(seller, listing, bonded, "3")
    with pytest.raises(Problem) as refused:
        hold(Want(listing, Decimal(2)), Want(listing, Decimal(2)))
    assert refused.value.extra["available"] == {str(listing): "3"}
    assert stock(lot) == (Decimal(3), Decimal(0))


def test_all_or_nothing(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    other = builders.publish(seller, builders.retail())
    lot = builders.receive(seller, listing, bonded, "3")
    with pytest.raises(Problem):
        hold(Want(listing, ONE), Want(other, ONE))
    assert stock(lot) == (Decimal(3), Decimal(0))


def test_a_named_warehouse_is_kept_to(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    second = builders.warehouse("1210")
    builders.receive(seller, listing, bonded, "5", expires_on=in_days(100))
    there = builders.receive(seller, listing, second, "1", expires_on=in_days(300))
    assert [each.lot_id for each in hold(Want(listing, ONE, second))] == [there]
    with pytest.raises(Problem):
        hold(Want(listing, ONE, second))


def test_give_back_and_take_out_leave_what_they_should(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    lot = builders.receive(seller, listing, bonded, "5")
    first, second = hold(Want(listing, Decimal(2))), hold(Want(listing, ONE))
    with transaction() as session:
        lots.give_back(session, second)
        lots.take_out(session, first, "order 1")
    assert stock(lot) == (Decimal(3), Decimal(0))
    moved = db.session.scalar(select(func.sum(StockMovement.quantity)).where(StockMovement.lot_id == lot))
    assert moved == Decimal(3)


def test_what_is_written_off_is_neither_held_nor_on_hand(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    lot = builders.receive(seller, listing, bonded, "5")
    with transaction() as session:
        lots.write_off(session, lots.hold(session, [Want(listing, Decimal(2))], "order 1"), "order 1 short")
    kinds = db.session.execute(
        select(StockMovement.kind, StockMovement.quantity).where(StockMovement.lot_id == lot).order_by(StockMovement.id)
    )
    assert [tuple(row) for row in kinds] == [("receipt", Decimal(5)), ("adjustment", Decimal(-2))]
    assert stock(lot) == (Decimal(3), Decimal(0))


@pytest.mark.parametrize(("days", "held"), [(0, True), (1, True), (2, False)])
def test_a_longer_way_needs_more_life(
    seller: Seller, listing: uuid.UUID, bonded: uuid.UUID, days: int, held: bool
) -> None:
    """One day more than the standard way asks for is left."""
    builders.receive(seller, listing, bonded, "5", expires_on=in_days(lots.TRANSIT_DAYS + 1))
    facts = sale_facts([listing], days)[listing]
    assert (facts.available == 5) is held
    assert facts.available + facts.too_old == 5
    with transaction() as session:
        if held:
            assert lots.hold(session, [Want(listing, ONE)], "order 1", days)
        else:
            with pytest.raises(Problem):
                lots.hold(session, [Want(listing, ONE)], "order 1", days)


def test_nothing_is_shipped_twice(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    lot = builders.receive(seller, listing, bonded, "5")
    taken = hold(Want(listing, Decimal(2)))
    with transaction() as session:
        lots.take_out(session, taken, "order 1")
    with pytest.raises(RuntimeError), transaction() as session:
        lots.take_out(session, taken, "order 1")
    assert stock(lot) == (Decimal(3), Decimal(0))


def test_a_count_cannot_go_below_what_orders_hold(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> None:
    lot = builders.receive(seller, listing, bonded, "5")
    hold(Want(listing, Decimal(2)))
    with pytest.raises(Problem) as refused:
        receiving.adjust("tests", seller.id, lot, ONE, "lost")
    assert refused.value.code == "stock_reserved"
    receiving.adjust("tests", seller.id, lot, Decimal(4), "lost")
    moved = db.session.scalar(select(func.sum(StockMovement.quantity)).where(StockMovement.lot_id == lot))
    assert stock(lot) == (moved, Decimal(2)) == (Decimal(4), Decimal(2))


def race(app: Any, buyers: int, wants: list[list[Want]]) -> Counter[str]:
    """Everybody at once, each in a thread and a transaction of its own."""
    outcomes: Counter[str] = Counter()
    start = threading.Barrier(buyers)

    def buy(number: int) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction() as session:
                    lots.hold(session, wants[number % len(wants)], f"order {number}")
                outcomes["won"] += 1
            except Problem as refused:
                outcomes[refused.code] += 1
            except Exception as fault:
                outcomes[type(fault).__name__] += 1

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(buyers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_two_hundred_buyers_of_the_last_unit(
    app: Any, seller: Seller, listing: uuid.UUID, bonded: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ten connections for 200 buyers: they queue for one longer than a web request would wait.
    monkeypatch.setattr(db.engine.pool, "_timeout", 30)
    lot = builders.receive(seller, listing, bonded, "1")
    db.session.remove()
    assert race(app, 200, [[Want(listing, ONE)]]) == {"won": 1, "out_of_stock": 199}
    assert stock(lot) == (ONE, ONE)


def test_opposite_carts_do_not_deadlock(
    app: Any, seller: Seller, listing: uuid.UUID, bonded: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db.engine.pool, "_timeout", 30)
    other = builders.publish(seller, builders.retail())
    kept = [builders.receive(seller, each, bonded, "10") for each in (listing, other)]
    db.session.remove()
    carts = [[Want(listing, ONE), Want(other, ONE)], [Want(other, ONE), Want(listing, ONE)]]
    assert race(app, 40, carts) == {"won": 10, "out_of_stock": 30}
    assert [stock(lot) for lot in kept] == [(Decimal(10), Decimal(10))] * 2
