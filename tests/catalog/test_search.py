"""Browsing: both languages, keyset pages that lose and repeat nothing, one statement, and no favour to any merchant."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from catalog import cards, quality, ranking, taxes
from catalog.models import Listing
from catalog.search import Request, browse
from core import clock
from core.database import db, transaction
from tests.catalog import builders, shelves
from tests.catalog.builders import Seller
from tests.catalog.statements import counted

SHELF = "/api/v1/catalog/listings"


def found(client: Any, **query: Any) -> list[str]:
    answer = client.get(SHELF, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    return [card["title"]["zh"] for card in answer.get_json()["items"]]


@pytest.fixture
def shelf(seller: Seller, bonded: uuid.UUID) -> dict[str, uuid.UUID]:
    lobster = builders.publish(seller, builders.retail())
    beef = builders.publish(seller, builders.general())
    lamb = builders.publish(
        seller,
        builders.general(
            hs="0204430000",
            origin="NZ",
            category="mutton_boneless",
            price="68.00",
            title={"zh": "新西兰去骨羊肉", "en": "New Zealand boneless lamb"},
            description={"zh": "配牛骨汤更佳", "en": "Good with a broth"},
        ),
    )
    builders.receive(seller, lobster, bonded, "7")
    return {"lobster": lobster, "beef": beef, "lamb": lamb}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("牛肉", "澳洲冷冻去骨牛肉"),
        ("去骨", "去骨"),
        ("澳洲牛肉", "澳洲冷冻去骨牛肉"),
        ("beef", "澳洲冷冻去骨牛肉"),
        ("Lobsters", "加拿大冷冻龙虾 450克"),
        ("ＬＯＢＳＴＥＲ", "加拿大冷冻龙虾 450克"),
        ("0204", "新西兰去骨羊肉"),
        ("0204.43", "新西兰去骨羊肉"),
        ("0202300090", "澳洲冷冻去骨牛肉"),
        ("新西兰 lamb", "新西兰去骨羊肉"),
    ],
)
def test_words_of_both_languages_and_codes(client: Any, shelf: dict[str, uuid.UUID], asked: str, expected: str) -> None:
    titles = found(client, q=asked)
    assert titles
    assert all(expected in title for title in titles)


@pytest.mark.parametrize("asked", ["猪肉", "lobster beef", "牛羊", "!!!", "'", "\\", "x' OR '1'='1", "0403", "the"])
def test_what_is_not_there_is_not_found(client: Any, shelf: dict[str, uuid.UUID], asked: str) -> None:
    assert found(client, q=asked) == []


def test_an_exact_sku_comes_first(client: Any, seller: Seller, shelf: dict[str, uuid.UUID]) -> None:
    sku = db.session.get(Listing, shelf["lamb"]).sku  # type: ignore[union-attr]
    assert found(client, q=sku.lower())[0] == "新西兰去骨羊肉"


def test_naming_a_sku_after_a_word_or_a_code_buys_no_place(
    client: Any, seller: Seller, other_seller: Seller, shelf: dict[str, uuid.UUID]
) -> None:
    builders.publish(other_seller, builders.general(sku="lobster", price="900.00"))
    builders.publish(other_seller, builders.general(sku="0204", price="900.00"))
    for asked, first in (("lobster", "加拿大冷冻龙虾 450克"), ("0204", "新西兰去骨羊肉")):
        items = client.get(SHELF, query_string={"q": asked}).get_json()["items"]
        assert [card["title"]["zh"] for card in items] == [first, "澳洲冷冻去骨牛肉"]
        for card in items:
            told = [part["points"] for part in card["ranking"]["parts"]]
            assert card["ranking"]["score"] == sum(told)
        assert "exact" not in {part["part"] for part in items[1]["ranking"]["parts"]}


@pytest.mark.parametrize(
    "asked",
    [
        "\ufdfa" * 100,
        "㍿" * 100,
        "牛" * 100,
        "a" * 100,
        "%" * 50,
        "_'\\:*&|!()<->" * 7,
        "1" * 100,
        "\U00020000" * 100,
        "…" * 100,
    ],
)
def test_no_words_fail_the_server(client: Any, shelf: dict[str, uuid.UUID], asked: str) -> None:
    for more in ({}, {"sort": "newest"}, {"facets": "1"}):
        assert client.get(SHELF, query_string={"q": asked, **more}).status_code in (200, 422)


def test_a_word_is_no_code(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    for asked in ("beef", "牛肉"):
        (card,) = client.get(SHELF, query_string={"q": asked}).get_json()["items"]
        parts = {part["part"]: part["points"] for part in card["ranking"]["parts"]}
        assert 0 < parts["text"] <= ranking.TEXT


def test_words_in_the_title_outrank_words_in_the_description(client: Any, seller: Seller) -> None:
    aside = {"zh": "可配龙虾", "en": "Goes with lobster"}
    beef = builders.publish(seller, builders.general(description=aside, category="lobster", price="100.00"))
    lobster = builders.publish(seller, builders.retail(price="100.00"))
    for asked in ("lobster", "龙虾"):
        page = client.get(SHELF, query_string={"q": asked}).get_json()["items"]
        assert [card["id"] for card in page] == [str(lobster), str(beef)]


def test_filters(client: Any, seller: Seller, shelf: dict[str, uuid.UUID]) -> None:
    assert len(found(client)) == 3
    assert found(client, category="mutton") == ["新西兰去骨羊肉"]
    assert found(client, category="mutton_bone_in") == []
    assert found(client, origin="AU") == ["澳洲冷冻去骨牛肉"]
    assert found(client, route="cross_border_retail") == ["加拿大冷冻龙虾 450克"]
    assert found(client, min_price="68.01", max_price="88.00") == ["澳洲冷冻去骨牛肉"]
    assert len(found(client, merchant=str(seller.id))) == 3
    assert found(client, merchant=str(uuid.uuid4())) == []


def test_facets_count_what_the_filters_leave(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    facets = client.get(SHELF, query_string={"facets": "1", "route": "general_trade"}).get_json()["facets"]
    assert {entry["value"]: entry["count"] for entry in facets["origin"]} == {"AU": 1, "NZ": 1}
    assert {entry["value"] for entry in facets["category"]} == {"beef", "beef_boneless", "mutton", "mutton_boneless"}
    assert [entry["count"] for entry in facets["merchant"]] == [2]


@pytest.mark.parametrize(
    "query",
    [
        {"category": "nonsense"},
        {"sort": "merchant"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "１２"},
        {"cursor": "zzz"},
        {"cursor": "W10"},
        {"min_price": "-1"},
        {"min_price": "1e5"},
        {"origin": "china"},
        {"merchant": "1"},
        {"q": ""},
        {"q": "a\x00b"},
        {"q": "x" * 101},
        {"page": "2"},
        {"facets": "yes"},
    ],
)
def test_a_bad_query_is_refused(client: Any, context: None, query: dict[str, str]) -> None:
    answer = client.get(SHELF, query_string=query)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.get_json()["errors"]


@pytest.mark.parametrize("sort", ["newest", "price", "relevance"])
def test_a_cursor_made_up_by_a_client_is_refused(client: Any, shelf: dict[str, uuid.UUID], sort: str) -> None:
    from core import paging

    for key in (("x", "y"), (1, "y"), ("2026-01-01", "y"), (2**70, str(uuid.uuid4())), (1.5, str(uuid.uuid4()))):
        answer = client.get(SHELF, query_string={"sort": sort, "cursor": paging.encode(*key)})
        assert answer.status_code == 422


def copies(listing_id: uuid.UUID, count: int) -> None:
    """Many listings with equal sort keys, copied in the database."""
    columns = [column.name for column in Listing.__table__.columns if column.name not in ("id", "sku", "card")]
    names = ", ".join(columns)
    with transaction() as session:
        session.execute(
            text(
                f"INSERT INTO listing (id, sku, card, {names}) SELECT fresh.id, 'COPY-' || n,"
                f" replace(card, :id, CAST(fresh.id AS text)), {names} FROM listing,"
                " LATERAL (SELECT n, gen_random_uuid() AS id FROM generate_series(1, :count) AS n"
                "  WHERE listing.id IS NOT NULL) AS fresh WHERE listing.id = CAST(:id AS uuid)"
            ),
            {"id": str(listing_id), "count": count},
        )


@pytest.mark.parametrize(
    "query",
    [{"sort": "newest"}, {"sort": "price"}, {"sort": "-price"}, {"sort": "relevance"}, {"q": "龙虾"}],
    ids=lambda query: "-".join(query.values()),
)
def test_pages_lose_and_repeat_nothing_under_equal_keys(client: Any, seller: Seller, query: dict[str, str]) -> None:
    listing = builders.publish(seller, builders.retail())
    copies(listing, 999)
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get(
            SHELF, query_string={**query, "limit": "100", **({"cursor": cursor} if cursor else {})}
        ).get_json()
        seen += [card["id"] for card in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == 1000
    assert len(set(seen)) == 1000


def test_a_page_is_one_statement_and_its_number_does_not_grow(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    copies(shelf["lobster"], 60)
    for query in ({}, {"q": "龙虾"}, {"category": "aquatic_products", "sort": "price", "limit": "50"}):
        with counted() as sent:
            assert client.get(SHELF, query_string=query).status_code == 200
        assert len(sent) == 1, sent
    with counted() as sent:
        assert client.get(f"{SHELF}/{shelf['lobster']}").status_code == 200
    assert len(sent) == 1, sent


def test_what_is_available_is_what_the_lots_hold(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    cards_shown = client.get(SHELF).get_json()["items"]
    assert {card["id"]: card["available"] for card in cards_shown} == {
        str(shelf["lobster"]): "7",
        str(shelf["beef"]): "0",
        str(shelf["lamb"]): "0",
    }


def test_a_card_has_the_fields_of_the_contract(client: Any, shelf: dict[str, uuid.UUID], seller: Seller) -> None:
    card = next(card for card in client.get(SHELF).get_json()["items"] if card["id"] == str(shelf["lobster"]))
    fields = "id sku title category merchant origin hs route unit price tax landed_price tax_included available cold_chain image"
    assert set(fields.split()) <= set(card)
    assert card["merchant"] == {"id": str(seller.id), "name": "测试贸易有限公司"}
    assert card["tax_included"] is False
    assert client.get(card["image"]).mimetype == "image/svg+xml"


def test_a_card_of_yesterday_is_built_anew_before_it_is_shown(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    lobster = shelf["lobster"]
    with transaction() as session:
        stale = {"assessed_on": clock.today() - timedelta(days=1), "card": '{"old":true}', "tax_fen": 1}
        session.execute(update(Listing).where(Listing.id == lobster).values(**stale))
    card = next(
        card for card in client.get(SHELF).get_json()["items"] if "old" not in card and card["id"] == str(lobster)
    )
    assert card["tax"] != "0.01"
    with counted() as sent:
        client.get(SHELF)
    assert len(sent) == 1


def test_the_first_reader_of_a_day_sees_nothing_that_its_law_closed(
    client: Any, seller: Seller, shelf: dict[str, uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More is closed than a page holds: what comes up behind it is looked at too."""
    shelves.copy(shelf["lobster"], 60)
    with transaction() as session:
        session.execute(update(Listing).values(assessed_on=clock.today() - timedelta(days=1)))
    known = taxes.breakdowns

    def closed(session: Any, rows: Any) -> list[Any]:
        hindered = {"code": "closed", "detail": "closed overnight"}
        pairs = zip(rows, known(session, rows), strict=True)
        return [replace(told, hindrance=hindered) if row.category == "lobster" else told for row, told in pairs]

    monkeypatch.setattr(taxes, "breakdowns", closed)
    assert set(found(client, limit="24")) == {"澳洲冷冻去骨牛肉", "新西兰去骨羊肉"}


def test_the_nightly_job_builds_all_of_them(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    with transaction() as session:
        session.execute(update(Listing).values(assessed_on=None))
    cards.refresh_all()
    assert {row.assessed_on for row in db.session.query(Listing)} == {clock.today()}


def test_no_rank_depends_on_who_the_merchant_is(
    client: Any, seller: Seller, other_seller: Seller, bonded: uuid.UUID
) -> None:
    """The same goods under swapped merchants stand in the same order."""
    for price in ("120.00", "80.00", "100.00"):
        listing = builders.publish(seller, builders.retail(price=price))
        builders.receive(seller, listing, bonded, "3")
    builders.publish(other_seller, builders.retail(price="90.00"))
    quality.reckon_all()

    def order() -> list[tuple[str, Any]]:
        items = [json.loads(browse(Request(sort=sort, q=q)))["items"] for sort, q in _ASKED]
        return [(card["id"], card.get("ranking")) for page in items for card in page]

    before = order()
    with transaction() as session:
        swapped = {seller.id: other_seller.id, other_seller.id: seller.id}
        for row in session.query(Listing):
            row.merchant_id = swapped[row.merchant_id]
    quality.reckon_all()
    assert order() == before
    assert len(before) == 4 * len(_ASKED)


_ASKED = (
    ("relevance", "龙虾"),
    ("relevance", "frozen lobster"),
    ("relevance", None),
    ("newest", None),
    ("price", None),
)


def test_a_card_tells_why_it_ranks(client: Any, shelf: dict[str, uuid.UUID]) -> None:
    (card,) = client.get(SHELF, query_string={"q": "龙虾"}).get_json()["items"]
    parts = {part["part"]: part["points"] for part in card["ranking"]["parts"]}
    assert set(parts) == {"text", "availability", "freshness", "price", "delivery"}
    assert card["ranking"]["score"] == sum(parts.values())
    assert parts["availability"] == ranking.AVAILABILITY
    assert parts["text"] > 0


def test_stock_lifts_a_listing(client: Any, seller: Seller, bonded: uuid.UUID) -> None:
    empty = builders.publish(seller, builders.retail(price="100.00"))
    full = builders.publish(seller, builders.retail(price="100.00"))
    builders.receive(seller, full, bonded, "1")
    ids = [card["id"] for card in client.get(SHELF, query_string={"q": "龙虾"}).get_json()["items"]]
    assert ids == [str(full), str(empty)]
