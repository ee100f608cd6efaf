"""The published formula is the one at work, and it knows no merchant."""

import html
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from catalog import quality, ranking
from catalog.models import Listing
from core import clock
from core.database import db, transaction
from tests.catalog import builders
from tests.catalog.builders import Seller

SHELF = "/api/v1/catalog/listings"


def parts(listing_id: uuid.UUID) -> dict[str, int]:
    found = dict(db.session.scalar(text("SELECT quality_parts FROM listing WHERE id = :id"), {"id": listing_id}) or {})
    db.session.rollback()
    return found


def record(listing_id: uuid.UUID, due: int, in_time: int) -> None:
    with transaction() as session:
        values = {"id": listing_id, "due": due, "in_time": in_time}
        session.execute(text("INSERT INTO delivery_record VALUES (:id, :due, :in_time)"), values)


def test_the_parts_add_up_to_what_is_published(client: Any, context: None) -> None:
    told = client.get("/api/v1/catalog/ranking").get_json()
    assert sum(part["most"] for part in told["parts"]) == told["score"]["most"] == 1000
    assert [part["part"] for part in told["parts"]] == ["text", "availability", "freshness", "price", "delivery"]
    assert all(entry["zh"] and entry["en"] for entry in (*told["never"], *(part["reckoned"] for part in told["parts"])))
    for language in ("zh", "en"):
        page = client.get("/policies/ranking", headers={"Accept-Language": language}).get_data(as_text=True)
        assert told["parts"][4]["reckoned"][language] in html.unescape(page)


def test_the_price_part_runs_from_the_lowest_of_a_category_to_the_highest(seller: Seller) -> None:
    prices = ("100.00", "110.00", "120.00", "130.00", "140.00")
    shelf = [builders.publish(seller, builders.general(price=price)) for price in prices]
    assert parts(shelf[0])["price"] == ranking.NEUTRAL_PRICE  # nothing was measured yet
    quality.reckon_all()
    found = [parts(listing)["price"] for listing in shelf]
    assert (found[0], found[-1]) == (ranking.PRICE, 0)
    assert found == sorted(found, reverse=True)
    assert found[2] in (ranking.PRICE // 2, ranking.PRICE // 2 + 1)
    # Per kilogram: a big pack at twice the price of half as much is as dear.
    pack = builders.publish(seller, builders.general(price="240.00", net_weight_kg="2"))
    assert parts(pack)["price"] == found[2]


def test_stock_and_life_left_count(seller: Seller, store: uuid.UUID) -> None:
    beef = builders.publish(seller, builders.general())
    assert (parts(beef)["availability"], parts(beef)["freshness"]) == (0, 0)
    fields = {"produced_on": clock.today() - timedelta(days=100), "expires_on": clock.today() + timedelta(days=300)}
    builders.receive(seller, beef, store, "5", **fields)
    assert parts(beef)["availability"] == ranking.AVAILABILITY
    assert parts(beef)["freshness"] == ranking.FRESHNESS * 300 // 400


@pytest.mark.parametrize(("due", "in_time"), [(0, 0), (1, 0), (1, 1), (20, 20), (200, 200), (200, 100), (1000, 0)])
def test_the_delivery_part_is_the_smoothed_share_of_the_listings_own_orders(
    seller: Seller, due: int, in_time: int
) -> None:
    beef = builders.publish(seller, builders.general())
    neutral = parts(beef)["delivery"]
    assert neutral == ranking.DELIVERY * 18 // 20
    if due:
        record(beef, due, in_time)
    with transaction() as session:
        quality.reckon(session, beef)
    expected = Decimal(ranking.DELIVERY) * (in_time + 18) / (due + 20)
    assert parts(beef)["delivery"] == int(expected)
    assert (parts(beef)["delivery"] >= neutral) == (in_time * 10 >= due * 9)


def test_a_late_listing_pulls_no_other_of_its_merchant_down(seller: Seller) -> None:
    late, other = (builders.publish(seller, builders.general()) for _ in range(2))
    record(late, 100, 0)
    quality.reckon_all()
    assert parts(late)["delivery"] < parts(other)["delivery"] == ranking.DELIVERY * 18 // 20


# What two merchants have beside their goods: everything that could say who they are or what they pay.
_IDENTITY = (
    *("registered_name", "uscc", "customs_code", "domestic_agent", "contact", "stripe_account", "bank_account"),
    *("submitted_by", "submitted_at", "decided_at"),
)


def test_swapping_two_merchants_whole_changes_no_order(
    client: Any, seller: Seller, other_seller: Seller, store: uuid.UUID
) -> None:
    """Ids, names, numbers, accounts, members and age change sides; every order of the shelf stays as it was."""
    for number, price in enumerate(("90.00", "80.00", "110.00", "85.00", "99.00", "101.00")):
        owner = seller if number % 3 else other_seller
        listing = builders.publish(owner, builders.general(price=price))
        if number % 2:
            builders.receive(owner, listing, store, "3", expires_on=date(2027, 3, 1) + timedelta(days=30 * number))
        if number in (2, 4):
            record(listing, 50, 10 * number)
    with transaction() as session:
        session.execute(text("UPDATE merchant SET stripe_account = 'acct_rich' WHERE id = :id"), {"id": seller.id})
    quality.measure()
    quality.reckon_all()
    before = _orders(client)
    _swap(seller.id, other_seller.id)
    quality.measure()
    quality.reckon_all()
    assert _orders(client) == before
    assert all(len(order) == 6 for order in before)


def _swap(one: uuid.UUID, other: uuid.UUID) -> None:
    sides = {"one": one, "other": other}
    swapped = "CASE merchant_id WHEN :one THEN CAST(:other AS uuid) ELSE CAST(:one AS uuid) END"
    with transaction() as session:
        session.execute(text(f"UPDATE listing SET merchant_id = {swapped} WHERE merchant_id IN (:one, :other)"), sides)
        session.execute(
            text(f"UPDATE merchant_member SET merchant_id = {swapped} WHERE merchant_id IN (:one, :other)"), sides
        )
        columns = ", ".join(f"{name} = b.{name}" for name in _IDENTITY if name != "uscc")
        session.execute(
            text(
                f"UPDATE merchant AS a SET {columns} FROM merchant AS b WHERE (a.id, b.id) IN ((:one, :other), (:other, :one))"
            ),
            sides,
        )
        for row in session.query(Listing):  # the cards carry the seller's name
            row.card = (row.card or "").replace(str(one), "@").replace(str(other), str(one)).replace("@", str(other))


def _orders(client: Any) -> list[list[str]]:
    asked = [{"sort": sort} for sort in ("relevance", "newest", "price", "-price")]
    asked += [{"q": q} for q in ("牛肉", "frozen beef", "澳洲牛肉", "0202")] + [
        {"category": "beef", "sort": "relevance"}
    ]
    return [[card["id"] for card in client.get(SHELF, query_string=query).get_json()["items"]] for query in asked]


def test_an_exact_sku_says_so(client: Any, seller: Seller) -> None:
    lobster = builders.publish(seller, builders.retail(sku="EXACT-1"))
    (card,) = client.get(SHELF, query_string={"q": "exact-1"}).get_json()["items"]
    assert card["id"] == str(lobster)
    told = {part["part"]: part["points"] for part in card["ranking"]["parts"]}
    assert told["exact"] == ranking.EXACT
    assert card["ranking"]["score"] == sum(told.values())


def test_portions_cover_every_quality_once() -> None:
    for count in ({}, {400: 10_000}, {0: 5_000_000}, {q: 2_500 for q in range(401)}, {q: q for q in range(300, 390)}):
        for first, factor, steps in quality.FAMILIES.values():
            found = quality.portions(count, first, factor, steps)
            assert len(found) <= steps
            assert [q for most, least in found for q in range(most, least - 1, -1)] == list(range(400, -1, -1))
