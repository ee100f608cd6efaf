"""Pages tell the engine's steps, reasons and requirements in the reader's language."""

import re
from urllib.parse import urlencode

import pytest

from tests.shop.pages.conftest import Browser

HAN = re.compile(r"[\u4e00-\u9fff]")
ASKED = {"hs": "0202300090", "origin": "AU", "value": "1000.00", "insurance": "0.00", "day": "2026-06-20",
         "quantity": "100", "unit": "kg", "route": "general_trade"}  # fmt: skip


def ask(browser: Browser, language: str, **more: str) -> str:
    answer = browser.go(f"/law/calculator?{urlencode({**ASKED, **more})}", language)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def words_of(page: str) -> str:
    """What stands in the steps, the reasons and the requirements, without markup."""
    text = re.sub(r"<[^>]+>", "\n", page[page.index("<main") : page.index("<form", page.index("<main"))])
    return re.sub(r"\n+", "\n", text)


def test_steps_in_english(browser: Browser) -> None:
    page = words_of(ask(browser, "en"))
    assert "dutiable value x duty rate" in page
    assert "MFN rate 12% since 2018-01-01" in page
    assert "Safeguard duty (Safeguard on imported beef beyond the country quota)" in page
    assert "proof of origin and direct transport not given" in page
    assert not HAN.search(page)


def test_steps_in_chinese(browser: Browser) -> None:
    page = words_of(ask(browser, "zh"))
    assert "计税价格 × 关税税率" in page
    assert "最惠国税率 12%，自 2018-01-01 起" in page
    assert "保障措施关税（进口牛肉保障措施）" in page
    assert "未提供原产地证明和直接运输证明" in page
    assert "《关税法》第二十三条" in page
    english = ("dutiable value", "rate of", "proof of", "Tariff Law art", "quantity x", "the origin")
    assert [words for words in english if words in page] == []


@pytest.mark.parametrize(("language", "shown"), [("en", "100 kg x 1.3 CNY/kg"), ("zh", "100 千克 x 1.3 元/千克")])
def test_units_in_a_formula(browser: Browser, language: str, shown: str) -> None:
    assert shown in ask(browser, language, hs="0207120000", origin="BR")


@pytest.mark.parametrize(("language", "shown"), [("en", "share levied"), ("zh", "征收比例")])
def test_retail_names_the_share(browser: Browser, language: str, shown: str) -> None:
    page = words_of(ask(browser, language, hs="0306149090", origin="NO", route="cross_border_retail"))
    assert shown in page
