"""Requests for quotation: who may ask, what is asked, who may read it, and the messages about it."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from catalog.models import Merchant, MerchantNotice
from core.accounts import Actor
from core.database import db, transaction
from core.idempotency import IdempotencyKey
from shop import (
    companies,
    rfq_acceptance,
    rfq_messages,
    rfq_offers,
    rfq_views,
    rfqs,
)
from shop.trade_models import Rfq
from tests.shop import builders, trade
from tests.shop.builders import Shelf
from tests.shop.trade import refused

API = "/api/v1/shop"


def test_consumers_and_unverified_companies_are_told_why(shelf: Shelf, post: Any) -> None:
    listing_id = trade.machine(shelf)
    for actor in (builders.open_account("consumer"), trade.company_account(verified=False), shelf.owner):
        answer = post(actor, "/rfqs", trade.body(listing_id))
        assert (answer.status_code, answer.get_json()["code"]) == (403, "company_required")


def test_what_is_between_companies_is_not_put_into_a_quote(shelf: Shelf, client: Any) -> None:
    for listing_id in (trade.machine(shelf), trade.ore(shelf), trade.service(shelf)):
        items = [{"listing_id": str(listing_id), "quantity": "1"}]
        found = client.post(f"{API}/quotes", json={"items": items}).get_json()
        assert [row["code"] for row in found["blocked"]] == ["not_for_consumers"]
        assert (found["orders"], found["quote"]) == ([], None)


def test_a_request_over_http(shelf: Shelf, buyer: Actor, post: Any) -> None:
    listing_id = trade.machine(shelf)
    answers = [
        {"question": "installation", "answer": "在现场 <b>安装</b>"},
        {"question": "training", "answer": "2 days"},
    ]
    wish = trade.body(listing_id, quantity="2", specification=answers, text="two lines\nof text")
    answer = post(buyer, "/rfqs", wish, key="once")
    found = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{API}/rfqs/{found['id']}"
    assert (found["status"], found["quantity"], found["side"], found["offers"]) == ("requested", "2", "company", [])
    assert found["specification"] == answers
    assert found["company"]["name"] == "上海采购有限公司"
    assert post(buyer, "/rfqs", wish, key="once").get_data() == answer.get_data()
    assert db.session.scalar(select(func.count()).select_from(Rfq)) == 1
    notice = db.session.scalars(select(MerchantNotice)).one()
    assert (notice.kind, notice.merchant_id, notice.data["rfq"]) == ("rfq_requested", shelf.merchant_id, found["id"])


WRONG = [
    ("quantity", "1.5"), ("quantity", "0"), ("quantity", "-1"), ("quantity", 1), ("quantity", "1e3"),
    ("quantity", "１"), ("quantity", "10000001"), ("unit", "kg"), ("unit", ""), ("destination", ""),
    ("destination", "a\u0000b"), ("destination", "x" * 101), ("needed_by", "2020-01-01"), ("needed_by", "9999-12-31"),
    ("needed_by", "soon"), ("text", "x" * 2001), ("text", "\ud800"), ("listing_id", "1"),
    ("specification", [{"question": "grade", "answer": "x"}]), ("specification", [{"question": "training"}]),
    ("specification", [{"question": "training", "answer": "x"}] * 2), ("specification", "x"), ("price", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_wrong_requests_are_refused_by_field(shelf: Shelf, buyer: Actor, post: Any, field: str, value: Any) -> None:
    answer = post(buyer, "/rfqs", {**trade.body(trade.machine(shelf)), field: value})
    assert answer.status_code in (400, 422), answer.get_json()
    if answer.status_code == 422:
        assert any(name.startswith(field) for name in answer.get_json()["errors"])
    assert db.session.scalar(select(func.count()).select_from(Rfq)) == 0


def test_only_what_is_on_sale_and_quoted_may_be_asked_for(shelf: Shelf, buyer: Actor) -> None:
    refused("not_found", lambda: trade.request(buyer, uuid.uuid4()))
    crab = builders.put_listing(shelf, category="crab", department="aquatic_products")
    refused("not_quoted", lambda: trade.request(buyer, crab, "1", "piece"))
    gone = trade.machine(shelf)
    with transaction() as session:
        session.execute(update(Merchant).where(Merchant.id == shelf.merchant_id).values(status="suspended"))
    refused("not_found", lambda: trade.request(buyer, gone))


def test_nobody_asks_their_own_shop(shelf: Shelf) -> None:
    told = companies.put(shelf.owner.id, "自家企业有限公司", trade.credit_code())
    companies.decide("op", uuid.UUID(told["id"]), "verify", "x", told["version"])
    assert "listing_id" in refused("invalid_input", lambda: trade.request(shelf.owner, trade.machine(shelf))).errors


def test_open_requests_are_bounded(shelf: Shelf, buyer: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfqs, "OPEN_MOST", 2)
    listing_id = trade.machine(shelf)
    first, _second = trade.request(buyer, listing_id), trade.request(buyer, listing_id)
    refused("too_many_rfqs", lambda: trade.request(buyer, listing_id))
    rfqs.withdraw(buyer, first)
    trade.request(buyer, listing_id)


# Whose it is


def test_the_tenant_matrix(shelf: Shelf, buyer: Actor, client: Any) -> None:
    """Everybody against every call: who is neither side finds nothing there."""
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id)
    calls: list[tuple[str, str, Any]] = [
        ("get", f"/rfqs/{rfq_id}", None),
        ("get", f"/offers/{offer_id}", None),
        ("post", f"/rfqs/{rfq_id}/offers", trade.offer_body()),
        ("post", f"/rfqs/{rfq_id}/withdraw", None),
        ("post", f"/rfqs/{rfq_id}/decline", {"reason": "no"}),
        ("post", f"/rfqs/{rfq_id}/messages", {"text": "hello"}),
        ("post", f"/rfqs/{rfq_id}/seen", None),
        ("post", f"/offers/{offer_id}/withdraw", None),
        ("post", f"/offers/{offer_id}/accept", None),
    ]
    reading = {"/rfqs/R", "/offers/O", "/rfqs/R/seen"}
    merchants_only = {"/rfqs/R/offers", "/offers/O/withdraw"}
    strangers = {
        "consumer": builders.open_account("consumer"),
        "company": trade.company_account(),
        "merchant": builders.open_shelf().owner,
        "customs": builders.open_account("customs"),
        "operator": builders.open_account("operator"),
    }
    for who, actor in strangers.items():
        headers = builders.token_of(actor) | {"Idempotency-Key": "x"}
        for method, path, sent in calls:
            plain = path.replace(str(rfq_id), "R").replace(str(offer_id), "O")
            answer = getattr(client, method)(f"{API}{path}", json=sent, headers=headers)
            if who == "operator" and plain in reading:
                expected = 204 if plain.endswith("seen") else 200
            else:
                expected = 403 if plain in merchants_only and who != "merchant" else 404
            assert answer.status_code == expected, (who, plain, answer.get_json())
        for path in (f"{API}/rfqs", "/api/v1/catalog/manage/rfqs"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 403 or answer.get_json()["items"] == [], (who, path)
    row = db.session.get(Rfq, rfq_id, populate_existing=True)
    assert row is not None
    assert (row.status, row.offers, row.messages) == ("offered", 1, 0)
    for method, path, sent in calls:
        assert getattr(client, method)(f"{API}{path}", json=sent).status_code == 401


def test_each_side_has_only_its_own_moves(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id)
    refused("not_found", lambda: rfq_offers.make(buyer, rfq_id, uuid.uuid4(), trade.offered()))
    refused("not_found", lambda: rfq_offers.withdraw(buyer, offer_id))
    refused("not_found", lambda: rfqs.withdraw(shelf.owner, rfq_id))
    refused("not_found", lambda: rfq_acceptance.accept(shelf.owner, uuid.uuid4(), offer_id))
    rfqs.decline(buyer, rfq_id, "too dear")
    for step in (lambda: rfqs.decline(shelf.owner, rfq_id, "x"), lambda: rfqs.withdraw(buyer, rfq_id),
                 lambda: trade.offer(shelf, rfq_id)):  # fmt: skip
        assert refused("rfq_state", step).extra["rfq_status"] == "declined"
    other = trade.request(buyer, trade.machine(shelf))
    refused("rfq_state", lambda: rfqs.decline(buyer, other, "x"))
    rfqs.decline(shelf.owner, other, "sold out")
    assert rfq_views.one(buyer, other)["reason"] == "sold out"


def test_a_viewer_of_the_merchant_reads_and_does_nothing(shelf: Shelf, buyer: Actor, client: Any) -> None:
    from catalog.models import MerchantMember

    rfq_id = trade.request(buyer, trade.machine(shelf))
    viewer = builders.open_account("merchant")
    with transaction() as session:
        session.add(MerchantMember(user_id=viewer.id, merchant_id=shelf.merchant_id, role="viewer"))
    headers = builders.token_of(viewer)
    assert client.get(f"{API}/rfqs/{rfq_id}", headers=headers).get_json()["side"] == "merchant"
    for path, sent in (("offers", trade.offer_body()), ("decline", {"reason": "x"}), ("messages", {"text": "x"})):
        answer = client.post(f"{API}/rfqs/{rfq_id}/{path}", json=sent, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden"), path


def test_messages_are_bounded_and_leave_news(shelf: Shelf, buyer: Actor, post: Any, monkeypatch: Any) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    rfq_messages.seen(shelf.owner, rfq_id)
    assert post(buyer, f"/rfqs/{rfq_id}/messages", {"text": "<script>alert(1)</script>\nsecond"}).status_code == 201
    assert rfq_views.one(shelf.owner, rfq_id)["news"] is True
    rfq_messages.write(buyer, rfq_id, uuid.uuid4(), "more")
    kinds = Counter(db.session.scalars(select(MerchantNotice.kind)))
    assert kinds == {"rfq_requested": 1, "rfq_message": 1}, "one notice for all that is not read yet"
    rfq_messages.seen(shelf.owner, rfq_id)
    rfq_messages.write(shelf.owner, rfq_id, uuid.uuid4(), "answer")
    assert (rfq_views.one(shelf.owner, rfq_id)["news"], rfq_views.one(buyer, rfq_id)["news"]) == (False, True)
    for wrong in ("", " ", "x" * 2001, "a\u0000"):
        assert post(buyer, f"/rfqs/{rfq_id}/messages", {"text": wrong}).status_code in (400, 422)
    monkeypatch.setattr(rfq_messages, "MESSAGES_MOST", 3)
    refused("too_many_messages", lambda: rfq_messages.write(buyer, rfq_id, uuid.uuid4(), "one more"))
    assert [message["side"] for message in rfq_views.one(buyer, rfq_id)["messages"]] == [
        "company",
        "company",
        "merchant",
    ]


def test_messages_are_rate_limited_by_account(shelf: Shelf, buyer: Actor, post: Any) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    statuses = Counter(post(buyer, f"/rfqs/{rfq_id}/messages", {"text": "again"}).status_code for _ in range(22))
    assert statuses == {201: 20, 429: 2}
    assert post(shelf.owner, f"/rfqs/{rfq_id}/messages", {"text": "me"}).status_code == 201


def test_lists_are_pages(shelf: Shelf, buyer: Actor, client: Any) -> None:
    listing_id = trade.machine(shelf)
    made = [trade.request(buyer, listing_id) for _ in range(5)]
    for path, actor in ((f"{API}/rfqs", buyer), ("/api/v1/catalog/manage/rfqs", shelf.owner)):
        seen, cursor = [], None
        while True:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = client.get(path, query_string=query, headers=builders.token_of(actor)).get_json()
            seen += [row["id"] for row in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(map(str, made))
    assert client.get(f"{API}/rfqs", query_string={"cursor": "eA"}, headers=builders.token_of(buyer)).status_code == 422


# Once, however often it is sent


def test_a_repeated_request_finds_the_first_whatever_is_refused_now(
    shelf: Shelf, buyer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing_id, attempt = trade.machine(shelf), uuid.uuid4()
    wish = trade.asked(listing_id)
    first = rfqs.request(buyer.id, attempt, wish)
    monkeypatch.setattr(rfqs, "OPEN_MOST", 1)
    assert rfqs.request(buyer.id, attempt, wish) == first
    with transaction() as session:
        session.execute(update(Merchant).where(Merchant.id == shelf.merchant_id).values(status="suspended"))
    told = companies.own(buyer.id)
    companies.decide("op", uuid.UUID(told["id"]), "suspend", "x", told["version"])
    assert rfqs.request(buyer.id, attempt, wish) == first
    refused("not_found", lambda: rfqs.request(trade.company_account().id, attempt, wish))
    assert db.session.scalar(select(func.count()).select_from(Rfq)) == 1


def test_eight_twins_at_once_are_one_request(
    shelf: Shelf, buyer: Actor, together: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rfqs, "OPEN_MOST", 1)
    listing_id, attempt = trade.machine(shelf), uuid.uuid4()
    asked: set[uuid.UUID] = set()
    twin = lambda: asked.add(rfqs.request(buyer.id, attempt, trade.asked(listing_id)))  # noqa: E731
    assert together([twin] * 8) == {"done": 8}
    assert len(asked) == 1


def test_a_repeated_offer_or_message_makes_no_second_one(shelf: Shelf, buyer: Actor, together: Any) -> None:
    rfq_id, attempt = trade.request(buyer, trade.machine(shelf)), uuid.uuid4()
    wish = trade.offered("120")
    offering = lambda: rfq_offers.make(shelf.owner, rfq_id, attempt, wish)  # noqa: E731
    assert together([offering] * 4) == {"done": 4}
    with transaction() as session:
        session.execute(update(Merchant).where(Merchant.id == shelf.merchant_id).values(status="suspended"))
    assert offering() == attempt, "whatever would be refused now"
    found = rfq_views.one(buyer, rfq_id)
    assert [(row["id"], row["revision"], row["status"]) for row in found["offers"]] == [(str(attempt), 1, "open")]
    assert together([lambda: rfq_messages.write(buyer, rfq_id, attempt, "hello")] * 4) == {"done": 4}
    row = db.session.get_one(Rfq, rfq_id, populate_existing=True)
    assert (len(rfq_views.one(buyer, rfq_id)["messages"]), row.messages) == (1, 1)


@pytest.mark.parametrize("path", ["offers", "messages"])
def test_a_run_that_was_killed_is_taken_over(shelf: Shelf, buyer: Actor, post: Any, path: str) -> None:
    """The deed is stored, its answer is not; after a minute the same key finds what was done."""
    rfq_id = trade.request(buyer, trade.machine(shelf))
    who, wish = {"offers": (shelf.owner, trade.offer_body()), "messages": (buyer, {"text": "hello"})}[path]
    assert post(who, f"/rfqs/{rfq_id}/{path}", wish, key="k").status_code == 201
    with transaction() as session:
        begun = IdempotencyKey.started_at - timedelta(minutes=2)
        session.execute(update(IdempotencyKey).where(IdempotencyKey.key == "k").values(status=None, started_at=begun))
    again = post(who, f"/rfqs/{rfq_id}/{path}", wish, key="k")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, None)
    assert len(rfq_views.one(buyer, rfq_id)[path]) == 1


def test_looking_again_writes_nothing(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))

    def written() -> Any:
        return db.session.execute(text("SELECT xmin::text FROM rfq WHERE id = :id"), {"id": rfq_id}).scalar_one()

    rfq_messages.seen(shelf.owner, rfq_id)
    before = written()
    rfq_messages.seen(shelf.owner, rfq_id)
    rfq_messages.seen(buyer, rfq_id)
    assert written() == before
