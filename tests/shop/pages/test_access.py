"""Pages of a role are closed to everybody else, and what goes wrong is told in the page's language."""

import re
from typing import Any

import pytest

from tests.shop import builders
from tests.shop.pages.conftest import Browser

CLOSED = {
    "/trade/listings": "merchant",
    "/trade/orders": "merchant",
    "/trade/imports": "merchant",
    "/trade/payouts": "merchant",
    "/trade/people": "merchant",
    "/desk/declarations": "customs",
    "/operations/review": "operator",
    "/operations/books": "operator",
    "/operations/jobs": "operator",
    "/operations/merchants": "operator",
}
OPEN = ("/law/calculator", "/law/tariff", "/docs/errors", "/api/v1/docs", "/policies/fair-competition", "/login",
        "/register", "/cart")  # fmt: skip


@pytest.mark.parametrize(("path", "role"), CLOSED.items())
def test_pages_of_a_role_are_closed_to_others(browser: Browser, path: str, role: str) -> None:
    assert browser.go(path).headers["Location"].startswith("/login?next=")
    others = [name for name in ("consumer", "merchant", "customs", "operator") if name != role]
    browser.sign_in(builders.open_account(*others))
    assert browser.go(path).status_code == 403


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_open_pages_need_nobody_and_nothing_from_outside(browser: Browser, path: str, language: str) -> None:
    answer = browser.go(path, language)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page
    assert "https://" not in page.replace("https://rfc-editor.org", "")


def test_a_merchant_sees_its_own_duty_only(browser: Browser, shelf: Any) -> None:
    browser.sign_in(shelf.owner)
    assert browser.go("/desk/reports/duty").status_code == 200
    assert browser.go("/desk/declarations").status_code == 403


@pytest.mark.parametrize(("language", "title"), [("zh", "找不到该内容"), ("en", "No such object")])
def test_a_missing_page_is_told_with_its_code(browser: Browser, language: str, title: str) -> None:
    answer = browser.go("/orders/no-such-thing", language)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert title in page
    assert 'href="/docs/errors#not_found"' in page


@pytest.mark.parametrize("query", ["q=" + "x" * 200, "sort=rank", "min_price=abc", "cursor=zzz", "origin=australia"])
def test_filters_that_cannot_be_read_are_refused(browser: Browser, query: str) -> None:
    assert browser.go(f"/?{query}").status_code == 422


def test_empty_boxes_of_the_filter_form_are_not_filters(browser: Browser) -> None:
    assert browser.go("/?q=&origin=&route=&min_price=&max_price=&sort=").status_code == 200


def test_the_api_page_shows_every_operation(browser: Browser) -> None:
    page = browser.go("/api/v1/docs").get_data(as_text=True)
    document = browser.go("/api/v1/openapi.json").get_json()
    operations = [(method.upper(), path) for path, item in document["paths"].items() for method in item]
    known = [(method, path) for method, path in operations if method in ("GET", "POST", "PUT", "PATCH", "DELETE")]
    assert len(known) > 50
    shown = re.findall(r'<span class="method">([A-Z]+)</span> <span class="code">([^<]+)</span>', page)
    assert sorted(shown) == sorted(known)


def test_only_the_card_page_may_load_from_stripe(browser: Browser, app: Any) -> None:
    policy = browser.go("/cart").headers["Content-Security-Policy"]
    assert "stripe" not in policy
    view = app.view_functions["payment_pages.stripe_form"]
    others = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "js.stripe.com" in str(getattr(app.view_functions[rule.endpoint], "talisman_view_options", ""))
    ]
    assert "js.stripe.com" in str(view.talisman_view_options)
    assert others == ["payment_pages.stripe_form"]


@pytest.mark.parametrize("path", ["/language/en?next=//evil.example", "/language/en?next=https://evil.example"])
def test_the_language_switch_stays_on_the_site(browser: Browser, path: str) -> None:
    assert browser.go(path).headers["Location"] == "/"
