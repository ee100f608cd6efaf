"""Pages over equal sort keys while the shelf changes, and the plan of every way to ask."""

import itertools
import re
import uuid
from typing import Any

import pytest
from sqlalchemy import text

from catalog import page_statements, quality, ranking, shelf_counts
from catalog.asking import SORTS, Request, asked_words, narrowing
from catalog.search import _looking, _tags
from core import clock
from core.database import db, read, transaction
from customs import edition
from tests.catalog import builders, shelves
from tests.catalog.builders import Seller
from tests.catalog.statements import counted

SHELF = "/api/v1/catalog/listings"
EQUAL = 10_000


def ids() -> set[str]:
    found = {str(one) for one in db.session.scalars(text("SELECT id FROM listing"))}
    db.session.rollback()
    return found


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "newest"},
        {"sort": "price"},
        {"sort": "-price"},
        {"sort": "relevance"},
        {"q": "龙虾"},
        {"q": "冷冻龙虾"},
    ],
    ids=lambda query: "-".join(query.values()),
)
def test_ten_thousand_equal_keys_are_paged_while_others_come(
    client: Any, seller: Seller, query: dict[str, str]
) -> None:
    """Each listing that is there all the time is seen once, though others with the same key are put in between."""
    listing = builders.publish(seller, builders.retail())
    shelves.copy(listing, EQUAL - 1)
    before, seen = ids(), []
    cursor, pages = None, 0
    while True:
        arguments = {**query, "limit": "100", **({"cursor": cursor} if cursor else {})}
        page = client.get(SHELF, query_string=arguments).get_json()
        seen += [card["id"] for card in page["items"]]
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            break
        if pages % 10 == 0:
            shelves.copy(listing, 3)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    assert len(before) == EQUAL


def test_a_page_deep_in_a_search_is_one_statement_too(client: Any, seller: Seller) -> None:
    listing = builders.publish(seller, builders.retail())
    shelves.spread(listing, 3 * ranking.HEAD)
    cursor, pages = None, 0
    while True:
        with counted() as sent:
            page = client.get(SHELF, query_string={"q": "龙虾", **({"cursor": cursor} if cursor else {})}).get_json()
        assert len(sent) == 1, sent
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            break
    assert pages == 13  # 96 ranked in four pages, the other 193 in nine


def test_ranked_matches_come_first_then_the_rest_by_quality(client: Any, seller: Seller) -> None:
    listing = builders.publish(seller, builders.retail())
    shelves.spread(listing, 2 * ranking.HEAD)
    quality.measure()
    scores, cursor = [], None
    while True:
        page = client.get(
            SHELF, query_string={"q": "龙虾", "limit": "60", **({"cursor": cursor} if cursor else {})}
        ).get_json()
        scores += [card["id"] for card in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    held = {str(row.id): row.quality for row in db.session.execute(text("SELECT id, quality FROM listing"))}
    ordered = [held[one] for one in scores]
    assert min(ordered[: ranking.HEAD]) >= max(ordered[ranking.HEAD :])
    assert ordered[ranking.HEAD :] == sorted(ordered[ranking.HEAD :], reverse=True)
    assert len(scores) == len(held)


_FILTERS = {
    "category": "lobster",
    "department": "beef",
    "origin": "NO",
    "route": "general_trade",
    "merchant": "",
    "band": (5_000, 9_999),
    "prices": (123_000, 130_000),
}


def requests(seller: uuid.UUID) -> list[Request]:
    """Every sort under no filter, one, and every two."""
    names = [(), *((name,) for name in _FILTERS), *itertools.combinations(_FILTERS, 2)]
    return [_request(sort, chosen, seller) for sort in SORTS for chosen in names if set(chosen) != {"band", "prices"}]


def _request(sort: str, names: tuple[str, ...], seller: uuid.UUID, q: str | None = None) -> Request:
    values: dict[str, Any] = {}
    for name in names:
        if name in ("band", "prices"):
            values["min_price"], values["max_price"] = _FILTERS[name]
        elif name == "merchant":
            values["merchant"] = seller
        else:
            values["category" if name == "department" else name] = _FILTERS[name]
    return Request(sort, q=q, **values)


def test_every_way_to_browse_has_an_index(client: Any, seller: Seller, other_seller: Seller) -> None:
    """At 50,000 listings no page reads the table from end to end, the first or a later one, nor does a search."""
    lobster, beef = builders.publish(seller, builders.retail()), builders.publish(other_seller, builders.general())
    shelves.spread(lobster, 25_000)
    shelves.spread(beef, 25_000)
    shelf_counts.recount()
    quality.measure()
    shelves.settle()
    asked = requests(seller.id)
    assert len(asked) == 4 * (1 + 7 + 20)
    for request, continued in itertools.product(asked, (False, True)):
        plan = _plan_of_page(request, continued)
        assert not re.search(r"Seq Scan on listing|Sort Key.*\n.*Seq", plan), f"{request}\n{plan}"
    for names in ((), *((name,) for name in _FILTERS)):
        for q in ("龙虾", "frozen lobster", "0306", "澳洲牛肉"):
            plan = _plan_of_search(_request("relevance", names, seller.id, q))
            assert "Seq Scan on listing" not in plan, f"{names} {q}\n{plan}"
            assert not re.search("Gather|Parallel", plan), "portions would run out of order"


@pytest.mark.parametrize("sort", ["newest", "relevance"])
@pytest.mark.parametrize("names", [("band",), ("route", "band")], ids=" and ".join)
def test_a_price_band_of_a_small_shelf_is_read_in_its_order(seller: Seller, sort: str, names: tuple[str, ...]) -> None:
    """The server knows how many listings a band holds, so it does not gather and sort them all for a page."""
    shelves.spread(builders.publish(seller, builders.general()), 1_000, price_fen="3000 + (n * 7919) % 20000")
    shelves.settle()
    plan = _plan_of_page(_request(sort, names, seller.id), False)
    assert "Sort" not in plan, plan


def _plan_of_page(request: Request, continued: bool) -> str:
    narrow = narrowing(request)
    statement = page_statements.page(request.sort, tuple(narrow.conditions()), False, continued, 25)
    key = clock.now() if request.sort == "newest" else 200
    return _plan(statement, {**narrow.values, "key": key, "key_id": uuid.UUID(int=0)})


def _plan_of_search(request: Request) -> str:
    narrow = narrowing(request)
    words = asked_words(request.q or "", narrow)
    statement = page_statements.ranked(_looking(narrow, words), False, False, 25)
    return _plan(statement, narrow.values | words.values | _tags(narrow))


def _plan(statement: str, values: dict[str, Any]) -> str:
    values = {**values, "today": clock.today(), "edition": edition.tariff().edition}
    return "\n".join(row[0] for row in read(f"EXPLAIN {statement}", values, planned_anew=True))


def test_a_deep_page_reads_as_little_as_the_first(client: Any, seller: Seller) -> None:
    """Rows read from the index of the order, by the server's own count: one page of them, however deep."""
    listing = builders.publish(seller, builders.retail())
    shelves.spread(listing, 20_000)
    shelves.settle()
    cursor = None
    for _ in range(150):
        arguments = {"limit": "100", "sort": "newest", **({"cursor": cursor} if cursor else {})}
        cursor = client.get(SHELF, query_string=arguments).get_json()["next"]
    first, deep = (_rows_read(client, cursor) for cursor in (None, cursor))
    assert first == deep <= 26


def _rows_read(client: Any, cursor: str | None) -> int:
    counter = "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'listing'"
    narrow = narrowing(Request("newest"))
    values = {"today": clock.today(), "edition": edition.tariff().edition}
    if cursor is not None:
        from catalog.search import _column_key

        values |= _column_key("newest", cursor)
    statement = page_statements.page("newest", tuple(narrow.conditions()), False, cursor is not None, 25)
    with transaction() as session:
        driver = session.connection().connection.driver_connection
        before = driver.execute(counter).fetchone()[0] or 0  # type: ignore[union-attr]
        driver.execute(statement, values).fetchall()  # type: ignore[union-attr]
        return int(driver.execute(counter).fetchone()[0]) - int(before)  # type: ignore[union-attr]


def test_a_server_that_restarted_costs_one_answer_at_most(client: Any, seller: Seller) -> None:
    """Connections that the server has cut are thrown away, all of them at once."""
    builders.publish(seller, builders.retail())
    assert client.get(SHELF).status_code == 200
    with transaction() as session:
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = current_user AND pid <> pg_backend_pid()"
        )
        session.execute(text(cut))
    db.session.remove()
    answers = [client.get(SHELF) for _ in range(12)]
    assert [answer.status_code for answer in answers[1:]] == [200] * 11
    assert answers[0].status_code in (200, 503)


def test_a_cut_connection_is_told_as_unavailable(client: Any, seller: Seller, monkeypatch: Any) -> None:
    import psycopg

    def lost(*_: Any, **__: Any) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(psycopg.Cursor, "execute", lost)
    answer = client.get(SHELF)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert "server closed" not in answer.text
