"""The counters of the shelf equal its table after whatever happened to it, and nobody waits for them."""

import random
import uuid
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text, update

from catalog import listings, merchants, shelf, shelf_counts
from catalog.models import Listing
from core.database import db, transaction
from tests.catalog import builders, shelves
from tests.catalog.builders import Seller
from tests.catalog.statements import counted

SHELF = "/api/v1/catalog/listings"


def facets(client: Any, **query: Any) -> dict[str, Any]:
    answer = client.get(SHELF, query_string={**query, "facets": "1", "limit": "1"})
    assert answer.status_code == 200, answer.get_json()
    return dict(answer.get_json()["facets"])


def pending() -> int:
    waiting = int(db.session.scalar(text("SELECT count(*) FROM shelf_change")) or 0)
    db.session.rollback()
    return waiting


def assert_right() -> None:
    assert list(shelf_counts.check()) == []
    shelf_counts.fold()
    assert list(shelf_counts.check()) == []


def test_each_way_onto_the_shelf_and_off_it_is_counted(seller: Seller, other_seller: Seller) -> None:
    lobster = builders.publish(seller, builders.retail())
    beef = builders.publish(other_seller, builders.general())
    assert pending() == 2
    assert_right()
    assert pending() == 0
    listings.change("tests", seller.id, lobster, None, {"price_fen": 99_900})  # another band
    assert pending() == 2
    listings.change("tests", seller.id, lobster, None, {"price_fen": 99_800})  # the same band
    assert pending() == 2
    listings.move("tests", seller.id, lobster, "withdraw")
    merchants.decide("tests", other_seller.id, "suspend", "a reason")
    assert_right()
    assert db.session.scalar(text("SELECT count(*) FROM shelf_count")) == 0
    merchants.decide("tests", other_seller.id, "reinstate", "")
    with transaction() as session:
        session.execute(update(Listing).where(Listing.id == beef).values(hindrance={"code": "closed"}))
    assert_right()
    with transaction() as session:
        session.execute(update(Listing).where(Listing.id == beef).values(hindrance=None, origin="NZ"))
    assert_right()
    with transaction() as session:
        session.execute(update(Listing).where(Listing.id == beef).values(description_en="nothing that is counted"))
    assert pending() == 0
    assert_right()


def test_a_change_undone_is_not_counted(seller: Seller) -> None:
    lobster = builders.publish(seller, builders.retail())
    shelf_counts.fold()
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.execute(update(Listing).where(Listing.id == lobster).values(shown=False))
        raise ZeroDivisionError
    assert pending() == 0
    assert_right()


def test_publishing_waits_for_no_counter(seller: Seller, other_seller: Seller, database_url: str) -> None:
    """One merchant's open transaction holds no other merchant up, though both change the same counts."""
    first = builders.publish(seller, builders.retail())
    second = builders.publish(other_seller, builders.retail())
    shelf_counts.fold()
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as one, psycopg.connect(url) as other:
        one.execute("UPDATE listing SET shown = false WHERE id = %s", (first,))
        other.execute("SET lock_timeout = '1s'")
        other.execute("UPDATE listing SET shown = false WHERE id = %s", (second,))
        other.commit()
        shelf_counts.fold()  # nor does the job wait for the open one
        one.commit()
    assert_right()


def test_facets_are_exact_under_any_filters(client: Any, seller: Seller, other_seller: Seller) -> None:
    """Told from the counters, half of them folded, beside counting the table itself."""
    lobster, beef = builders.publish(seller, builders.retail()), builders.publish(other_seller, builders.general())
    shelves.spread(lobster, 150)
    shelf_counts.fold()
    shelves.spread(beef, 150)
    assert pending() == 150
    chance = random.Random(20261123)
    rows = db.session.query(Listing).all()
    for _ in range(40):
        query = {
            name: chance.choice(values)
            for name, values in {
                "category": ["beef", "lobster", "beef_boneless"],
                "origin": ["AU", "CA", "NZ"],
                "route": ["general_trade", "cross_border_retail"],
                "merchant": [str(seller.id), str(other_seller.id)],
                "min_price": ["100.00", "2000.00", "33.00", "200000.00"],
                "max_price": ["199.99", "19999.99", "77.00"],
            }.items()
            if chance.random() < 0.35
        }
        wanted = [row for row in rows if _meets(row, query)]
        found = facets(client, **query)
        assert found["total"] == len(wanted), query
        assert found["capped"] is False
        assert {entry["value"]: entry["count"] for entry in found["origin"]} == _count(row.origin for row in wanted), (
            query
        )
        assert {entry["value"]: entry["count"] for entry in found["merchant"]} == _count(
            str(row.merchant_id) for row in wanted
        ), query
        bands = [
            sum(shelf.bands_of(row.price_fen, row.price_fen)[0][0] == band for row in wanted) for band in shelf.BANDS
        ]
        assert [entry["count"] for entry in found["price"]] == [count for count in bands if count], query


def _meets(row: Listing, query: dict[str, str]) -> bool:
    least, most = (int(Decimal(query.get(name, "0")) * 100) for name in ("min_price", "max_price"))
    return (
        query.get("category") in (None, row.category, row.department)
        and query.get("origin") in (None, row.origin)
        and query.get("route") in (None, row.route)
        and query.get("merchant") in (None, str(row.merchant_id))
        and row.price_fen >= least
        and (not most or row.price_fen <= most)
    )


def _count(values: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


def test_the_largest_merchants_are_told_right_while_changes_wait(client: Any, seller: Seller, context: None) -> None:
    """More merchants than are shown: one that grows by changes not yet folded comes among the largest."""
    lobster = builders.publish(seller, builders.retail())
    sellers = [builders.admit() for _ in range(24)]
    for number, one in enumerate(sellers):
        shelves.copy(lobster, 10 + number, merchant_id=f"'{one.id}'::uuid")
    shelf_counts.fold()
    grown = str(sellers[0].id)
    assert grown not in [entry["value"] for entry in facets(client)["merchant"]]
    shelves.copy(lobster, 100, merchant_id=f"'{grown}'::uuid")
    told = facets(client, category="lobster")["merchant"]
    assert (len(told), told[0]["value"], told[0]["count"]) == (20, grown, 110)
    assert told[0]["name"] == "测试贸易有限公司"


def test_a_search_counts_ten_thousand_at_most_and_says_so(client: Any, seller: Seller) -> None:
    lobster = builders.publish(seller, builders.retail())
    shelves.copy(lobster, 9_999)
    found = facets(client, q="龙虾")
    assert (found["total"], found["capped"]) == (10_000, False)
    shelves.copy(lobster, 1)
    found = facets(client, q="龙虾")
    assert (found["total"], found["capped"], found["origin"][0]["count"]) == (10_000, True, 10_000)
    assert facets(client, category="lobster")["total"] == 10_001


def test_a_page_with_facets_is_two_statements_whatever_is_asked(client: Any, seller: Seller) -> None:
    lobster = builders.publish(seller, builders.retail())
    shelves.spread(lobster, 60)
    for query in (
        {},
        {"q": "龙虾"},
        {"origin": "AU"},
        {"origin": "AU", "route": "cross_border_retail"},
        {"min_price": "3"},
    ):
        with counted() as sent:
            facets(client, **query)
        assert len(sent) == 2, sent


def test_what_went_wrong_is_found_and_mended(app: Any, seller: Seller) -> None:
    builders.publish(seller, builders.retail())
    shelf_counts.fold()
    with transaction() as session:
        session.execute(text("UPDATE shelf_count SET n = n + 3"))
    run = app.test_cli_runner()
    checked = run.invoke(args=["catalog", "check"])
    assert checked.exit_code == 1
    assert "the table has 1, the counters tell 4" in checked.output
    assert "1 places were wrong" in run.invoke(args=["catalog", "recount"]).output
    checked = run.invoke(args=["catalog", "check"])
    assert (checked.exit_code, checked.output) == (0, "the counters are right\n")
    with transaction() as session:
        session.execute(text("UPDATE shelf_total SET n = n + 1 WHERE facet = 'origin' AND narrowed = 'route'"))
    assert run.invoke(args=["catalog", "check"]).exit_code == 1


def test_a_recount_beside_open_changes_counts_neither_twice_nor_never(seller: Seller, database_url: str) -> None:
    lobster = builders.publish(seller, builders.retail())
    shelves.copy(lobster, 5)
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as open_one:
        open_one.execute("UPDATE listing SET shown = false WHERE id = %s", (lobster,))
        shelf_counts.recount()
        open_one.commit()
    assert_right()
    assert db.session.scalar(text("SELECT sum(n) FROM shelf_count")) == 5


@pytest.mark.parametrize(
    ("least", "most", "bands", "whole"),
    [
        (None, None, [0, 1, 2, 3, 4, 5, 6], True),
        (5_000, 9_999, [1], True),
        (0, 4_999, [0], True),
        (1_000_000, None, [6], True),
        (5_000, 19_999, [1, 2], True),
        (5_001, 9_999, [1], False),
        (5_000, 10_000, [1, 2], False),
        (9_000, 8_000, [1], False),
        (20_000, 3_000, [], True),
    ],
)
def test_bands_of_a_range_of_prices(least: int | None, most: int | None, bands: list[int], whole: bool) -> None:
    assert shelf.bands_of(least, most) == (bands, whole)


def test_a_band_can_be_asked_for_as_it_is_told(client: Any, seller: Seller) -> None:
    lobster = builders.publish(seller, builders.retail())
    shelves.spread(lobster, 400)
    for entry in facets(client)["price"]:
        edges = {name: entry[name] for name in ("min_price", "max_price") if entry[name] is not None}
        page = client.get(SHELF, query_string={**edges, "limit": "100", "facets": "1"}).get_json()
        assert page["facets"]["total"] == entry["count"]
        assert len(page["items"]) == min(100, entry["count"])


def test_merchants_of_the_shelf_are_uuids(client: Any, seller: Seller) -> None:
    builders.publish(seller, builders.retail())
    assert [uuid.UUID(entry["value"]) for entry in facets(client)["merchant"]] == [seller.id]
