"""Orders from a bonded zone and its account book: at every step the book and the stock agree."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from catalog.models import Lot
from core import clock
from core.database import db, transaction
from customs.models import Declaration
from customs.zone_stock import book, differences, lists, returned
from customs.zone_stock_models import BookItem, ZoneReturn
from shop import filing, fulfilment, moves, returns
from shop.window_check import faults
from tests.shop import builders, paying, state
from tests.shop.builders import Shelf


@pytest.fixture
def released(place: Any, shelf: Shelf, stripe: Any, run_jobs: Any) -> dict[str, Any]:
    """Three crabs of a hundred on the account book were bought, declared and let in by customs."""
    crab = builders.put_listing(shelf)
    with transaction() as session:
        item = BookItem(warehouse_id=shelf.bonded, record_no="1", goods_id=crab, merchant_id=shelf.merchant_id,
                        hs="0306149010", origin="AU", name="crab", unit="piece")  # fmt: skip
        session.add(item)
        session.flush()
        book.add(session, {item.id: Decimal(100)}, "entry", "E1")
    sold = paying.sell(place, stripe, builders.buyer(), (crab, "3"))
    run_jobs("shop.file")
    with transaction() as session:
        lists.reserve(session, declaration_of(session, sold))
    assert (balance(), differences.report()) == ((100, 3), [])
    paying.release(sold)
    tell(sold, "released")
    assert (balance(), differences.report()) == ((97, 0), [])  # cleared, and still on the shelf
    return {**sold, "crab": crab}


def declaration_of(session: Any, sold: dict[str, Any]) -> Declaration:
    query = select(Declaration).where(Declaration.order_number == sold["number"])
    return session.scalars(query).one()


def tell(sold: dict[str, Any], word: str, **info: Any) -> None:
    """What customs says reaches the account book; the shop has heard it already."""
    with transaction() as session:
        found = declaration_of(session, sold).id
        lists.on_declaration(session, sold["number"], word, {"declaration": str(found), **info})


def balance() -> tuple[Decimal, Decimal]:
    row = state.fresh().scalars(select(BookItem)).one()
    return row.on_book, row.reserved


def test_sent_goods_come_back_into_their_lot(released: dict[str, Any], shelf: Shelf) -> None:
    fulfilment.ship(shelf.owner, released["order"], clock.now())
    assert (state.stock(released["crab"]), differences.report()) == ((97, 0), [])
    wish = [{"line": 1, "quantity": Decimal(2)}]
    made = returns.request_return(released["buyer"], released["order"], wish, "too many", uuid.uuid4())
    tell(released, "returned", number=made["number"], lines=[[1, "2"]])
    row = state.fresh().scalars(select(ZoneReturn)).one()
    returned.check("desk", row.id, {"sound": Decimal(1), "damaged": Decimal(1)})
    assert (state.stock(released["crab"]), balance()) == ((98, 0), (99, 1))
    assert differences.report() == []


def test_the_nightly_check_names_a_book_that_differs(released: dict[str, Any]) -> None:
    def told() -> list[tuple[str, str, str]]:
        with db.engine.connect() as connection, connection.begin():
            found = [tuple(each) for each in faults.faults(connection, faults.Passed())]
        return [each for each in found if each[0] == faults.ACCOUNT_BOOK]

    assert told() == []
    with transaction() as session:
        session.scalars(select(Lot)).one().on_hand -= 1
    assert told() == [("account_book", "T2991W000001/1", "stock differs, difference -1 piece")]


def test_what_was_never_sent_is_stock_and_on_the_book_again(released: dict[str, Any], shelf: Shelf) -> None:
    with transaction() as session:
        assert returns.take_back(session, moves.lock_order(session, released["order"]), "recalled")
    number = state.fresh().scalar(select(returns.Return.number))
    assert differences.report() == []
    tell(released, "returned", number=number, lines=[[1, "3"]])
    with transaction() as session:
        filing.on_declaration(session, released["number"], "returned", {"number": number})
    assert (state.statuses(released), state.stock(released["crab"])) == (["returned"], (100, 0))
    assert (balance(), differences.report()) == ((100, 0), [])
