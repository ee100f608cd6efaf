"""The inbox and the webhooks as people see them."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from core.database import transaction
from shop import notify
from shop.notifications import delivery_log, endpoints, outbox
from tests.shop import builders
from tests.shop.builders import Shelf
from tests.shop.pages.conftest import Browser

PAGE = "/trade/webhooks"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(("language", "title"), [("zh", "订单 LF1 已发货"), ("en", "Order LF1 is on its way")])
def test_the_inbox_shows_what_is_new(browser: Browser, language: str, title: str) -> None:
    person = builders.open_account("consumer")
    with transaction() as session:
        notify.person(session, person.id, "order_shipped", order="7", number="LF1", waybill="<b>W</b>")
    browser.sign_in(person)
    assert '<span class="count">1</span>' in text_of(browser.go("/account"))
    page = text_of(browser.go("/account/notices", language))
    assert title in page
    assert 'href="/orders/7"' in page
    assert "<b>W</b>" not in page
    assert "badge-warn" in page
    assert browser.send("/account/notices", "/account/notices/read").status_code == 303
    assert "badge-warn" not in text_of(browser.go("/account/notices", language))


def test_an_empty_inbox(browser: Browser) -> None:
    browser.sign_in(builders.open_account("consumer"))
    assert "Nothing was told yet." in text_of(browser.go("/account/notices"))


def test_an_endpoint_from_made_to_removed(browser: Browser, shelf: Shelf) -> None:
    browser.sign_in(shelf.owner)
    made = text_of(browser.send(PAGE, PAGE, url="http://127.0.0.1:9/a", kinds="order_paid"))
    secret = re.search(r"whsec_[\w-]+", made)
    assert secret
    assert secret[0] not in text_of(browser.go(PAGE))
    (endpoint,) = endpoints.own_list(shelf.merchant_id)
    there = f"{PAGE}/{endpoint['id']}"
    changed = text_of(browser.send(there, f"{there}/step", step="secret"))
    assert re.search(r"whsec_[\w-]+", changed)[0] != secret[0]  # type: ignore[index]
    assert browser.send(there, f"{there}/test").status_code == 303
    outbox.make_out()
    (sent,) = delivery_log.page_of(shelf.merchant_id, uuid.UUID(endpoint["id"]), None, 9, None)["items"]
    page = text_of(browser.go(f"{PAGE}/deliveries/{sent['id']}"))
    assert "webhook_test" in page
    replay = f"{PAGE}/deliveries/{sent['id']}/replay"
    assert browser.send(f"{PAGE}/deliveries/{sent['id']}", replay).status_code == 303
    assert browser.send(there, there, url="http://127.0.0.1:9/b", kinds="order_shipped").status_code == 303
    assert browser.send(there, f"{there}/step", step="disable").status_code == 303
    assert "Disabled since" in text_of(browser.go(there))
    assert browser.send(there, f"{there}/step", step="enable").status_code == 303
    (endpoint,) = endpoints.own_list(shelf.merchant_id)
    assert (endpoint["url"], endpoint["kinds"], endpoint["enabled"]) == (
        "http://127.0.0.1:9/b", ["order_shipped"], True,
    )  # fmt: skip
    assert browser.send(there, f"{there}/step", step="remove").status_code == 303
    assert endpoints.own_list(shelf.merchant_id) == []


def test_what_is_wrong_stands_at_its_field(browser: Browser, shelf: Shelf) -> None:
    browser.sign_in(shelf.owner)
    for values in ({"url": "http://10.0.0.1/", "kinds": "order_paid"}, {"url": "http://127.0.0.1:9/"}, {"url": "x"}):
        answer = browser.send(PAGE, PAGE, **values)
        assert answer.status_code == 422
        assert "field-error" in answer.get_data(as_text=True)
    assert endpoints.own_list(shelf.merchant_id) == []


def test_webhooks_are_the_merchants_own(browser: Browser, shelf: Shelf) -> None:
    theirs = builders.open_shelf()
    made = endpoints.create(theirs.owner.id, theirs.merchant_id, "http://127.0.0.1:9/", ["order_paid"])
    there = f"{PAGE}/{made['id']}"
    browser.sign_in(shelf.owner)
    assert browser.go(there).status_code == 404
    for action in (there, f"{there}/step", f"{there}/test"):
        answer = browser.post(action, step="remove", url="http://127.0.0.1:9/", kinds="order_paid")
        assert answer.status_code == 404, action
    assert len(endpoints.own_list(theirs.merchant_id)) == 1


def test_who_may_not_manage_webhooks_is_refused(browser: Browser, shelf: Shelf) -> None:
    browser.sign_in(builders.open_account("consumer"))
    assert browser.go(PAGE).status_code == 403


def test_operators_see_what_went_out_and_mail_it_again(browser: Browser) -> None:
    person = builders.open_account("consumer")
    with transaction() as session:
        notify.person(session, person.id, "order_shipped", order="7", number="LF1", waybill="W")
    outbox.make_out()
    browser.sign_in(builders.open_account("operator"))
    page = text_of(browser.go("/operations/deliveries?status=waiting"))
    assert person.email in page
    assert "Order LF1 has been sent under waybill W." in page
    tries = re.search(r"/operations/deliveries/[\w-]+", page)
    assert tries
    assert "None." in text_of(browser.go(tries[0]))
    assert browser.send("/operations/deliveries", f"{tries[0]}/mail").status_code == 303
    assert "LF1" not in text_of(browser.go("/operations/deliveries?status=sent"))


@pytest.mark.parametrize("role", ["consumer", "merchant", "customs"])
def test_nobody_else_sees_them(browser: Browser, role: str) -> None:
    browser.sign_in(builders.open_account(role))
    assert browser.go("/operations/deliveries").status_code == 403
