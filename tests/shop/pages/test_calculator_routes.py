"""The calculator's other routes: personal articles and services, in both languages."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.shop.pages.conftest import Browser

BAG = {"route": "personal_post", "post_category": "handbags", "value": "1000.00", "quantity": "1", "unit": "piece",
       "day": "2026-11-23", "from": "HK"}  # fmt: skip
DESIGN = {"route": "services", "service": "design", "value": "1060.00", "origin": "DE", "day": "2026-11-23",
          "quantity": "1", "unit": "kg"}  # fmt: skip


def ask(browser: Browser, asked: dict[str, str], language: str = "en") -> Any:
    return browser.go(f"/law/calculator?{urlencode(asked)}", language)


@pytest.mark.parametrize(("language", "words"), [("en", ("Personal articles by post", "Handbags and rucksacks", "Design")),
                                                 ("zh", ("个人邮寄物品", "挎包、背包、提包", "设计服务"))])  # fmt: skip
def test_the_form_offers_categories_and_services(browser: Browser, language: str, words: tuple[str, ...]) -> None:
    page = browser.go("/law/calculator", language).get_data(as_text=True)
    assert all(word in page for word in words)
    assert all(f'<option value="{route}"' in page for route in ("personal_post", "services"))


@pytest.mark.parametrize(("language", "label"), [("en", "Tax on personal articles"), ("zh", "进境物品税款")])
def test_an_article_shows_its_one_tax(browser: Browser, language: str, label: str) -> None:
    page = ask(browser, BAG, language).get_data(as_text=True)
    assert label in page
    assert "200.00" in page
    assert '<option value="handbags" selected>' in page


@pytest.mark.parametrize(("language", "label"), [("en", "VAT withheld on services"), ("zh", "代扣代缴服务增值税")])
def test_a_service_shows_what_is_withheld(browser: Browser, language: str, label: str) -> None:
    page = ask(browser, DESIGN, language).get_data(as_text=True)
    assert label in page
    assert "60.00" in page


def test_a_price_without_vat(browser: Browser) -> None:
    assert "63.60" in ask(browser, {**DESIGN, "without_tax": "1"}).get_data(as_text=True)


def test_net_content_decides_the_rate(browser: Browser) -> None:
    cream = {**BAG, "post_category": "skin_cream", "value": "500.00", "content": "50", "content_unit": "ml"}
    assert "250.00" in ask(browser, cream).get_data(as_text=True)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({**BAG, "freight": "10.00"}, "lines.0.freight"),
        ({**BAG, "value": "2000.01", "quantity": "2"}, "lines.0.value"),
        ({**DESIGN, "hs": "0202300090"}, "lines.0.hs"),
    ],
)
def test_refusals_name_the_field(browser: Browser, asked: dict[str, str], text: str) -> None:
    answer = ask(browser, asked)
    assert answer.status_code == 422
    assert text in answer.get_data(as_text=True)
