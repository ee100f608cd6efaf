"""The tariff as people read it: the list, one line with its sources, a code that is not."""

import pytest

from tests.shop.pages.conftest import Browser


@pytest.mark.parametrize(("language", "text"), [("zh", "牛肉"), ("en", "beef"), ("en", "0202.30"), ("zh", "冷冻 beef")])
def test_lines_are_listed(browser: Browser, language: str, text: str) -> None:
    page = browser.go(f"/law/tariff?q={text}&day=2026-11-23", language).get_data(as_text=True)
    assert "/law/tariff/0202300090?day=2026-11-23" in page


def test_what_may_be_meant_is_a_link(browser: Browser) -> None:
    page = browser.go("/law/tariff?q=frozn+beef&day=2026-11-23").get_data(as_text=True)
    assert "q=frozen+beef" in page or "q=frozen%20beef" in page


def test_a_search_goes_on_under_its_words(browser: Browser) -> None:
    page = browser.go("/law/tariff?q=machine&day=2026-11-23").get_data(as_text=True)
    following = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "q=machine" in following
    assert browser.go(following).status_code == 200


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["Country quota of the safeguard", "used up: the surcharge is levied", "China-Australia FTA",
                "Rates over time", "Is there proof of origin", "notice 5 of 19 June 2026"]),
        ("zh", ["保障措施国别配额", "已用完，加征关税", "中国-澳大利亚自贸协定", "历年税率", "是否有 ChAFTA 的原产地证明"]),
    ],
)  # fmt: skip
def test_a_line_is_read_out_in_both_languages(browser: Browser, language: str, texts: list[str]) -> None:
    page = browser.go("/law/tariff/0202300090?origin=AU&day=2026-11-23", language).get_data(as_text=True)
    assert [text for text in texts if text not in page] == []


@pytest.mark.parametrize("hs", ["02023000", "3304990039", "0306173000", "87032343", "2203000000", "0303892000"])
@pytest.mark.parametrize("origin", ["", "au", "GB", "JP"])
def test_every_kind_of_line_has_a_page(browser: Browser, hs: str, origin: str) -> None:
    answer = browser.go(f"/law/tariff/{hs}?origin={origin}&day=2026-01-15", "zh")
    assert answer.status_code == 200
    assert "None" not in answer.get_data(as_text=True)


def test_a_closed_code_shows_its_days_and_its_neighbours(browser: Browser) -> None:
    answer = browser.go("/law/tariff/0306171100?day=2026-11-23")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "2012-01-01 to 2023-12-31" in page
    assert "/law/tariff/03061730?" in page


def test_dots_in_a_code_are_no_matter(browser: Browser) -> None:
    assert browser.go("/law/tariff/0202.30.00?day=2026-11-23").status_code == 200
    assert browser.go("/law/tariff/020230?day=2026-11-23").status_code == 422
