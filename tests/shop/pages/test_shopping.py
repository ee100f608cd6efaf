"""What a person does in the shop, page by page: the forms are the pages' own."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from core import config
from core.database import db
from shop import addresses, carts
from shop.models import Order, Purchase
from tests.shop import builders, state
from tests.shop.builders import FakeStripe, Shelf
from tests.shop.pages.conftest import Browser


def purchases() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Purchase)) or 0


def cart_of(account_id: uuid.UUID) -> dict[str, str]:
    db.session.rollback()
    return {row["listing_id"]: row["quantity"] for row in carts.content(account_id)["items"]}


def test_a_guests_cart_joins_the_persons_at_sign_in(browser: Browser, shelf: Shelf) -> None:
    crab, prawns = builders.put_listing(shelf), builders.put_listing(shelf)
    who = builders.buyer()
    carts.put(who.id, prawns, builders.Decimal(2))
    assert browser.post("/cart", listing_id=crab, quantity="1").status_code == 303
    assert browser.post("/cart", listing_id=crab, quantity="2").status_code == 303
    assert browser.sign_in(who).status_code == 302
    assert cart_of(who.id) == {str(crab): "3", str(prawns): "2"}


def test_what_a_guest_chose_and_the_shop_lost_is_left_behind(browser: Browser, shelf: Shelf) -> None:
    who = builders.buyer()
    browser.post("/cart", listing_id=uuid.uuid4(), quantity="1")
    assert browser.sign_in(who).status_code == 302
    assert cart_of(who.id) == {}


def test_a_guests_cart_is_bounded(browser: Browser) -> None:
    for _ in range(21):
        answer = browser.post("/cart", listing_id=uuid.uuid4(), quantity="1")
    page = browser.go(answer.headers["Location"]).get_data(as_text=True)
    assert "Sign in to put more than 20 listings into the cart" in page


def test_a_form_without_its_token_changes_nothing(browser: Browser, shelf: Shelf) -> None:
    answer = browser.client.post("/cart", data={"listing_id": str(builders.put_listing(shelf)), "quantity": "1"})
    assert answer.status_code == 400
    with browser.client.session_transaction() as session:
        assert "guest_cart" not in session


def test_a_wrong_password_is_told_on_the_page(browser: Browser) -> None:
    who = builders.buyer()
    answer = browser.send("/login", "/login", email=who.email, password="not the password")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert browser.go("/orders").status_code == 302


def test_a_double_click_places_one_order(browser: Browser, shelf: Shelf, stripe: FakeStripe) -> None:
    who = builders.buyer()
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf), builders.Decimal(2))
    page = browser.go("/checkout").get_data(as_text=True)
    hidden = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("quote", "attempt", "notice")}
    first = browser.post("/checkout", **hidden)
    again = browser.post("/checkout", **hidden)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]
    assert purchases() == 1


def test_the_box_of_the_consumer_notice_must_be_ticked(browser: Browser, shelf: Shelf, stripe: FakeStripe) -> None:
    who = builders.buyer()
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf), builders.Decimal(2))
    page = browser.go("/checkout").get_data(as_text=True)
    assert "may have no label" in page
    assert "own use" in page
    refused = browser.send("/checkout", "/checkout")
    assert refused.status_code == 422
    assert purchases() == 0
    version = page.split('name="notice" value="')[1].split('"')[0]
    assert browser.send("/checkout", "/checkout", notice=version).status_code == 303
    order = state.fresh().scalars(select(Order)).one()
    assert (order.notice_version, order.notice_how) == (version, "page")
    told = browser.go(f"/orders/{order.id}").get_data(as_text=True)
    assert version in told
    assert "may have no label" in told


def test_what_was_chosen_stays_when_the_order_is_refused(browser: Browser, shelf: Shelf) -> None:
    """The freight of the page and of the quote are to the address that was chosen, not to the newest."""
    who = builders.buyer()
    first = addresses.page_of(who.id, 1, None)["items"][0]["id"]
    addresses.add(who.id, {**builders.HOME, "province": "北京市", "city": "北京市", "district_code": "110101"})
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf), builders.Decimal(1))
    assert "Freight to Beijing" in browser.go("/checkout").get_data(as_text=True)
    refused = browser.send(f"/checkout?address_id={first}", "/checkout")
    assert refused.status_code == 422
    assert "Freight to Zhejiang" in refused.get_data(as_text=True)


def test_domestic_goods_need_no_notice(browser: Browser, shelf: Shelf, stripe: FakeStripe) -> None:
    who = builders.buyer()
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf, route="general_trade", hs="0202300090"), builders.Decimal(1))
    assert 'name="notice"' not in browser.go("/checkout").get_data(as_text=True)
    assert browser.send("/checkout", "/checkout").status_code == 303


def test_checkout_asks_for_what_is_missing(browser: Browser, shelf: Shelf) -> None:
    who = builders.buyer(with_identity=False)
    browser.sign_in(who)
    carts.put(who.id, builders.put_listing(shelf), builders.Decimal(1))
    page = browser.go("/checkout").get_data(as_text=True)
    assert 'name="id_number"' in page
    assert 'name="attempt"' not in page, "an order could be placed without an identity"
    told = browser.send(
        "/checkout", "/account/identity", name="王芳", id_number=builders.identity_number(7), phone="13900000000"
    )
    assert told.headers["Location"] == "/checkout"
    assert 'name="attempt"' in browser.go("/checkout").get_data(as_text=True)


def test_a_wrong_identity_is_told_beside_the_field(browser: Browser) -> None:
    browser.sign_in(builders.buyer(with_identity=False))
    answer = browser.send(
        "/account", "/account/identity", name="王芳", id_number="110101199003070000", phone="13900000000"
    )
    assert answer.status_code == 422
    assert "field-error" in answer.get_data(as_text=True)


def test_nobody_sees_another_persons_order(
    browser: Browser, place: Callable[..., Any], shelf: Shelf, another_browser: Callable[[], Browser]
) -> None:
    owner = builders.buyer()
    order = place(owner, (builders.put_listing(shelf), "1"))["orders"][0]
    browser.sign_in(owner)
    assert browser.go(f"/orders/{order['id']}").status_code == 200
    stranger = another_browser()
    stranger.sign_in(builders.buyer())
    paths = (f"/orders/{order['id']}", f"/orders/{order['id']}/news", f"/purchases/{order['purchase']}",
             f"/purchases/{order['purchase']}/pay")  # fmt: skip
    assert [stranger.go(path).status_code for path in paths] == [404] * 4
    assert stranger.post(f"/orders/{order['id']}/cancel").status_code == 404


def test_the_open_order_page_hears_of_changes(browser: Browser, place: Callable[..., Any], shelf: Shelf) -> None:
    who = builders.buyer()
    order = place(who, (builders.put_listing(shelf), "1"))["orders"][0]
    browser.sign_in(who)
    before = browser.go(f"/orders/{order['id']}/news").get_json()
    assert before["final"] is False
    assert before["mark"] == browser.go(f"/orders/{order['id']}/news").get_json()["mark"]
    assert browser.send(f"/orders/{order['id']}", f"/orders/{order['id']}/cancel").status_code == 303
    after = browser.go(f"/orders/{order['id']}/news").get_json()
    assert (after["mark"] != before["mark"], after["final"]) == (True, True)
    assert 'data-status="cancelled"' in after["html"]


def test_a_new_account_is_signed_in_and_keeps_its_cart(browser: Browser, shelf: Shelf) -> None:
    crab = builders.put_listing(shelf)
    browser.post("/cart", listing_id=crab, quantity="1")
    answer = browser.send(
        "/register?next=/checkout", "/register", name="New", email="new@landfall.example", password="long enough"
    )
    assert answer.status_code == 303
    assert browser.go("/account").status_code == 200
    assert "new@landfall.example" in browser.go("/account").get_data(as_text=True)
    assert f'value="{crab}"' in browser.go("/cart").get_data(as_text=True)


@pytest.fixture
def at_stripe_itself() -> Iterator[None]:
    """Payments go to Stripe, not to a sandbox."""
    ours = config.current()
    config.use(replace(ours, stripe_api_base="https://api.stripe.com"))
    yield
    config.use(ours)


def test_stripes_own_form_is_shown_when_payments_go_to_stripe(
    browser: Browser, place: Callable[..., Any], shelf: Shelf, at_stripe_itself: None
) -> None:
    who = builders.buyer()
    purchase = place(who, (builders.put_listing(shelf), "1"))
    browser.sign_in(who)
    assert browser.go(f"/purchases/{purchase['purchase']}/pay").headers["Location"].endswith("/stripe")
    answer = browser.go(f"/purchases/{purchase['purchase']}/stripe")
    page = answer.get_data(as_text=True)
    assert 'src="https://js.stripe.com/v3/"' in page
    assert f'data-secret="{purchase["payment"]["client_secret"]}"' in page
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' https://js.stripe.com" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_sandbox_page_is_given_the_buyers_name(browser: Browser, place: Callable[..., Any], shelf: Shelf) -> None:
    who = builders.buyer(name="王芳")
    purchase = place(who, (builders.put_listing(shelf), "1"))
    browser.sign_in(who)
    target = urlsplit(browser.go(f"/purchases/{purchase['purchase']}/pay").headers["Location"])
    assert target.path == f"/sandbox/pay/{purchase['payment']['intent']}"
    asked = parse_qs(target.query)
    assert asked["name"] == ["王芳"]
    assert asked["return_url"] == [f"http://localhost/purchases/{purchase['purchase']}"]
