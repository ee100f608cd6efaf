"""The consumer notice: shown with the quote, accepted with the order, kept by version and hash."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.errors import Problem
from core.periods import Period
from shop import checkout, consent, orders, quotes
from shop.models import Order
from shop.quotes import Item
from tests.shop import builders, state


def ask(listing: uuid.UUID, account: Any = None) -> dict[str, Any]:
    return quotes.quote([Item(listing, Decimal(1))], account, None)


def kept() -> Order:
    return state.fresh().scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()


@pytest.fixture
def crab(shelf: Any) -> uuid.UUID:
    return builders.put_listing(shelf)


@pytest.fixture
def two_versions(monkeypatch: pytest.MonkeyPatch) -> str:
    """A new version begins tomorrow, Beijing; returns its name."""
    today = consent.on(clock.today())
    ends, begins = clock.today(), clock.today() + timedelta(days=1)
    old = consent.Notice(today.version, Period(date(2014, 1, 1), ends), today.text, today.digest)
    new = consent.Notice("next", Period(begins), {"zh": "新", "en": "new"}, "0" * 64)
    monkeypatch.setattr(consent, "_notices", lambda: {old.version: old, new.version: new})
    return "next"


def test_every_version_says_the_five_things_in_both_languages() -> None:
    """Shang Cai Fa [2018] No.486: standards, label, own use; and who declares, and how goods go back."""
    for notice in consent._notices().values():
        words = {"zh": ("自用", "不得再次销售", "中文标签", "标准", "身份", "退货"),
                 "en": ("own use", "sold again", "no label", "standards", "true name", "return")}  # fmt: skip
        for language, needed in words.items():
            assert all(word in notice.text[language].lower() for word in needed), (notice.version, language)
        joined = "\0".join((notice.text["zh"], notice.text["en"]))
        assert notice.digest == hashlib.sha256(joined.encode()).hexdigest()
    with pytest.raises(LookupError, match="2013-12-31"):
        consent.on(date(2013, 12, 31))


def test_a_retail_quote_carries_the_notice_and_a_domestic_one_none(shelf: Any, crab: Any, context: None) -> None:
    notice = ask(crab)["notice"]
    assert notice["version"] == consent.on(clock.today()).version
    assert set(notice["text"]) == {"zh", "en"}
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090")
    assert ask(beef)["notice"] is None


@pytest.mark.parametrize(("wish", "how"), [("quote", "quote"), ("items", "items"), ("consent", "explicit")])
def test_what_was_accepted_is_kept_with_the_order(crab: Any, stripe: Any, wish: str, how: str) -> None:
    person = builders.buyer()
    quote = ask(crab, person.id)
    given: dict[str, Any] = {"quote": quote["quote"]}
    if wish == "items":
        given = {"items": [Item(crab, Decimal(1))]}
    elif wish == "consent":
        given["notice"] = quote["notice"]["version"]
    checkout.place(person.id, uuid.uuid4(), **given)
    order = kept()
    notice = consent.on(clock.today())
    assert (order.notice_version, order.notice_digest, order.notice_how) == (notice.version, notice.digest, how)
    assert order.notice_accepted_at == order.created_at
    told = orders.one(person, order.id)["notice"]
    assert (told["version"], told["text"]) == (notice.version, dict(notice.text))


def test_another_version_is_refused_and_nothing_is_placed(crab: Any, stripe: Any) -> None:
    person = builders.buyer()
    quote = ask(crab, person.id)["quote"]
    for wish in ({"quote": quote}, {"items": [Item(crab, Decimal(1))]}):
        with pytest.raises(Problem) as refusal:
            checkout.place(person.id, uuid.uuid4(), notice="1999-1", **wish)
        assert (refusal.value.code, refusal.value.status) == ("notice_version", 422)
    assert state.stock(crab)[1] == 0


def test_a_quote_keeps_the_version_it_has_shown(crab: Any, stripe: Any, two_versions: str, move_clock: Any) -> None:
    """The new version begins at Beijing midnight while the quote lives."""
    person = builders.buyer()
    now = clock.now()
    midnight = clock.BEIJING
    tomorrow = (now.astimezone(midnight) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    move_clock(int((tomorrow - now).total_seconds()) - 60)
    quote = ask(crab, person.id)
    old = quote["notice"]["version"]
    move_clock(int((tomorrow - now).total_seconds()) + 60)
    assert ask(crab, person.id)["notice"]["version"] == two_versions
    with pytest.raises(Problem):
        checkout.place(person.id, uuid.uuid4(), quote=quote["quote"], notice=two_versions)
    checkout.place(person.id, uuid.uuid4(), quote=quote["quote"], notice=old)
    assert kept().notice_version == old


def test_words_that_changed_under_a_version_are_not_shown_as_accepted(
    crab: Any, stripe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = builders.buyer()
    checkout.place(person.id, uuid.uuid4(), items=[Item(crab, Decimal(1))])
    order = kept()
    was = consent.on(clock.today())
    forged = consent.Notice(was.version, was.period, {"zh": "改", "en": "changed"}, "1" * 64)
    monkeypatch.setattr(consent, "_notices", lambda: {was.version: forged})
    told = orders.one(person, order.id)["notice"]
    assert (told["digest"], told["text"]) == (was.digest, None)


def test_consent_over_http(client: Any, crab: Any, stripe: Any) -> None:
    person = builders.buyer()
    headers = builders.token_of(person)
    body = {"items": [{"listing_id": str(crab), "quantity": "1"}]}
    quote = client.post("/api/v1/shop/quotes", json=body, headers=headers).get_json()

    def place(given: Any, key: str) -> Any:
        wish = {"quote": quote["quote"], "consent": given}
        return client.post("/api/v1/shop/orders", json=wish, headers={**headers, "Idempotency-Key": key})

    wrong = place({"version": "x"}, "a")
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "notice_version")
    assert list(wrong.get_json()["errors"]) == ["consent.version"]
    for bad in ("2026-1", {}, {"version": 1}, {"version": "x", "more": 1}):
        assert place(bad, uuid.uuid4().hex).status_code == 422
    answer = place({"version": quote["notice"]["version"]}, "b")
    assert answer.status_code == 201
    assert answer.get_json()["orders"][0]["notice"]["how"] == "explicit"
