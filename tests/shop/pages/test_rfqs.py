"""Quotations on the pages: asked under a listing, offered by the merchant, accepted once and paid."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from catalog.models import Listing
from core import clock, config
from core.database import db, transaction
from shop import companies, expiry, rfq_acceptance, rfq_messages, rfqs
from shop.models import Order
from shop.trade_models import Rfq
from tests.shop import builders, trade
from tests.shop.builders import FakeStripe, Shelf
from tests.shop.pages.conftest import Browser

DAY = (clock.today() + timedelta(days=30)).isoformat()


def shown(listing_id: uuid.UUID, shelf: Shelf, **more: Any) -> uuid.UUID:
    """The listing with the answer that its page reads."""
    facts = {"zh": "加工中心", "en": "Machining centre"}
    detail = {"id": str(listing_id), "sku": "X", "title": facts, "category": "machine_tools", "origin": "DE", "hs": "8457101000",
              "merchant": {"id": str(shelf.merchant_id), "name": "Import"}, "route": "general_trade", "unit": "machine",
              "price": "4280000.00", "landed_price": "4280000.00", "tax": "0.00", "tax_included": True, "available": "5",
              "cold_chain": False, "image": "/x.svg", "facts": {}, "description": None, "ranking": None,
              "tax_breakdown": {"basis": "general_trade", "note": facts, "borne": None, "law_today": {}}, **more}  # fmt: skip
    with transaction() as session:
        text = json.dumps(detail)
        session.execute(update(Listing).where(Listing.id == listing_id).values(detail=text, card=text, shown=True))
    return listing_id


@pytest.fixture
def machine(shelf: Shelf) -> uuid.UUID:
    return shown(trade.machine(shelf), shelf)


def test_who_may_not_ask_is_shown_the_way(
    browser: Browser, another_browser: Callable[[], Browser], machine: uuid.UUID
) -> None:
    page = browser.go(f"/listings/{machine}").get_data(as_text=True)
    assert f"/login?next=/listings/{machine}" in page
    assert 'action="/cart"' not in page, "it is not put into a cart"
    browser.sign_in(builders.open_account("consumer"))
    page = browser.go(f"/listings/{machine}").get_data(as_text=True)
    assert "/account/company" in page
    assert 'action="/rfqs"' not in page
    refused = browser.post("/rfqs", listing_id=machine, attempt=uuid.uuid4(), quantity="1", unit="machine",
                           destination="Shanghai", needed_by=DAY)  # fmt: skip
    assert refused.status_code == 403
    assert "company_required" in refused.get_data(as_text=True)
    waiting = another_browser()
    waiting.sign_in(trade.company_account(verified=False))
    assert "Under review" in waiting.go(f"/listings/{machine}").get_data(as_text=True)


def test_a_company_is_told_and_verified_on_the_pages(browser: Browser, another_browser: Any) -> None:
    actor = builders.open_account("consumer")
    browser.sign_in(actor)
    wrong = browser.send("/account/company", "/account/company", registered_name="企业", uscc="123")
    assert wrong.status_code == 422
    assert 'value="123"' in wrong.get_data(as_text=True), "what was typed is still there"
    kept = browser.send("/account/company", "/account/company", registered_name="<b>企业</b>", uscc=trade.credit_code())
    assert kept.headers["Location"] == "/account/company"
    operator = another_browser()
    operator.sign_in(builders.open_account("operator"))
    page = operator.go("/operations/companies").get_data(as_text=True)
    assert "&lt;b&gt;企业&lt;/b&gt;" in page
    assert "<b>企业</b>" not in page
    told = companies.own(actor.id)
    action = f"/operations/companies/{told['id']}"
    assert operator.send("/operations/companies", action, decision="verify", reason="seen").status_code == 303
    assert companies.own(actor.id)["status"] == "verified"
    assert browser.go("/operations/companies").status_code == 403
    assert "Verified" in browser.go("/account/company").get_data(as_text=True)


def test_asked_offered_accepted_and_paid(
    browser: Browser, another_browser: Any, shelf: Shelf, machine: uuid.UUID, stripe: FakeStripe
) -> None:
    browser.sign_in(trade.company_account())
    wish = {
        "quantity": "2",
        "destination": "上海 <i>",
        "needed_by": DAY,
        "text": "a\r\nb",
        "answer-training": "two days",
    }
    asked = browser.send(f"/listings/{machine}", "/rfqs", **wish)
    assert asked.status_code == 303
    here = asked.headers["Location"]
    page = browser.go(here).get_data(as_text=True)
    assert "上海 &lt;i&gt;" in page
    assert "Training wanted" in page

    merchant = another_browser()
    merchant.sign_in(shelf.owner)
    assert "new" in merchant.go("/trade/rfqs").get_data(as_text=True)
    there = f"/trade{here}"
    assert merchant.go(here).headers["Location"] == there
    offer = {"unit_price": "100000", "currency": "EUR", "exchange_rate": "8", "quantity": "1", "incoterm": "CIF",
             "delivery_weeks": "12", "valid_until": DAY, "charges.installation": "10000", "charges.training": "2000"}  # fmt: skip
    wrong = merchant.send(there, f"{there}/offers", **{**offer, "unit_price": "1e5"})
    assert wrong.status_code == 422
    assert 'value="1e5"' in wrong.get_data(as_text=True)
    assert merchant.send(there, f"{there}/offers", **offer).headers["Location"] == there
    assert "€" not in merchant.go(there).get_data(as_text=True)

    page = browser.go(here).get_data(as_text=True)
    assert "¥896,000.00" in page
    assert "EUR 100,000.00" in page
    assert "named apart, not dutiable" in page
    until = rfqs.end_of(clock.today() + timedelta(days=30)).strftime("%Y-%m-%d 00:00")
    assert until in page, "to the end of the Beijing day"
    action = re.search(r'action="(/offers/[^"]+/accept)"', page)
    assert action is not None
    paid = browser.send(here, action[1])
    assert re.fullmatch(r"/purchases/[0-9a-f-]{36}/pay", paid.headers["Location"])
    again = browser.post(action[1], attempt=uuid.uuid4())
    assert again.status_code == 409
    assert db.session.scalar(select(func.count()).select_from(Order)) == 1
    order = db.session.scalars(select(Order)).one()
    page = browser.go(f"/orders/{order.id}").get_data(as_text=True)
    assert "due at import" in page
    assert here in page, "the order leads back to what was agreed"
    assert "Accepted and ordered" in merchant.go(there).get_data(as_text=True)


def test_a_double_click_asks_once(browser: Browser, machine: uuid.UUID) -> None:
    browser.sign_in(trade.company_account())
    attempt = uuid.uuid4()
    wish = {"quantity": "1", "destination": "上海", "needed_by": DAY, "attempt": attempt}
    first, second = (browser.send(f"/listings/{machine}", "/rfqs", **wish) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert db.session.scalar(select(func.count()).select_from(Rfq)) == 1


def test_a_wrong_request_keeps_what_was_typed(browser: Browser, machine: uuid.UUID) -> None:
    browser.sign_in(trade.company_account())
    wish = {"quantity": "1.5", "destination": "上海", "needed_by": DAY, "answer-application": "moulds", "text": "more"}
    answer = browser.send(f"/listings/{machine}", "/rfqs", **wish)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for typed in ('value="1.5"', 'value="moulds"', ">more</textarea>", "must be a whole number"):
        assert typed in page


def test_messages_are_escaped_and_no_one_else_reads_them(
    browser: Browser, another_browser: Any, shelf: Shelf, machine: uuid.UUID
) -> None:
    buyer = trade.company_account()
    browser.sign_in(buyer)
    rfq_id = trade.request(buyer, machine)
    here = f"/rfqs/{rfq_id}"
    assert browser.send(here, f"{here}/messages", text="<script>alert(1)</script>").status_code == 303
    merchant = another_browser()
    merchant.sign_in(shelf.owner)
    page = merchant.go(f"/trade{here}").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    for stranger in (trade.company_account(), builders.open_shelf().owner):
        window = another_browser()
        window.sign_in(stranger)
        assert window.go(here).status_code == 404
        assert window.post(f"{here}/messages", text="x").status_code == 404
        assert window.post(f"{here}/withdraw").status_code == 404
        assert window.go(f"/trade{here}").status_code in (403, 404)
    assert merchant.send(f"/trade{here}", f"{here}/decline", reason="sold out").status_code == 303
    assert "sold out" in browser.go(here).get_data(as_text=True)


def test_resources_are_offered_by_dry_weight(browser: Browser, shelf: Shelf) -> None:
    buyer = trade.company_account()
    rfq_id = trade.request(buyer, trade.ore(shelf), "1000", "t")
    browser.sign_in(shelf.owner)
    there = f"/trade/rfqs/{rfq_id}"
    assert "Moisture in percent" in browser.go(there).get_data(as_text=True)
    assert "含水率" in browser.go(there, "zh").get_data(as_text=True)
    offer = {"unit_price": "800", "moisture_percent": "8.25", "currency": "CNY", "incoterm": "DAP", "delivery_weeks": "2",
             "valid_until": DAY}  # fmt: skip
    browser.send(there, f"{there}/offers", **offer)
    page = browser.go(there).get_data(as_text=True)
    assert "917.5 tonne" in page
    assert "¥734,000.00" in page


@pytest.mark.parametrize("day", ["", "soon", "9999-12-31", "0001-01-01", "2026-02-30"])
def test_a_day_that_cannot_be_is_refused_in_the_form(browser: Browser, shelf: Shelf, day: str) -> None:
    rfq_id = trade.request(trade.company_account(), trade.machine(shelf))
    browser.sign_in(shelf.owner)
    there = f"/trade/rfqs/{rfq_id}"
    offer = {"unit_price": "1", "currency": "CNY", "incoterm": "DAP", "delivery_weeks": "2", "valid_until": day}
    answer = browser.send(there, f"{there}/offers", **offer)
    assert answer.status_code == 422
    assert "valid_until" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/rfqs", "/trade/rfqs", "/account/company", "/operations/companies"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_empty_pages_stand(browser: Browser, shelf: Shelf, path: str, language: str) -> None:
    assert browser.go(path, language).headers["Location"].startswith("/login?next=")
    browser.sign_in(builders.open_account("operator") if "operations" in path else shelf.owner)
    assert browser.go(path, language).status_code == 200


def test_notices_of_requests_have_words_and_lead_there(browser: Browser, shelf: Shelf, stripe: FakeStripe) -> None:
    buyer = trade.company_account()
    listing_id = trade.machine(shelf)
    withdrawn, declined, accepted = (trade.request(buyer, listing_id) for _ in range(3))
    rfqs.withdraw(buyer, withdrawn)
    trade.offer(shelf, declined)
    rfqs.decline(buyer, declined, "too dear")
    rfq_acceptance.accept(buyer, uuid.uuid4(), trade.offer(shelf, accepted))
    rfq_messages.seen(shelf.owner, accepted)
    rfq_messages.write(buyer, accepted, uuid.uuid4(), "when?")
    browser.sign_in(shelf.owner)
    said = {
        "zh": ("有企业向您询价", "一项询价已撤回", "您的报价未被接受", "您的报价已被接受并下单", "询价有新消息"),
        "en": ("asks you for a quotation", "was withdrawn", "was declined", "accepted and ordered", "new message on"),
    }
    for language, words in said.items():
        page = browser.go("/trade/notices", language).get_data(as_text=True)
        assert [text for text in words if text not in page] == []
        assert all(f'href="/trade/rfqs/{rfq_id}"' in page for rfq_id in (withdrawn, declined, accepted))
        assert f"/trade/listings/{listing_id}" not in page


def test_a_revised_offer_keeps_the_kind_of_service(browser: Browser, shelf: Shelf) -> None:
    rfq_id = trade.request(trade.company_account(), trade.service(shelf), "1", "project")
    trade.offer(shelf, rfq_id, "106000", service="technology_transfer")
    browser.sign_in(shelf.owner)
    page = browser.go(f"/trade/rfqs/{rfq_id}").get_data(as_text=True)
    assert re.search(r'<option value="technology_transfer"\s+selected', page)


def test_the_page_says_how_long_a_payment_waits_and_what_became_of_it(
    browser: Browser, another_browser: Any, shelf: Shelf, stripe: FakeStripe, move_clock: Any
) -> None:
    buyer = trade.company_account()
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id)
    browser.sign_in(buyer)
    assert f"{config.current().hold_seconds // 60} minutes" in browser.go(f"/rfqs/{rfq_id}").get_data(as_text=True)
    purchase_id = rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)
    assert 'data-purchase="awaiting_payment"' in browser.go(f"/rfqs/{rfq_id}").get_data(as_text=True)
    move_clock(config.current().hold_seconds + 1)
    expiry.expire_purchase(str(purchase_id))
    merchant = another_browser()
    merchant.sign_in(shelf.owner)
    for window, path in ((browser, f"/rfqs/{rfq_id}"), (merchant, f"/trade/rfqs/{rfq_id}")):
        page = window.go(path).get_data(as_text=True)
        assert 'data-purchase="expired"' in page
        assert "Not paid in time" in page


def test_an_order_names_the_law_of_the_offer(
    browser: Browser, shelf: Shelf, stripe: FakeStripe, move_clock: Any
) -> None:
    buyer, day = trade.company_account(), clock.today().isoformat()
    rfq_id = trade.request(buyer, trade.service(shelf), "1", "project")
    offer_id = trade.offer(shelf, rfq_id, "106000", valid_until=clock.now() + timedelta(days=40))
    move_clock(2 * 86_400)
    rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)
    browser.sign_in(buyer)
    order = db.session.scalars(select(Order)).one()
    assert f"By the law of {day}, the day of the offer" in browser.go(f"/orders/{order.id}").get_data(as_text=True)


def test_an_operator_suspends_and_reinstates_on_the_page(browser: Browser) -> None:
    company = trade.company_account()
    told = companies.own(company.id)
    browser.sign_in(builders.open_account("operator"))
    action = f"/operations/companies/{told['id']}"
    for status, decision, to in (("verified", "suspend", "suspended"), ("suspended", "reinstate", "verified")):
        page = f"/operations/companies?status={status}"
        sent = browser.send(
            page, action, to=f"{action}?status={status}", decision=decision, reason="asked by the office"
        )
        assert sent.headers["Location"] == page
        assert companies.own(company.id)["status"] == to
    assert "asked by the office" in browser.go("/operations/companies?status=verified").get_data(as_text=True)
