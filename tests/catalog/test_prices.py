"""A struck-through price was charged, lately, and was the lowest before; every price that was charged can be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog import cards, listings
from catalog.prices import History, Stretch
from core import clock
from core.config import ClockSetting
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller

START = datetime(2026, 10, 1, 4, tzinfo=UTC)
HOUR = 1 / 24


def history(*stretches: tuple[float, int | None]) -> History:
    return History(tuple(Stretch(START + timedelta(days=days), fen) for days, fen in stretches))


def at(days: float) -> datetime:
    return START + timedelta(days=days)


@pytest.mark.parametrize(
    ("stretches", "day", "was"),
    [
        ([(0, 20000)], 1, None),
        ([(0, 20000), (10, 15000)], 10, 20000),
        ([(0, 20000), (10, 15000)], 39.9, 20000),
        ([(0, 20000), (10, 15000)], 40, None),  # it was last charged thirty days ago
        ([(0, 10000), (10, 15000)], 11, None),  # dearer than before
        ([(0, 10000), (10, 20000), (10 + HOUR, 15000)], 11, None),  # raised for an hour to be struck through
        ([(0, 10000), (10, 20000), (39, 15000)], 39.5, None),  # the lower one still lies in the thirty days before
        ([(0, 10000), (10, 20000), (41, 15000)], 41, 20000),  # charged for more than thirty days
        ([(0, 20000), (5, 18000), (10, 15000)], 11, 18000),  # the lowest of the window, not the highest
        ([(0, 20000), (5, None), (6, 15000)], 7, 20000),
        ([(0, 20000), (5, None)], 7, None),  # not in the shop
        ([(0, 20000), (5, None), (40, 15000)], 41, None),
        ([(0, 15000), (5, None), (6, 15000)], 7, None),
        ([], 7, None),
    ],
    ids=str,
)
def test_which_price_may_be_struck_through(stretches: list[Any], day: float, was: int | None) -> None:
    assert history(*stretches).was(at(day)) == was


@given(
    st.lists(st.tuples(st.integers(0, 90), st.none() | st.integers(1, 9)), max_size=12, unique_by=lambda each: each[0]),
    st.integers(0, 120),
)
def test_a_struck_through_price_was_the_lowest_of_thirty_days(changes: list[Any], later: int) -> None:
    """Held against a day-by-day reading of the rule."""
    changes.sort(key=lambda each: each[0])
    now = (changes[-1][0] if changes else 0) + later
    was = history(*changes).was(at(now))
    if was is None:
        return
    charged = {day: next((fen for start, fen in reversed(changes) if start <= day), None) for day in range(now)}
    start, present = changes[-1]
    before = [charged[day] for day in range(max(0, start - 30), start) if charged[day] is not None]
    assert was == min(before) > present
    assert any(charged[day] == was for day in range(max(0, now - 30), start))


def test_too_many_changes_prove_nothing() -> None:
    many = [(day / 100, 20000 + day) for day in range(300)]
    newest = history(*many, (4, 15000)).stretches[-200:]
    assert History(newest).was(at(4)) is None


@pytest.fixture
def day() -> Any:
    """Set the clock to some days after a fixed instant."""
    yield lambda days: clock.set_clock(ClockSetting(fixed=at(days)))
    clock.set_clock(ClockSetting())


def shown(client: Any, listing: Any) -> dict[str, Any]:
    return client.get(f"/api/v1/catalog/listings/{listing}").get_json()


def test_card_and_detail_tell_the_truth_about_prices(client: Any, seller: Seller, day: Any) -> None:
    day(0)
    listing = builders.publish(seller, builders.retail(price="200.00"))
    assert shown(client, listing)["was_price"] is None
    day(2)
    listings.change("tests", seller.id, listing, None, {"price_fen": 15000})
    found = shown(client, listing)
    assert (found["was_price"], found["price"]) == ("200.00", "150.00")
    assert [row["price"] for row in found["price_history"]] == ["150.00", "200.00"]
    assert found["price_history"][0]["from"] == "2026-10-03T04:00:00Z"
    page = client.get("/api/v1/catalog/listings").get_json()
    assert page["items"][0]["was_price"] == "200.00"
    day(31.9)
    cards.refresh_all()
    assert shown(client, listing)["was_price"] == "200.00"
    day(33)
    cards.refresh_all()
    assert shown(client, listing)["was_price"] is None


def test_what_was_never_in_the_shop_was_never_charged(client: Any, seller: Seller, day: Any) -> None:
    day(0)
    listing = builders.draft(seller, builders.retail(price="900.00"))
    listings.change("tests", seller.id, listing, None, {"price_fen": 80000})
    listings.move("tests", seller.id, listing, "submit")
    listings.change("tests", seller.id, listing, None, {"price_fen": 70000})
    day(1)
    listings.review("tests", listing, "approve", "")
    day(2)
    listings.move("tests", seller.id, listing, "withdraw")
    listings.change("tests", seller.id, listing, None, {"price_fen": 95000})
    day(3)
    listings.change("tests", seller.id, listing, None, {"price_fen": 60000})
    listings.move("tests", seller.id, listing, "publish")
    found = shown(client, listing)
    assert [row["price"] for row in found["price_history"]] == ["600.00", None, "700.00"]
    assert found["was_price"] == "700.00"


def test_a_change_of_words_is_no_change_of_price(client: Any, seller: Seller) -> None:
    listing = builders.publish(seller, builders.retail())
    listings.change("tests", seller.id, listing, None, {"title_en": "Lobster"})
    assert len(shown(client, listing)["price_history"]) == 1


def test_what_was_charged_cannot_be_rewritten(client: Any, seller: Seller) -> None:
    builders.publish(seller, builders.retail())
    for statement in ("UPDATE price_change SET price_fen = 1", "DELETE FROM price_change"):
        with pytest.raises(Exception, match=r"append-only|append_only|may not"):
            db.session.execute(text(statement))
        db.session.rollback()


def test_the_landed_price_follows_price_and_edition(client: Any, seller: Seller, monkeypatch: Any) -> None:
    listing = builders.publish(seller, builders.retail(price="100.00"))
    before = shown(client, listing)
    listings.change("tests", seller.id, listing, None, {"price_fen": 20000})
    after = shown(client, listing)
    assert float(after["tax"]) == pytest.approx(2 * float(before["tax"]), abs=0.01)
    assert float(after["landed_price"]) == pytest.approx(200 + float(after["tax"]), abs=0.001)
