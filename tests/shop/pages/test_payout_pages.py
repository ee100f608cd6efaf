"""The merchant's payouts and the operator's books, as pages in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from core import clock
from shop import books, payouts
from tests.shop import builders, paying
from tests.shop.pages.conftest import Browser
from tests.shop.paying import DAY


@pytest.fixture
def paid(place: Any, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any) -> None:
    paying.open_account(shelf)
    paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050)
    move_clock(31 * DAY)
    payouts.run()
    run_jobs("shop.pay")
    paying.sent_order(place, stripe, shelf, run_jobs, price_fen=20000)


def test_a_merchant_sees_balance_payouts_and_statements(paid: None, shelf: Any, browser: Browser) -> None:
    browser.sign_in(shelf.owner)
    for language, words in (("zh", ("¥99.49", "¥200.00", "对账单")), ("en", ("¥99.49", "¥200.00", "Statements"))):
        page = browser.go("/trade/payouts", language).get_data(as_text=True)
        assert all(word in page for word in words)
    month = clock.today().strftime("%Y-%m")
    assert browser.go(f"/trade/payouts/statements/{month}.pdf").data.startswith(b"%PDF")
    assert browser.go(f"/trade/payouts/statements/{month}.csv").mimetype == "text/csv"
    assert browser.go(f"/trade/payouts/statements/{month}.exe").status_code == 404
    (row,) = paying.payouts()
    assert "¥1.01" in browser.go(f"/trade/payouts/{row.id}").get_data(as_text=True)


def test_another_merchants_payout_is_not_there(paid: None, browser: Browser) -> None:
    browser.sign_in(builders.open_shelf().owner)
    (row,) = paying.payouts()
    assert browser.go(f"/trade/payouts/{row.id}").status_code == 404
    assert browser.go("/operations/books").status_code == 403


def test_the_account_is_opened_on_the_page(shelf: Any, stripe: Any, browser: Browser) -> None:
    browser.sign_in(shelf.owner)
    browser.send("/trade/payouts", "/trade/payouts/account")
    assert "Ready" in browser.go("/trade/payouts").get_data(as_text=True)


def test_an_operator_sees_the_books_and_closes_an_incident(
    paid: None, shelf: Any, browser: Browser, run_jobs: Any
) -> None:
    from core.database import transaction
    from shop import incidents

    with transaction() as session:
        incidents.record(session, "payout_failed", "merchant", shelf.merchant_id)
        number = incidents.open_ones(1)[0]["id"]
    books.keep_check()
    browser.sign_in(builders.open_account("operator"))
    page = browser.go("/operations/books").get_data(as_text=True)
    assert "The books balance" in page
    assert "merchant_payable" in page
    browser.send("/operations/books", f"/operations/books/incidents/{number}/close", remedy="told the bank")
    assert incidents.open_ones(5) == []
    browser.send("/operations/books", "/operations/books/check")
    run_jobs("shop.check_books")
