"""The calculator's delivery term and costs, in both languages."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.shop.pages.conftest import Browser

ASKED = {"hs": "0202300090", "origin": "BR", "value": "1000.00", "currency": "USD", "exchange_rate": "7.1000",
         "day": "2026-02-01", "quantity": "100", "unit": "kg", "route": "general_trade"}  # fmt: skip


def ask(browser: Browser, language: str = "en", **more: str) -> Any:
    return browser.go(f"/law/calculator?{urlencode({**ASKED, **more})}", language)


@pytest.mark.parametrize(("language", "label"), [("en", "Delivery term"), ("zh", "成交方式")])
def test_the_form_offers_the_delivery_terms(browser: Browser, language: str, label: str) -> None:
    page = browser.go("/law/calculator", language).get_data(as_text=True)
    assert label in page
    assert all(f'<option value="{term}"' in page for term in ("EXW", "FOB", "CIF", "DDP"))


@pytest.mark.parametrize(("language", "label"), [("en", "Delivery term FOB"), ("zh", "成交方式 FOB")])
def test_an_answer_keeps_the_term_and_shows_it(browser: Browser, language: str, label: str) -> None:
    page = ask(browser, language, incoterm="FOB", freight="100.00", insurance="5.00").get_data(as_text=True)
    assert "7,845.50" in page
    assert label in page
    assert '<option value="FOB" selected>' in page


def test_costs_up_to_the_ship_are_added_under_exw(browser: Browser) -> None:
    costs = {"export_costs": "40.00", "freight": "100.00", "insurance": "5.00"}
    assert "8,129.50" in ask(browser, incoterm="EXW", **costs).get_data(as_text=True)


@pytest.mark.parametrize(
    ("more", "field"),
    [({"incoterm": "FOB"}, "lines.0.freight"), ({"incoterm": "CIF", "insurance": "1.00"}, "lines.0.insurance")],
)
def test_costs_that_do_not_fit_the_term(browser: Browser, more: dict[str, str], field: str) -> None:
    answer = ask(browser, **more)
    assert answer.status_code == 422
    assert field in answer.get_data(as_text=True)


def test_the_laws_rate_serves_where_none_is_given(browser: Browser) -> None:
    page = ask(browser, day="2023-07-15", exchange_rate="", insurance="0.00").get_data(as_text=True)
    assert "7,179.50" in page
    assert "2023-06-21" in page
