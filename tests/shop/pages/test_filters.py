"""Figures and names as they stand on a page."""

from typing import Any

import pytest

from shop.pages import filters
from shop.pages.language import local_path


@pytest.mark.parametrize(
    ("value", "shown"),
    [("531.50", "¥531.50"), ("1234567.00", "¥1,234,567.00"), ("-12.30", "−¥12.30"), (53150, "¥531.50"),
     ("0.00", "¥0.00"), (None, "–"), ("", "–")],
)  # fmt: skip
def test_money(value: Any, shown: str) -> None:
    assert filters.money(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("12", "12%"), ("6.3", "6.3%"), ("8% + 0.5 CNY/kg", "8% + 0.5 CNY/kg"), (None, "–")]
)
def test_rate(value: Any, shown: str) -> None:
    assert filters.rate(value) == shown


def test_instants_stand_in_beijing_time() -> None:
    assert filters.instant("2026-12-31T16:30:00Z") == "2027-01-01 00:30"


@pytest.mark.parametrize(("part", "percent"), [("0.00", "0.00"), ("13000.00", "50.00"), ("30000.00", "100.00")])
def test_a_bar_is_never_longer_than_whole(part: str, percent: str) -> None:
    assert filters.share_of(part, "26000.00") == percent


@pytest.mark.parametrize("available", ["0", None, "", False])
def test_nothing_left_is_not_in_stock(available: Any) -> None:
    assert not filters.in_stock(available)


def test_something_left_is_in_stock() -> None:
    assert filters.in_stock("0.5")


@pytest.mark.parametrize(
    ("language", "shown", "beside"),
    [("zh", "龙虾", "Lobster"), ("en", "Lobster", "龙虾"), ("fr;q=0.5", "龙虾", "Lobster")],
)
def test_names_in_the_language_of_the_page(app: Any, language: str, shown: str, beside: str) -> None:
    name = {"zh": "龙虾", "en": "Lobster"}
    with app.test_request_context(headers={"Accept-Language": language}):
        assert (filters.both(name), filters.other(name)) == (shown, beside)
        assert filters.country("CA") == ("Canada" if language == "en" else "加拿大")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", "", None, "/a\r\nb"]
)
def test_a_link_back_never_leads_elsewhere(app: Any, target: str | None) -> None:
    with app.test_request_context():
        assert local_path(target) == "/"


def test_a_link_back_keeps_its_question(app: Any) -> None:
    with app.test_request_context():
        assert local_path("/law/tariff?q=0306") == "/law/tariff?q=0306"


def test_a_text_of_a_template_is_chosen_for_each_request(app: Any) -> None:
    """Jinja folds a filter on a constant when it compiles a template: once, in the first reader's language."""
    template = app.jinja_env.from_string("{{ 'duty'|tax_kind }} {{ 'CA'|country }}")
    shown = []
    for language in ("zh", "en"):
        with app.test_request_context(headers={"Accept-Language": language}):
            shown.append(template.render())
    assert shown == ["关税 加拿大", "Customs duty Canada"]
